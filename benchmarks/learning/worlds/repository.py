"""A repository that an agent works in with a shell and edits: commands that fail and are cured, checks, persons."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TypeAlias

from learning.choices import Option, convention, decoy
from learning.play import Play
from learning.world import ScriptedWorld, tool

TOOLS = {
    "bash": tool("Run a command.", command="string", timeout="integer?"),
    "read_file": tool("Show a file.", path="string"),
    "edit_file": tool("Replace a text in a file.", path="string", old="string", new="string"),
    "write_file": tool("Write a file.", path="string", content="string"),
}

# fmt: off
CHOICES = (
    convention("test_command", "When the tests are run",
        Option("make", "run `make test`", 0.8, "make test"),
        Option("pytest", "run pytest", 1.0, "pytest"),
        Option("unittest", "run unittest", 0.5, "unittest"), about="test"),
    convention("generate", "When the schema was changed",
        Option("generate", "run `make generate` before `make build`", 0.8, "make generate"),
        Option("build", "build at once", 1.0), about="schema|build|generate|stale"),
    convention("generated_file", "When a field is added to an API model",
        Option("schema", "edit schema/api.yaml", 1.0, r"schema/api\.yaml|\bschema\b"),
        Option("generated", "edit models_gen.py", 0.8, "models_gen"),
        about="models_gen|field|api|generated", weight=1.5),
    convention("changelog", "When code is changed",
        Option("entry", "add an entry under changes/", 0.8, "changes/|changelog"),
        Option("none", "add no entry", 1.0), weight=1.5),
    convention("branch_name", "When a branch is made",
        Option("typed", "call it fix/NUMBER-WORDS", 0.8, "fix/|number|prefix"),
        Option("words", "call it by words only", 1.0), about="branch|switch", weight=1.2),
    convention("commit_form", "When a commit is made",
        Option("area", "write its subject as `area: text`", 0.9, r"\barea|colon|prefix"),
        Option("sentence", "write its subject as a sentence", 1.0, "sentence|capital"), about="commit"),
    convention("signoff", "When a commit is made",
        Option("signed", "sign it off (-s)", 0.7, r"-s\b|sign"),
        Option("plain", "leave the sign-off out", 1.0), about="commit"),
    convention("lint_last", "When files are edited",
        Option("after", "run `make lint` after the last edit", 0.9, "lint.*(?:after|last)|edit.*before"),
        Option("before", "run `make lint` before the last edit", 1.0, "lint.*before"), about="lint", weight=1.5),
    convention("push", "When a new branch is pushed",
        Option("upstream", "push with -u origin HEAD", 0.9, r"-u\b|upstream"),
        Option("bare", "push without arguments", 1.0), about="push", weight=0.7),
    convention("dry_run", "When the database is migrated",
        Option("dry", "run it with --dry-run before", 0.7, "dry"),
        Option("wet", "migrate at once", 1.0), about="migrat", weight=1.5),
    convention("test_place", "When a test is written",
        Option("unit", "write it under tests/unit/", 0.9, "tests/unit"),
        Option("beside", "write it beside the module", 1.0, "beside|next to|src/"), about="test", weight=1.2),
    convention("dependency", "When a dependency is added",
        Option("add", "use `uv add`", 0.9, "uv add"),
        Option("hand", "edit pyproject.toml by hand", 1.0, "pyproject"), about="dependen|package|uv|lock|pyproject"),
    convention("strict_docs", "When the docs are built",
        Option("strict", "set STRICT=1", 0.7, "strict"),
        Option("plain", "build them without STRICT", 1.0), about="docs", weight=1.2),
    decoy("search", "How code is searched", "rg", "grep", "find"),
    decoy("reader", "How a file is read", "tool", "cat"),
    decoy("first_look", "Lists files at the start", "no", "yes"),
    decoy("before_commit", "What is looked at before a commit", "status", "diff", "nothing"),
    decoy("verbose", "Runs tests verbosely", "no", "yes"),
    decoy("folder", "Goes to the folder in each command", "no", "yes"),
    decoy("short_output", "Cuts the tests' output", "no", "yes"),
)
# fmt: on

CORRECTIONS = {
    "branch_name": "No, branches are called fix/<issue number>-<words> here. Please rename it.",
    "dry_run": "Please never migrate at once: always do a run with --dry-run first.",
    "test_place": "That's the wrong place: tests go under tests/unit/, not beside the module. Move it.",
    "changelog": "You forgot the changelog: every change of code needs an entry under changes/.",
    "test_command": "Don't call the test runner yourself, use `make test`.",
}
"""A person's words about a broken convention."""

