"""What others rely on: a change of it is a decision, and shows here."""

from __future__ import annotations

import pytest
from mcp import Client
from typer import Context
from typer.core import TyperCommand, TyperGroup, TyperOption
from typer.main import get_command

import explib
from explib.settings.program import Settings
from explib_server.cli import app
from explib_server.mcp.server import build_server

COMMANDS = {
    "": {"--version"},
    "attach": {
        "--url",
        "--token",
        "--name",
        "--library",
        "--database-url",
        "--tools",
        "--scope",
        "--no-hooks",
        "--allow",
        "--status-line",
        "--learn-with",
        "--instructions",
        "--print",
        "--link",
        "--remove",
    },
    "attempts delete": {
        "--group",
        "--reward",
        "--agent",
        "--model",
        "--since",
        "--key",
        "--with-lessons",
        "--yes",
        "--author",
        "--library",
    },
    "attempts list": {
        "--group",
        "--reward",
        "--agent",
        "--model",
        "--since",
        "--key",
        "--limit",
        "--library",
        "--json",
    },
    "attempts show": {"--library", "--json"},
    "db backup": set[str](),
    "db check": {"--deep", "--json"},
    "db copy": set[str](),
    "db prune": {"--older-than"},
    "db purge": set[str](),
    "db restore": set[str](),
    "db upgrade": set[str](),
    "demo": {"--seeds", "--learner", "--shuffle-rewards"},
    "doctor": set[str](),
    "diff": {"--library", "--json"},
    "experiences add": {"--reason", "--author", "--library", "--json"},
    "experiences edit": {"--pin", "--unpin", "--reason", "--expected-version", "--author", "--library", "--json"},
    "experiences list": {"--library", "--retired", "--status", "--json"},
    "experiences retire": {"--reason", "--expected-version", "--author", "--library", "--json"},
    "experiences review": {"--reason", "--content", "--author", "--library", "--json"},
    "experiences show": {"--library", "--json"},
    "experiences vote": {"--library", "--reason"},
    "export": {"--format", "--only", "--project", "--output", "--library"},
    "history": {"--library", "--limit", "--json"},
    "on": {"--libraries"},
    "off": set[str](),
    "hook": {"--client", "--library"},
    "import": {
        "--library",
        "--format",
        "--sessions",
        "--since",
        "--project",
        "--reward-field",
        "--pass-if",
        "--scores",
        "--score-key",
        "--group-by",
        "--task-field",
        "--response-field",
        "--dry-run",
        "--learn",
        "--no-learn",
    },
    "reward": {"--because", "--library"},
    "learn": {"--library", "--once", "--watch", "--dry-run", "--retry-dead", "--release"},
    "libraries create": {"--json"},
    "libraries delete": {"--export", "--yes"},
    "libraries list": {"--json"},
    "libraries set": {"--author", "--json", "--reason"},
    "libraries show": {"--json"},
    "practice": {
        "--scorer",
        "--judge",
        "--solver",
        "--join",
        "--plot",
        "--agent",
        "--grade",
        "--model",
        "--temperature",
        "--rollouts",
        "--epochs",
        "--batch",
        "--tasks",
        "--held-out",
        "--prove",
        "--control",
        "--lesson",
        "--halves",
        "--gate",
        "--export",
        "--base",
        "--library",
        "--budget",
        "--concurrency",
        "--timeout",
        "--run",
        "--force",
        "--yes",
        "--json",
    },
    "revert": {"--reason", "--expected-revision", "--author", "--library", "--json"},
    "serve": {"--transport", "--host", "--port", "--tools", "--learner", "--auth", "--allowed-host", "--workers"},
    "evidence": {"--library", "--json", "--plot"},
    "service status": {"--json"},
    "service stop": {"--json"},
    "status": {"--library", "--json", "--line"},
    "token create": {"--library", "--scope", "--expires", "--name"},
    "token list": {"--json"},
    "token revoke": set[str](),
    "token sign": {"--key"},
    "ui": {"--sample", "--port", "--no-browser"},
}
SETTINGS = {
    "database_url",
    "database_pool_size",
    "database_statement_timeout",
    "library",
    "analyst",
    "model",
    "model_base_url",
    "model_command",
    "model_api_key",
    "model_context",
    "model_answer_tokens",
    "model_concurrency",
    "model_timeout",
    "model_retries",
    "embedder",
    "objective",
    "learning_objective",
    "reward_min",
    "reward_max",
    "group_size",
    "max_experiences",
    "max_words",
    "serve_tokens",
    "answer_share",
    "label_free",
    "past_success",
    "review",
    "exploration",
    "holdout",
    "enforce",
    "signed_rewards_only",
    "source_weights",
    "token_budget_per_day",
    "retention_days",
    "max_trajectory_bytes",
    "redact_personal",
    "lease_seconds",
    "service",
    "service_idle_seconds",
    "hook_seconds",
    "log_level",
    "log_format",
    "auth",
    "allowed_hosts",
    "public_url",
    "oauth_issuer",
    "oauth_jwks_url",
    "oauth_audience",
    "oauth_scope_claim",
    "oauth_libraries_claim",
    "requests_per_minute",
}
TOOLS = {
    "get_experiences": ["task", "library", "limit", "tools"],
    "submit_trajectory": [
        "task",
        "trajectory",
        "reward",
        "answer",
        "ground_truth",
        "feedback",
        "retrieval_id",
        "group",
        "library",
        "agent",
        "model",
        "idempotency_key",
    ],
    "report_reward": ["reward", "trajectory_id", "retrieval_id", "feedback", "signature"],
    "library_status": ["library"],
}
REST_OF_TOOLS = {
    "show_library": ["library"],
    "list_experiences": ["library", "status", "limit", "after"],
    "add_experience": ["content", "reason", "library"],
    "edit_experience": ["id", "content", "pinned", "reason", "expected_version", "library"],
    "retire_experience": ["id", "reason", "expected_version", "library"],
    "review_experience": ["id", "decision", "reason", "content", "library"],
    "history": ["library", "limit", "before"],
    "revert": ["revision", "reason", "expected_revision", "library"],
    "vote_experience": ["id", "vote", "reason", "library"],
    "list_libraries": ["limit", "after"],
    "create_library": ["name", "settings", "update", "reason"],
    "learn_now": ["library"],
    "next_analysis": ["library", "call_id"],
    "answer_analysis": ["call_id", "response"],
}
"""What the toolset `all` has beside them."""
ANSWERS = {
    "submit_trajectory": {
        "trajectory_id",
        "duplicate",
        "group_id",
        "group_size",
        "group_state",
        "reason",
        "redactions",
    },
}
LIBRARY_NAMES = [
    "Experience",
    "ExplibError",
    "Grade",
    "Library",
    "LibrarySettings",
    "Receipt",
    "Retriever",
    "Revision",
    "Settings",
    "Step",
    "Store",
    "Submission",
    "ToolCall",
    "open_store",
]
PROMPTS = {
    "solve_with_experience": {"task", "library"},
    "reflect_and_submit": {"task"},
    "good": {"reason"},
    "bad": {"reason"},
    "learn": {"library"},
}
RESOURCES = {
    "experience://{library}",
    "experience://{library}/{id}",
    "experience://{library}/revisions/{n}",
    "skill://{name}/SKILL.md",
}


