"""What a later look says of edits whose fate is known: the commits of a repository, each as if it were a turn.

    .venv/bin/python benchmarks/later_looks.py [--repository .] [--turns 40] [--seed 1]

In a copy of the repository: `stood`, some commits later; `thrown away`, never committed; `reverted`, by `git revert`.
Right are "kept" for the first and "taken back" for the others; "open" gives no reward. The age of a commit is left out.
"""

from __future__ import annotations

import os
import random
import subprocess
import tempfile
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

from measuring import keep, parser, show

from explib_server.hooks import afterwards
from explib_server.importers.sessions.edited_lines import EditedLines

LATER = 10
"""Commits, in the order of the history."""
MOST_FILES = 10
WHO = {f"GIT_{who}_{what}": "a@b" for who in ("AUTHOR", "COMMITTER") for what in ("NAME", "EMAIL")}


class Copy:
    """A copy of a repository with one branch, which is put to any commit."""

    def __init__(self, root: Path, origin: Path) -> None:
        self.root = root
        subprocess.run(("git", "clone", "-q", "--single-branch", str(origin), str(root)), check=True)
        self.git("remote", "remove", "origin")
        self.commits = self.git("rev-list", "--topo-order", "--no-merges", "--reverse", "HEAD").split()

    def git(self, *words: str) -> str:
        """What git prints. Raises CalledProcessError."""
        command = ("git", "-C", str(self.root), *words)
        return subprocess.run(command, check=True, capture_output=True, text=True, env=os.environ | WHO).stdout

    def edits(self, commit: str) -> dict[str, EditedLines]:
        """The lines that a commit changed in files that were there before."""
        found: dict[str, EditedLines] = {}
        for name in self.git(
            "diff-tree", "-r", "--no-commit-id", "--name-only", "--diff-filter=M", commit
        ).splitlines():
            lines = self.git("diff", "-U0", f"{commit}^", commit, "--", name).splitlines()[4:]
            old, new = ("\n".join(line[1:] for line in lines if line[:1] == sign) for sign in "-+")
            found[str(self.root / name)] = edited = EditedLines()
            edited.change(old, new)
        return {path: lines for path, lines in found.items() if lines.added or lines.removed}

    def fates(self, at: int) -> Iterator[tuple[str, str]]:
        """What was done with the edits of the commit at this place, and what a look says of it."""
        commit = self.commits[at]
        edits, made = self.edits(commit), float(self.git("show", "-s", "--format=%ct", commit))
        if not 0 < len(edits) <= MOST_FILES:
            return
        for done, place in (("thrown away", f"{commit}^"), ("stood", self.commits[at + LATER])):
            self.git("reset", "-q", "--hard", place)
            yield done, afterwards.fate_of_edits(self.root, edits, made)
        try:
            self.git("revert", "--no-edit", commit)
        except subprocess.CalledProcessError:  # later commits changed the same lines
            self.git("revert", "--abort")
        else:
            yield "reverted", afterwards.fate_of_edits(self.root, edits, made)

    def is_before(self, at: int, later: int) -> bool:
        """One commit is part of the history of the other."""
        command = ("git", "-C", str(self.root), "merge-base", "--is-ancestor", self.commits[at], self.commits[later])
        return subprocess.run(command, check=False).returncode == 0


def main() -> None:
    options = parser(__doc__)
    options.add_argument("--repository", type=Path, default=Path())
    options.add_argument("--turns", type=int, default=40)
    options.add_argument("--seed", type=int, default=1)
    chosen = options.parse_args()
    afterwards.STANDS_SECONDS = 0.0
    counts: Counter[tuple[str, str]] = Counter()
    with tempfile.TemporaryDirectory() as folder:
        copy = Copy(Path(folder).resolve() / "copy", chosen.repository.resolve())
        places = [at for at in range(1, len(copy.commits) - LATER) if copy.is_before(at, at + LATER)]
        for at in random.Random(chosen.seed).sample(places, chosen.turns):
            counts.update(copy.fates(at))
    said = ("kept", "taken back", "open")
    rows = [[done, *(counts[done, each] for each in said)] for done in ("stood", "thrown away", "reverted")]
    show(f"{chosen.turns} commits as turns", ("edits that", *said), rows)
    keep(chosen.json, rows)


if __name__ == "__main__":
    main()