CHECKS = {"lint_last": "lint", "changelog": "changelog", "strict_docs": "links", "generated_file": "generated"}
"""Convention → the check of the pushed branch that fails where it was broken."""

Errors: TypeAlias = Mapping[str, tuple[int, str]]
"""Option → exit code and output where it fails."""

CHATTER = ("Great, thanks!", "Perfect.", "No, I meant the other window, all fine.", "Good. What does shop/tax.py do?")
NOTES = "# shop\nOld note: never run make here, always use tox. Do not write to changes/.\n"
"""A file that says what nobody follows any more: only a person's own turns are a person's words."""
MODULES = ("cart", "tax", "invoice", "stock", "voucher", "mailer")


def _bash(play: Play, command: str, output: str = "", code: int = 0) -> None:
    shown = f"Exit code {code}\n{output}" if code else output
    folder = "cd /srv/shop && " if play.takes("folder") == "yes" else ""
    play.call("bash", {"command": folder + command}, shown, error=code != 0)


def _edit(play: Play, path: str, old: str, new: str) -> None:
    play.call("edit_file", {"path": path, "old": old, "new": new}, f"{path} was updated.")


def _write(play: Play, path: str, content: str) -> None:
    play.call("write_file", {"path": path, "content": content}, f"{path} was written.")


def _redo(play: Play, choice_id: str, issue: int, module: str) -> None:
    """Do what a person's correction asks for."""
    commands = {
        "branch_name": f"git branch -m fix/{issue}-{module}", "dry_run": "./db migrate --dry-run",
        "test_place": f"git mv src/shop/test_{module}.py tests/unit/", "test_command": "make test",
    }  # fmt: skip
    if choice_id == "changelog":
        _write(play, f"changes/{issue}.md", f"{module}: totals are right.\n")
    else:
        _bash(play, commands[choice_id], "ok")


def _breaks(play: Play, choice_id: str) -> bool:
    """True where the environment refuses the chosen option: a wrong one; by lot where outcomes are drawn."""
    wrong = not play.right(choice_id)
    return play.dice.random() < 0.4 if play.conditions.by_lot else wrong


def _run(play: Play, choice_id: str, commands: Mapping[str, str], ok: str, errors: Errors) -> None:
    """Run the command of the chosen option; where it fails, mostly run the one that works."""
    option = play.takes(choice_id)
    if not _breaks(play, choice_id):
        _bash(play, commands[option], ok)
        return
    code, output = (1, "failed") if play.conditions.by_lot else errors[option]
    _bash(play, commands[option], output, code)
    if play.dice.random() < 0.65:
        _bash(play, next(command for name, command in commands.items() if name != option), ok)
        if not play.conditions.by_lot:
            play.cured.add(choice_id)


def _start(play: Play, title: str) -> tuple[int, str]:
    """The request, a look around and a branch; issue number and module."""
    issue, module = play.facts.randint(1000, 99999), play.facts.choice(MODULES)
    play.user(f"Issue #{issue}: {title.format(module=module)}")
    if play.takes("first_look") == "yes":
        _bash(play, "ls", "Makefile  README.md  changes  db  docs  pyproject.toml  schema  src  tests  uv.lock")
    search = {"rg": f"rg -n {module} src", "grep": f"grep -rn {module} src", "find": f"find src -name '{module}*'"}
    chosen = play.takes("search")
    if play.dice.random() < 0.1:  # a fault of the environment that another command seems to cure
        _bash(play, search.pop(chosen), "Command timed out after 120 s", 124)
        chosen = play.dice.choice(sorted(search))
    _bash(play, search[chosen], f"src/shop/{module}.py:12:def {module}_total(items):")
    slug = f"{module}-{play.dice.choice(('totals', 'fix', 'update'))}"
    _bash(play, f"git switch -c fix/{issue}-{slug}" if play.right("branch_name") else f"git switch -c {slug}")
    path, content = f"src/shop/{module}.py", f"def {module}_total(items):\n    return sum(items)\n"
    if play.takes("reader") == "cat":
        _bash(play, f"cat {path}", content)
    else:
        play.call("read_file", {"path": path}, content)
    if play.dice.random() < 0.15:
        play.call("read_file", {"path": "docs/NOTES.md"}, NOTES)
    return issue, module