def options(command: object) -> set[str]:
    assert isinstance(command, TyperCommand | TyperGroup)
    parameters = [each for each in command.params if isinstance(each, TyperOption)]
    return {flag for each in parameters for flag in (*each.opts, *each.secondary_opts) if flag != "--help"}


def commands(command: object, name: str = "") -> dict[str, set[str]]:
    """The options of each by its name; a group stands among them where it has options of its own."""
    own = options(command)
    if not isinstance(command, TyperGroup):
        return {name: own}
    command.list_commands(Context(command))  # imports them
    known = {name: own} if own else {}
    for each, inner in command.commands.items():
        known |= commands(inner, f"{name} {each}".strip())
    return known


def test_the_commands_and_their_options_are_these() -> None:
    assert commands(get_command(app)) == COMMANDS


def test_the_settings_are_these() -> None:
    assert set(Settings.model_fields) == SETTINGS


async def test_the_tools_their_arguments_and_answers_are_these() -> None:
    async with Client(build_server(Settings(), "off")) as client:
        listed = (await client.list_tools()).tools
    assert {tool.name: list(tool.input_schema["properties"]) for tool in listed} == TOOLS
    answers = {tool.name: set(tool.output_schema["properties"]) for tool in listed if tool.output_schema}
    assert "get_experiences" not in answers, "every client shows its text"
    assert {name: answers[name] for name in ANSWERS} == ANSWERS
    assert answers["report_reward"] == ANSWERS["submit_trajectory"]


async def test_the_toolset_all_adds_these() -> None:
    async with Client(build_server(Settings(), "off", "all")) as client:
        listed = (await client.list_tools()).tools
    assert {tool.name: list(tool.input_schema["properties"]) for tool in listed} == {**TOOLS, **REST_OF_TOOLS}


async def test_the_prompts_and_resources_are_these() -> None:
    async with Client(build_server(Settings(), "off")) as client:
        prompts = (await client.list_prompts()).prompts
        resources = (await client.list_resource_templates()).resource_templates
    assert {each.name: {argument.name for argument in each.arguments or ()} for each in prompts} == PROMPTS
    assert {each.uri_template for each in resources} == RESOURCES


def test_a_program_that_uses_the_library_finds_these_names() -> None:
    assert explib.__all__ == LIBRARY_NAMES
    assert all(getattr(explib, name).__name__ == name for name in LIBRARY_NAMES)
    with pytest.raises(AttributeError, match="no attribute 'nothing'"):
        getattr(explib, "nothing")  # noqa: B009


async def test_the_toolset_learn_adds_the_analysis_tools() -> None:
    async with Client(build_server(Settings(), "off", "learn")) as client:
        names = {tool.name for tool in (await client.list_tools()).tools}
    assert names == {*TOOLS, "next_analysis", "answer_analysis"}
