"""The doctor asks the configured model, once and briefly, and the servers that clients are attached to."""

from __future__ import annotations

import asyncio
import sys
from pathlib import Path

import pytest
from learner.scripted_endpoint import Reply, answers, endpoint, refuses, text_of

from explib.errors import ModelUnavailable
from explib.settings.program import Settings
from explib_server.cli.doctor import check_client, check_hooks, check_model, try_model
from explib_server.clients.attached import Address, Attached
from explib_server.clients.entries import Attachment
from explib_server.clients.installation import Installation, Wishes
from explib_server.clients.places import ClientName, Scope, this_machine
from explib_server.hooks.spool import Spool

KEY = "sk-very-secret"


async def doctor(url: str, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> tuple[bool, str]:
    monkeypatch.setenv("EXPLIB_MODEL", "small")
    monkeypatch.setenv("EXPLIB_MODEL_BASE_URL", url)
    monkeypatch.setenv("EXPLIB_MODEL_API_KEY", KEY)
    works = await check_model(Settings())
    said = capsys.readouterr().out
    assert KEY not in said
    return works, said


async def test_a_model_that_answers_is_asked_once_for_few_tokens(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    async with endpoint([answers({"works": True}, 20, 6)]) as server:
        works, said = await doctor(server.url, monkeypatch, capsys)
    assert works
    assert said.startswith(f"OK    the model small at {server.url} answers in ")
    assert said.endswith("(20 + 6 tokens)\n")
    [asked] = server.asked
    assert (asked["model"], asked["max_tokens"]) == ("small", 2000)
    assert len(text_of(asked)) < 100


@pytest.mark.parametrize(
    ("reply", "says"),
    [
        (refuses(401, f"Incorrect API key provided: {KEY}"), "check EXPLIB_MODEL, EXPLIB_MODEL_BASE_URL and"),
        (refuses(404, "model 'small' not found"), "model 'small' not found"),
        (refuses(500, "out of memory"), "HTTP 500: "),
        (Reply(200, b"<html>welcome</html>"), "answered no chat completion"),
    ],
)
async def test_what_is_wrong_with_an_endpoint_is_said_without_the_key(
    reply: Reply, says: str, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    async with endpoint([reply]) as server:
        works, said = await doctor(server.url, monkeypatch, capsys)
    assert not works
    assert said.startswith(f"FAIL  the model small at {server.url}: ")
    assert says in said
    assert len(server.asked) == 1, "a doctor asks once"


async def test_an_endpoint_that_is_not_there_is_told(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    async with endpoint([]) as server:
        nowhere = server.url
    works, said = await doctor(nowhere, monkeypatch, capsys)
    assert not works
    assert "check that it is running, and that EXPLIB_MODEL_BASE_URL is its address" in said
    assert "again" not in said


async def test_an_endpoint_that_does_not_answer_is_not_waited_for(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("EXPLIB_MODEL", "small")
    never = asyncio.Event()
    async with endpoint([Reply(200, b"", wait_for=never)]) as server:
        monkeypatch.setenv("EXPLIB_MODEL_BASE_URL", server.url)
        with pytest.raises(ModelUnavailable, match="did not answer in time"):
            await try_model(Settings(), 0.2)


async def test_without_a_model_nothing_is_asked(capsys: pytest.CaptureFixture[str]) -> None:
    assert await check_model(Settings())
    assert capsys.readouterr().out == ""


def test_hooks_that_are_missing_never_called_or_without_their_program_are_told(
    capsys: pytest.CaptureFixture[str],
) -> None:
    def said() -> tuple[bool, str]:
        return check_hooks(ClientName.codex), capsys.readouterr().out

    assert said()[0]
    attached = Installation(
        ClientName.codex,
        this_machine(),
        Scope.user,
        Attachment("explib", (sys.executable, "-m", "explib_server", "serve"), {}),
    )
    [_, hooks] = attached.attaching(Wishes())
    hooks.apply()
    assert "were never called" in said()[1]
    Spool().attach("codex")
    assert "last called" in said()[1]
    hooks.path.write_text(hooks.path.read_text().replace(sys.executable, "/gone/explib"))
    works, told = said()
    assert not works
    assert "start /gone/explib, which is not there. Attach again: `explib attach codex`" in told


async def test_a_server_over_http_that_is_not_there_may_just_not_be_running(capsys: pytest.CaptureFixture[str]) -> None:
    async with endpoint([]) as server:
        nowhere = server.url
    assert not await check_client(Attached(ClientName.cursor, Path("mcp.json"), "explib", Address(nowhere)))
    assert f"Is the server at {nowhere} running, and is the address complete" in capsys.readouterr().out