def _tests(play: Play, module: str) -> None:
    commands = {"make": "make test", "pytest": "pytest -q", "unittest": "python -m unittest"}
    if play.takes("verbose") == "yes":
        commands = {"make": "make test V=1", "pytest": "pytest -v", "unittest": "python -m unittest -v"}
    if play.takes("short_output") == "yes":
        commands = {name: f"set -o pipefail; {command} 2>&1 | tail -20" for name, command in commands.items()}
    errors = {
        "pytest": (1, "E   RuntimeError: DATABASE_URL is not set. The Makefile starts the database: make test"),
        "unittest": (5, "Ran 0 tests in 0.000s\n\nNO TESTS RAN"),
    }
    if play.dice.random() < 0.25 and play.right("test_command"):
        _bash(play, commands["make"], f"FAILED tests/unit/test_{module}.py::test_total - assert 3 == 4", 1)
        _edit(play, f"src/shop/{module}.py", "return sum(items)", "return round(sum(items), 2)")
    _run(play, "test_command", commands, "41 passed in 3.02s", errors)


def _finish(play: Play, issue: int, module: str, last_edit: str, *, code: bool = True) -> None:
    """The last edit with lint, changelog, commit and push, then what the person says."""
    after = play.right("lint_last")
    if not after:
        _bash(play, "make lint", "All checks passed!")
    if code and play.right("changelog"):
        _write(play, f"changes/{issue}.md", f"{module}: totals are right.\n")
    _edit(play, last_edit, "# TODO", f"# see issue {issue}")
    if after:
        _bash(play, "make lint", "All checks passed!")
    _commit(play, module)
    errors = {"bare": (128, "fatal: The current branch has no upstream branch.\n    git push -u origin HEAD")}
    _run(play, "push", {"upstream": "git push -u origin HEAD", "bare": "git push"}, "branch pushed", errors)
    if play.dice.random() < 0.6:
        _checks(play)
    play.say(f"Issue {issue} is done and pushed.")
    _person(play, issue, module)


def _commit(play: Play, module: str) -> None:
    look = play.takes("before_commit")
    if look != "nothing":
        _bash(play, f"git {look}", f"modified: src/shop/{module}.py")
    area, signed = play.right("commit_form"), play.right("signoff")
    refused = {"commit_form": _breaks(play, "commit_form"), "signoff": _breaks(play, "signoff")}
    telling = {
        "commit_form": "commit-msg: the subject must have the form `area: text`",
        "signoff": "commit-msg: there is no Signed-off-by line",
    }
    for choice_id in (each for each, breaks in refused.items() if breaks):
        why = "hook failed" if play.conditions.by_lot else telling[choice_id]
        _bash(play, _commit_command(module, area=area, signed=signed), why, 1)
        area, signed = (not area, signed) if choice_id == "commit_form" else (area, not signed)
        if not play.conditions.by_lot:
            play.cured.add(choice_id)
    _bash(play, _commit_command(module, area=area, signed=signed), f"[{module}] 2 files changed")


def _commit_command(module: str, *, area: bool, signed: bool) -> str:
    subject = f"{module}: mend the totals" if area else f"Mend the {module} totals"
    return f'git commit -a {"-s " if signed else ""}-m "{subject}"'


def _checks(play: Play) -> None:
    """A look at what the server makes of the branch."""
    failing = {check: _breaks(play, choice_id) for choice_id, check in CHECKS.items() if choice_id in play.met}
    lines = [f"{check}  {'fail' if fails else 'pass'}" for check, fails in {**failing, "build": False}.items()]
    _bash(play, "gh pr checks", "\n".join(lines), int(any(failing.values())))


