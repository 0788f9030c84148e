"""`explib token create|list|revoke|sign`: who may reach which libraries over HTTP, and who may sign rewards."""

from __future__ import annotations

import json
import re
import time
from dataclasses import asdict
from enum import StrEnum
from typing import Annotated

import typer

from explib.errors import InvalidInput
from explib.evidence.signatures import sign
from explib.models.access import Token
from explib_server.application import Application
from explib_server.auth.callers import shown_name
from explib_server.cli.run import JsonOption, run, say
from explib_server.render.times import when

EVERY = "*"
SECONDS = {"m": 60, "h": 3_600, "d": 86_400, "w": 604_800}
DURATION = re.compile(r"([1-9][0-9]{0,5})([mhdw])")

app = typer.Typer(
    help="Access tokens for HTTP, each for its libraries; and keys that sign rewards.",
    no_args_is_help=True,
    add_completion=False,
)


class Scope(StrEnum):
    """A token's scope; each of the first four includes those before it."""

    read = "read"
    submit = "submit"
    curate = "curate"
    admin = "admin"
    reward = "reward"


@app.command("create")
def create(
    library: Annotated[list[str], typer.Option(help="Library the token may use (created if missing); '*' for all.")],
    scope: Annotated[Scope, typer.Option(help="read < submit < curate < admin; reward: a key to sign rewards.")],
    expires: Annotated[str, typer.Option(help="Lifetime, e.g. 12h, 90d, 52w, or never.")] = "90d",
    name: Annotated[str, typer.Option(help="Who holds it; their edits are signed with this name.")] = "",
) -> None:
    """Create a token. Its secret is printed once, alone on standard output, and is not stored."""
    seconds = lifetime(expires)
    called = shown_name(name)

    async def work(application: Application) -> tuple[Token, str]:
        every = EVERY in library
        for library_name in () if every else library:
            await _made(application, library_name)
        until = None if seconds is None else application.store.clock() + seconds
        named = None if every else library
        return await application.store.tokens.create(called, scope.value, named, until)

    token, secret = run(work)
    typer.echo(f"{_line(token)}\nThe secret is shown only this once; whoever has it can use it:", err=True)
    say(secret)


@app.command("list")
def list_tokens(as_json: JsonOption = False) -> None:
    """List all tokens without their secrets: libraries, expiry, last use."""

    async def work(application: Application) -> tuple[list[Token], float]:
        return await application.store.tokens.all(), application.store.clock()

    tokens, now = run(work, "read")
    if as_json:
        say(json.dumps([{**asdict(token), "state": _state(token, now)} for token in tokens], indent=2))
    else:
        say("\n".join(f"{_line(token)}  {_state(token, now)}" for token in tokens) or "no tokens yet")


@app.command("revoke")
def revoke(token_id: Annotated[str, typer.Argument(metavar="ID", help="From `explib token list`.")]) -> None:
    """Revoke a token: the next request with it is refused."""
    token = run(lambda application: application.store.tokens.revoke(token_id), "existing")
    say(f"{token.id} ({token.name}) is revoked")


@app.command("sign")
def sign_reward(
    attempt: Annotated[str, typer.Argument(metavar="ATTEMPT", help="trajectory_id or retrieval_id, as reported.")],
    reward: Annotated[float, typer.Argument(help="As reported.")],
    key: Annotated[str, typer.Option(envvar="EXPLIB_REWARD_KEY", show_envvar=True, help="The reward key's secret.")],
) -> None:
    """Sign a reward where its outcome is known; pass the result to report_reward as `signature`."""
    say(sign(key, attempt, reward, int(time.time())))


def lifetime(text: str) -> float | None:
    """Seconds of `90d` and the like; None for `never`. Raises InvalidInput."""
    if text == "never":
        return None
    if (matched := DURATION.fullmatch(text)) is None:
        raise InvalidInput(f"Invalid duration {text[:40]!r}. Use a number and m, h, d or w (e.g. 90d), or never.")
    return int(matched[1]) * SECONDS[matched[2]]


async def _made(application: Application, name: str) -> None:
    if await application.store.libraries.find(name) is None:
        await application.store.libraries.ensure(name, application.settings.library_defaults())
        typer.echo(f"library {name} was created with the default settings", err=True)


def _line(token: Token) -> str:
    reach = "every library" if token.libraries is None else ", ".join(token.libraries)
    return f"{token.id}  {token.name}  {token.scope}  {reach}  {_expiry(token)}"


def _state(token: Token, now: float) -> str:
    if token.revoked_at is not None:
        return f"revoked {when(token.revoked_at)}"
    if not token.good_at(now):
        return "expired"
    return "never used" if token.last_used_at is None else f"last used {when(token.last_used_at)}"


def _expiry(token: Token) -> str:
    return "never expires" if token.expires_at is None else f"expires {when(token.expires_at)}"
