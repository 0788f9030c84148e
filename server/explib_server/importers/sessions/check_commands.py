"""Which commands are tests, builds and lints, however they are started."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from typing import Literal, TypeAlias

Kind: TypeAlias = Literal["test", "lint", "build"]

_PROGRAMS: Mapping[str, Kind] = {
    **dict.fromkeys(
        "pytest py.test unittest nose2 tox nox jest vitest mocha ava karma tap rspec phpunit pest ctest bats behave "
        "cucumber pre-commit".split(), "test"),
    **dict.fromkeys(
        "flake8 pylint pyflakes mypy pyright basedpyright eslint oxlint stylelint golangci-lint staticcheck rubocop "
        "phpstan psalm shellcheck hadolint lint-imports yamllint markdownlint clang-tidy ktlint detekt".split(), "lint"),
    **dict.fromkeys("tsc vue-tsc ninja xcodebuild javac msbuild webpack compileall gcc g++ clang rustc".split(), "build"),
}  # fmt: skip
"""Programs that do nothing else."""
_COMMANDS: Mapping[str, Mapping[str, Kind]] = {
    "go": {"test": "test", "vet": "lint", "build": "build"},
    "cargo": {"test": "test", "nextest": "test", "clippy": "lint", "check": "build", "build": "build"},
    "dotnet": {"test": "test", "build": "build"},
    "swift": {"test": "test", "build": "build"},
    "zig": {"test": "test", "build": "build"},
    "mix": {"test": "test", "compile": "build", "credo": "lint"},
    "deno": {"test": "test", "lint": "lint", "check": "lint"},
    "flutter": {"test": "test", "analyze": "lint", "build": "build"},
    "dart": {"test": "test", "analyze": "lint"},
    "bazel": {"test": "test", "build": "build"},
    "meson": {"test": "test", "compile": "build"},
    "stack": {"test": "test", "build": "build"},
    "cabal": {"test": "test", "build": "build"},
    "sbt": {"test": "test", "compile": "build"},
    "lein": {"test": "test"},
    "rails": {"test": "test"},
    "playwright": {"test": "test"},
    "cypress": {"run": "test"},
    "ng": {"test": "test", "lint": "lint", "build": "build"},
    "next": {"build": "build", "lint": "lint"},
    "vite": {"build": "build"},
    "ruff": {"check": "lint"},
    "ty": {"check": "lint"},
    "biome": {"check": "lint", "lint": "lint", "ci": "lint"},
    "terraform": {"validate": "lint"},
    "docker": {"build": "build"},
    "hatch": {"test": "test", "build": "build"},
    "uv": {"build": "build"},
}
"""Programs with commands, of which these are checks."""
_FLAGGED: Mapping[str, tuple[Kind, frozenset[str]]] = {
    "black": ("lint", frozenset({"--check"})),
    "isort": ("lint", frozenset({"--check", "--check-only", "-c"})),
    "prettier": ("lint", frozenset({"--check", "-c"})),
    "ruff format": ("lint", frozenset({"--check"})),
    "cargo fmt": ("lint", frozenset({"--check"})),
    "cmake": ("build", frozenset({"--build"})),
    "node": ("test", frozenset({"--test"})),
}
"""Programs that check with one of these flags only."""
_SCRIPTED = frozenset("npm pnpm yarn bun make gmake just task rake invoke inv gradle gradlew mvn mvnw composer".split())
"""Programs whose scripts and targets have names of the project's."""
_NAMES: Mapping[Kind, re.Pattern[str]] = {
    "test": re.compile(r"(?:^|[\W_]|run_?)(?:t|tst|unit|e2e|specs?|tests?|checks?|ci|verify)(?=$|[\W_A-Z])"),
    "lint": re.compile(r"(?:^|[\W_])(?:lint|types?|type-?check|vet|validate)(?=$|[\W_A-Z])"),
    "build": re.compile(r"(?:^|[\W_])(?:build|compile|all|package|install|assemble\w*)(?=$|[\W_A-Z])"),
}
_SCRIPT = re.compile(r"(?:\w+[_-])*(?:tests?|checks?|verify|lint|build)(?:[_-]\w+)*(?:\.(?:sh|py|[cm]?js|ts|rb|pl))?")
_INTERPRETERS = frozenset("python node ruby perl php sh bash zsh dash deno bun ts-node tsx".split())
_RUNNERS: Mapping[str, int] = {
    **dict.fromkeys(
        ("uv run", "poetry run", "pipenv run", "pdm run", "hatch run", "rye run", "pixi run", "conda run", "mamba run",
         "npx", "bunx", "uvx", "pipx run", "npm exec", "npm x", "pnpm exec", "pnpm dlx", "yarn exec", "yarn dlx", "bun x",
         "bundle exec", "xvfb-run", "time", "nice", "env", "sudo", "command", "exec", "nohup", "coverage run",
         "dotenv", "dotenv run"), 0),
    **dict.fromkeys(
        ("docker compose exec", "docker compose run", "docker-compose exec", "docker-compose run", "docker exec",
         "docker run", "podman exec", "podman run", "timeout", "direnv exec"), 1),
}  # fmt: skip
"""Programs that start another one, with the number of operands before it."""
_VALUED = frozenset(
    "-n -p -e -u -w -v -C -f -k -s --with --package --env --python --user --workdir --extra --group --project "
    "--directory --name --env-file --filter --prefix --workspace --dir -pl --signal -m".split()
)
"""Flags that take the word behind them."""
_TALKS = frozenset(
    "--version -V --help -h --collect-only --co --listTests --watch --dry-run --no-run --fixtures".split()
)
_VERSION = re.compile(r"(?<=[a-z])[\d.]+$")