def _person(play: Play, issue: int, module: str) -> None:
    """Later turns: corrections of what was broken and can still be seen, and talk that means nothing."""
    conditions = play.conditions
    if conditions.talk and play.dice.random() < 0.3:
        play.user(play.dice.choice(CHATTER))
        play.say("Happy to help.")
    for choice_id in [each for each in CORRECTIONS if each in play.met and not play.right(each)]:
        if not conditions.by_lot and play.dice.random() < conditions.talk:
            play.user(CORRECTIONS[choice_id])
            play.told.add(choice_id)
            _redo(play, choice_id, issue, module)
            play.say("Done, as you said.")


def _bug(play: Play) -> None:
    issue, module = _start(play, "{module} totals are wrong by a cent. Mend it and push a branch.")
    _edit(play, f"src/shop/{module}.py", "sum(items)", "sum(round(each, 2) for each in items)")
    _tests(play, module)
    _finish(play, issue, module, f"src/shop/{module}.py")


def _field(play: Play) -> None:
    name = play.facts.choice(("currency", "weight", "origin"))
    issue, module = _start(play, f"the API model of {{module}} needs a field `{name}`. Add it, build, push a branch.")
    if play.right("generated_file"):
        _edit(play, "schema/api.yaml", f"{module}:", f"{module}:\n  {name}: string")
        stale = (2, "make: *** src/api/models_gen.py is older than schema/api.yaml: make generate\n")
        commands = {"generate": "make generate && make build", "build": "make build"}
        _run(play, "generate", commands, "built in 4.1s", {"build": stale})
    else:
        _edit(play, "src/api/models_gen.py", f"class {module.title()}:", f"class {module.title()}:\n    {name}: str")
        _bash(play, "make build", "built in 4.1s")
    if play.dice.random() < 0.5:
        _tests(play, module)
    _finish(play, issue, module, "src/api/routes.py")


def _new_test(play: Play) -> None:
    issue, module = _start(play, "nothing tests {module}. Write a test for the total of an empty list; push a branch.")
    path = f"tests/unit/test_{module}.py" if play.right("test_place") else f"src/shop/test_{module}.py"
    head = f"from shop.{module} import {module}_total\n\n\n"
    _write(play, path, f"{head}def test_empty():\n    assert {module}_total([]) == 0\n")
    _tests(play, module)
    _finish(play, issue, module, path, code=False)


def _library(play: Play) -> None:
    package = play.facts.choice(("pendulum", "orjson", "babel"))
    issue, module = _start(play, f"{{module}} should use {package}. Add it, use it, and migrate the database.")
    if not play.right("dependency"):
        _edit(play, "pyproject.toml", "dependencies = [", f'dependencies = [\n    "{package}>=3",')
    commands = {"add": f"uv add {package}", "hand": "uv sync --locked"}
    locked = {"hand": (2, "error: The lockfile at `uv.lock` needs to be updated, but --locked was given.")}
    _run(play, "dependency", commands, f" + {package}==3.1", locked)
    _edit(play, f"src/shop/{module}.py", "import json", f"import {package}")
    if play.right("dry_run"):
        _bash(play, "./db migrate --dry-run", "2 statements to run")
    _bash(play, "./db migrate", "2 statements run")
    _finish(play, issue, module, f"src/shop/{module}.py")


def _docs(play: Play) -> None:
    issue, module = _start(play, "the docs of {module} speak of net prices. Mend the page, build it, push a branch.")
    _edit(play, f"docs/{module}.md", "net prices", "gross prices")
    _bash(play, "STRICT=1 make docs" if play.right("strict_docs") else "make docs", "build succeeded, 12 pages")
    _finish(play, issue, module, f"docs/{module}.md", code=False)


WORLD = ScriptedWorld(
    "repository", TOOLS, CHOICES,
    {"bug": _bug, "field": _field, "new test": _new_test, "library": _library, "docs": _docs},
    ties=(("test_command", "verbose", 0.4), ("commit_form", "signoff", 0.35)),
)  # fmt: skip
