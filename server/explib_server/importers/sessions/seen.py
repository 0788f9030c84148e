"""The sessions of an import in numbers, and the library that each belongs to."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field, replace
from functools import cache
from pathlib import Path

from explib.settings.program import Settings
from explib.text.words import number_of
from explib_server.importers.records import BadRecord, Record
from explib_server.projects import Project, project_of
from explib_server.projects.state import is_off

MOST_NAMED = 5


@dataclass(slots=True)
class SessionsSeen:
    """Counts the turns of sessions on their way into the libraries of their projects."""

    settings: Settings
    library: str | None = None
    """For all of them, if it is named."""
    turns: int = 0
    uncaptured: int = 0
    """Turns in folders that are, or then were, switched off."""
    sessions: set[str] = field(default_factory=set)
    rewards: Counter[str] = field(default_factory=Counter)
    """By source."""
    groups: set[str] = field(default_factory=set)
    libraries: Counter[str] = field(default_factory=Counter)
    gone: set[Path] = field(default_factory=set)
    """Folders that are not on this machine: their turns are of no project."""

    def destined(self, records: Iterable[Record | BadRecord]) -> Iterator[Record | BadRecord]:
        """Count the turns, and name the library of each; leave out those of folders switched off, then or now."""
        of_folder = cache(lambda folder: project_of(folder, self.settings))
        for record in records:
            if isinstance(record, BadRecord):
                yield record
                continue
            folder = _folder(record)
            project = of_folder(folder)
            if folder is not None and project.root is None and not folder.exists():
                self.gone.add(folder)
            if project.captured and not (folder is not None and is_off(folder.resolve(), record.span)):
                yield self._counted(record, project)
            else:
                self.uncaptured += 1

    def _counted(self, record: Record, project: Project) -> Record:
        library = self.library or record.library or project.library
        self.turns += 1
        self.sessions.add(record.idempotency_key.rsplit(":", 1)[0])
        self.groups.add(record.group or record.task)
        self.libraries[library] += 1
        if record.reward is not None:
            self.rewards[record.reward_source] += 1
        return replace(record, library=library)

    def summary(self) -> Iterator[str]:
        """Sessions, turns, graded ones by source, groups and libraries."""
        graded = ", ".join(f"{source} {number:,}" for source, number in self.rewards.most_common())
        yield (
            f"{number_of(len(self.sessions), 'session')}, {number_of(self.turns, 'turn')}, "
            f"{self.rewards.total():,} graded{f' ({graded})' if graded else ''}, {number_of(len(self.groups), 'group')}"
        )
        into = ", ".join(f"{name} ({number:,})" for name, number in self.libraries.most_common(12))
        yield f"into {number_of(len(self.libraries), 'library', 'libraries')}: {into or 'none'}; cost: 0 tokens"
        if self.gone:
            named = ", ".join(sorted(map(str, self.gone))[:MOST_NAMED])
            yield f"not on this machine, so of no project: {named} (--library names one for them)"
        if self.uncaptured:
            yield f"{number_of(self.uncaptured, 'turn')} left out: capture is off in their folders, or was then"


def _folder(record: Record) -> Path | None:
    """Where the agent worked; None where only a hash of it is known."""
    folder = None if record.folder is None else Path(record.folder)
    return folder if folder is not None and folder.is_absolute() else None