def kind_of(words: Sequence[str]) -> Kind | None:
    """The kind of check that a command is; None for any other, also for one that only tells of itself."""
    if not words or not _TALKS.isdisjoint(words):
        return None
    program, rest = _program(words[0]), words[1:]
    started = _started(program, rest)
    if started is not None:
        return kind_of(started)
    operands = _operands(rest)
    command = operands[0] if operands else ""
    for name in (f"{program} {command}", program):
        if name in _FLAGGED and not _FLAGGED[name][1].isdisjoint(rest):
            return _FLAGGED[name][0]
    if program in _PROGRAMS:
        return _PROGRAMS[program]
    if program in _COMMANDS and command in _COMMANDS[program]:
        return _COMMANDS[program][command]
    if program in _SCRIPTED:
        return _of_targets(program, rest)
    if program in _INTERPRETERS:
        is_django = operands[1:2] == ["test"] and command.endswith("manage.py")
        return "test" if is_django else _of_script(command)
    return _of_script(words[0]) if "/" in words[0] else None


def _program(word: str) -> str:
    """The program's name without its folder and version."""
    return _VERSION.sub("", word.rsplit("/", 1)[-1].removesuffix(".exe").removesuffix(".cmd"))


def _started(program: str, rest: Sequence[str]) -> Sequence[str] | None:
    """The command that a program starts, such as what follows `uv run`; None where it starts none."""
    if program == "python" and "-m" in rest[:4]:
        return rest[rest.index("-m") + 1 :]
    for length in (2, 1, 0):
        skipped = _RUNNERS.get(" ".join([program, *rest[:length]]))
        if skipped is not None:
            return _behind(rest[length:], skipped)
    return None


def _behind(rest: Sequence[str], skipped: int) -> Sequence[str]:
    """The words behind flags with their values, assignments, and a number of operands."""
    at = 0
    while at < len(rest):
        word = rest[at]
        if word == "--":
            return rest[at + 1 + skipped :]
        if word.startswith("-"):
            at += 2 if word in _VALUED else 1
        elif "=" in word or skipped:
            skipped -= "=" not in word
            at += 1
        else:
            break
    return rest[at:]


def _operands(rest: Sequence[str]) -> list[str]:
    return [word for at, word in enumerate(rest) if not word.startswith(("-", "+")) and
            not (at and rest[at - 1] in _VALUED)]  # fmt: skip


def _of_targets(program: str, rest: Sequence[str]) -> Kind | None:
    """The kind of the first script or target that has one, by its name; `make` alone builds."""
    names = [name for name in _operands(rest) if "=" not in name and name not in ("run", "run-script")]
    kinds = (kind for name in names for kind, pattern in _NAMES.items() if pattern.search(name))
    if program in ("npm", "pnpm", "yarn", "bun"):  # what follows a script's name is the script's
        names, kinds = names[:1], (kind for name in names[:1] for kind, known in _NAMES.items() if known.search(name))
        return None if names and names[0] in ("install", "ci", "add", "exec") else next(kinds, None)
    return next(kinds, "build" if program in ("make", "gmake") and not names and "-n" not in rest else None)


def _of_script(path: str) -> Kind | None:
    """The kind of a script of the project's, by the name of its file."""
    name = path.rsplit("/", 1)[-1]
    if not _SCRIPT.fullmatch(name):
        return None
    return next((kind for kind, pattern in _NAMES.items() if pattern.search(name)), None)
