"""Who may read a person's sessions to find lessons: a choice, kept in the settings' file."""

from __future__ import annotations

from collections.abc import Mapping
from enum import StrEnum

from explib.errors import InvalidSetting
from explib.settings.program import Settings, config_file
from explib_server.clients import files
from explib_server.clients.changes import Change, stepped
from explib_server.clients.toml_format import TomlFormat
from explib_server.clients.values import Remove, Step, Write


class LearnWith(StrEnum):
    """Who reads sessions."""

    claude = "claude"
    codex = "codex"
    model = "model"
    statistics = "statistics"


COMMANDS: Mapping[LearnWith, str] = {
    LearnWith.claude: "claude -p --safe-mode --no-session-persistence --tools ''",
    LearnWith.codex: "codex exec --ephemeral --skip-git-repo-check --sandbox read-only --disable hooks -",
}
"""A person's own agent, logged in as they are: without tools, hooks, MCP servers and a session of its own where the
agent can do without them."""
COST = "about 1,000 tokens a session"
READERS: Mapping[LearnWith, str] = {
    LearnWith.claude: "your own Claude Code, as you are logged in there",
    LearnWith.codex: "your own Codex, as you are logged in there",
    LearnWith.model: "the model that you configured",
    LearnWith.statistics: "statistics alone: free, and nothing leaves this machine",
}


def reader(settings: Settings) -> LearnWith | None:
    """Who reads sessions by these settings; None where nobody has said so."""
    if not settings.model_configured and "analyst" not in settings.model_fields_set:
        return None
    if settings.chosen_analyst() != "model":
        return LearnWith.statistics
    program = (settings.model_command or "").partition(" ")[0]
    return LearnWith(program) if program in {LearnWith.claude, LearnWith.codex} else LearnWith.model


def learning_with(choice: LearnWith, settings: Settings) -> Change:
    """The change of the settings' file. Raises InvalidSetting where no model is configured, InvalidInput."""
    if choice is LearnWith.model and not (settings.model or settings.model_base_url):
        raise InvalidSetting(
            f"No model is configured: set model (and model_base_url for an endpoint other than OpenAI's) in "
            f"{config_file()} or by EXPLIB_MODEL, or take another --learn-with."
        )
    path = config_file()
    before = files.read(path)
    text = (before or b"").decode("utf-8")
    analyst = "contrast" if choice is LearnWith.statistics else "model"
    command = COMMANDS.get(choice)
    steps: list[Step] = [Write(("analyst",), analyst)]
    steps.append(Write(("model_command",), command) if command else Remove(("model_command",)))
    return Change(path, before, stepped(TomlFormat(), text, steps).encode())
