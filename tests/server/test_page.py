"""The page without a browser: its document, its keys, its door, and the data of its views."""

from __future__ import annotations

import base64
import hashlib
import json
import re
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from mcp import Client
from mcp.client.extension import ClientExtension
from mcp.server.subscriptions import InMemorySubscriptionBus
from server.http_cases import ask, client_with, running
from server.page_cases import LESSON, PROPOSED, hostile, make_library, make_run

from explib.errors import ExplibError, InvalidInput, InvalidSetting
from explib.models.activity import Activity
from explib.models.learning import ModelCall
from explib.models.revisions import Operation
from explib.settings.program import Settings
from explib.storage.revisions.proposal import Proposal
from explib_server.application import Application
from explib_server.auth.callers import LOCAL_USER, acting_as
from explib_server.compose import open_application
from explib_server.http.app import http_app
from explib_server.mcp.server import application_of, build_server
from explib_server.page import document as composing
from explib_server.page.app import PAGE_URI
from explib_server.page.ask import Ask
from explib_server.page.document import ASSETS, PageDefect, bundled, document
from explib_server.page.keys import CODE_SECONDS, PageKeys
from explib_server.page.serving import open_page
from explib_server.page.views.reading import VIEWS, around, read, words
from explib_server.practice.journal import runs_folder
from explib_server.render.heartbeat import heartbeat

VENDORED = {
    "preact.mjs": "bdcbd9abdf2c77c5c45326eab42191e949222d479d0d5f69467387a77040cb55",
    "hooks.mjs": "e862ab2973aa6455eaa0f77c5d832d2157d6be59a17c8ba546550a575b58c6b4",
    "htm.mjs": "ab33dd3f38059b9be4d5f5350128eefb2356639c4e0bbe9d9e8b3ba75847e9e4",
}
"""SHA-256 of dist/preact.mjs and hooks/dist/hooks.mjs of npm's preact 11.2.0, and of dist/htm.mjs of htm 3.1.1."""
MOST_BYTES = 120_000
OWN = sorted(ASSETS.glob("*.js"))
TEXT = re.compile(r'"((?:[^"\\]|\\.)*)"')
KEY = re.compile(r'"(?:[^"\\]|\\.)*":')
WORDS = re.compile(
    r"""\bt\(((?:[^"(){}]|"(?:[^"\\]|\\.)*")*)|"""
    r"""const (?:\w*(?:KINDS|WORDS)|DID|SHOWS|SORTS|STATES|VERDICTS|ANALYSTS) = ({[^}]*})"""
)
"""The beginning of each call that translates, up to the values, and the tables of words."""


def test_what_others_wrote_is_unchanged_and_has_its_licence() -> None:
    for name, digest in VENDORED.items():
        assert hashlib.sha256((ASSETS / "vendor" / name).read_bytes()).hexdigest() == digest
    assert "MIT" in (ASSETS / "vendor/LICENSE.preact").read_text()
    assert "Apache License" in (ASSETS / "vendor/LICENSE.htm").read_text()


def test_the_document_is_one_script_and_one_style_under_a_policy_that_names_exactly_them() -> None:
    page = document()
    scripts = re.findall(r"<script>(.*?)</script>", page.html, re.DOTALL)
    styles = re.findall(r"<style>(.*?)</style>", page.html, re.DOTALL)
    assert len(scripts) == len(styles) == 1
    for text in (*scripts, *styles):
        assert base64.b64encode(hashlib.sha256(text.encode()).digest()).decode() in page.policy
    assert "unsafe" not in page.policy
    assert "frame-ancestors 'none'" in page.policy
    assert "require-trusted-types-for 'script'" in page.policy
    assert not re.search(r"(?:src|href)=\"?https?:", page.html)
    assert len(page.html.encode()) < MOST_BYTES


@pytest.mark.parametrize(
    ("module", "said"),
    [
        ('import * as x from "./y.js";', "not understood"),
        ("export * from './y.js';", "not understood"),
        ('import { x } from "left-pad";', "neither a module beside it"),
        ("const x = '</script>';", "would end the script"),
        ('import { x } from "./entry.js";', "imports itself"),
        ('import { h } from "preact";\nconst h = 1;', "choose another name"),
        ('import { j } from "./other.js";', "exports no 'j'"),
    ],
)
def test_a_form_that_the_composer_does_not_know_is_an_error(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, module: str, said: str
) -> None:
    (tmp_path / "entry.js").write_text(module)
    (tmp_path / "other.js").write_text("const i = 1;")
    (tmp_path / "vendor").symlink_to(ASSETS / "vendor")
    monkeypatch.setattr(composing, "ASSETS", tmp_path)
    with pytest.raises(PageDefect, match=said):
        bundled("entry.js")


@pytest.mark.parametrize("path", OWN, ids=lambda path: path.name)
def test_no_module_makes_elements_from_text(path: Path) -> None:
    banned = (
        r"innerHTML|outerHTML|insertAdjacentHTML|document\.write|dangerouslySetInnerHTML|eval\(|new Function|srcdoc"
    )
    assert not re.search(banned, path.read_text(encoding="utf-8"))


def test_every_word_of_the_page_is_there_in_japanese() -> None:
    known = set(words(Ask("ja"))["words"])
    for path in OWN:
        lines = [line for line in path.read_text(encoding="utf-8").splitlines() if not line.startswith("//")]
        said = KEY.sub("", "".join(first + second for first, second in WORDS.findall("\n".join(lines))))
        assert not set(TEXT.findall(said)) - known, path.name


def test_the_signs_of_an_empty_library_are_told_in_japanese() -> None:
    known = words(Ask("ja"))["words"]
    late = [pulse for pulse in heartbeat(Activity(), 0.0) if pulse.late]
    assert late
    assert {sentence for pulse in late for sentence in (pulse.name, pulse.cause, pulse.cure)} <= set(known)


async def test_a_code_is_swapped_once_and_within_a_minute() -> None:
    now = [0.0]
    keys = PageKeys(lambda: now[0])
    first, late = keys.code(), keys.code()
    key = keys.swap(first)
    assert key is not None
    assert keys.swap(first) is None
    assert keys.swap("guessed") is None
    now[0] = CODE_SECONDS + 1
    assert keys.swap(late) is None
    access = await keys.verify(key)
    assert access is not None
    assert access.caller.is_person
    assert await keys.verify(first) is None


@asynccontextmanager
async def page_server(keys: PageKeys) -> AsyncIterator[str]:
    settings = Settings(auth="required", embedder="none")
    async with running(http_app(build_server(settings, "off", "all"), settings, "127.0.0.1", keys=keys)) as address:
        yield address


async def test_the_shell_needs_no_key_and_all_that_it_shows_does() -> None:
    keys = PageKeys()
    async with page_server(keys) as address:
        shell = await ask(address, "/ui")
        assert shell.status == 200
        assert shell.headers["content-security-policy"] == document().policy
        assert shell.headers["cache-control"] == "no-store"
        assert (await ask(address, "/ui", headers={"Host": "evil.test"})).status == 421
        assert (await ask(address, "/ui/key", method="POST", headers={"Origin": "http://evil.test"})).status == 403
        assert (await ask(address, "/ui/key", secret="guessed", method="POST")).status == 403
        assert (await ask(address)).status == 401
        assert (await ask(address, "/")).headers["location"] == "ui"
        swapped = await ask(address, "/ui/key", secret=keys.code(), method="POST")
        async with client_with(address, json.loads(swapped.body)["key"]) as client:
            answer = await client.call_tool("page_read", {"view": "around"})
            assert (answer.structured_content or {})["data"]["person"] is True
            added = await client.call_tool("add_experience", {"content": "When it rains, take the bus."})
            assert (added.structured_content or {})["status"] == "active"


async def test_a_page_is_open_over_the_application_that_is_there_as_long_as_it_is_wanted() -> None:
    settings, bus = Settings(embedder="none"), InMemorySubscriptionBus()
    current = application_of(settings, bus, "off")
    async with current.running():
        async with open_page(current, bus, settings, 0) as opened:
            address, _, code = opened.partition("/ui#code=")
            assert (await ask(address, secret="guessed")).status == 401
            key = json.loads((await ask(address, "/ui/key", secret=code, method="POST")).body)["key"]
            async with client_with(address, key) as client:
                answer = await client.call_tool("page_read", {"view": "around"})
                assert (answer.structured_content or {})["data"]["library"] == "default"
            with pytest.raises(InvalidSetting, match="choose another"):
                async with open_page(current, bus, settings, int(address.rpartition(":")[2])):
                    pass
        with pytest.raises(ConnectionRefusedError):
            await ask(address, "/ui")
        assert current.opened is not None


class AppsClient(ClientExtension):
    """A client that shows pages to people."""

    identifier = "io.modelcontextprotocol/ui"

    def settings(self) -> dict[str, object]:
        return {"mimeTypes": ["text/html;profile=mcp-app"]}


@pytest.mark.parametrize("mode", ["auto", "legacy"])
async def test_the_tool_of_the_page_is_listed_for_hosts_of_apps_only(mode: str) -> None:
    server = build_server(Settings(), "off", "all")
    async with Client(server, mode=mode) as client:
        tools = {tool.name: tool for tool in (await client.list_tools()).tools}
        assert "page_read" not in tools
        assert (tools["show_library"].meta or {})["ui"]["resourceUri"] == PAGE_URI
        [content] = (await client.read_resource(PAGE_URI)).contents
        assert content.mime_type == "text/html;profile=mcp-app"
        assert getattr(content, "text", "") == document().html
        shown = await client.call_tool("show_library", {})
        assert "explib ui" in getattr(shown.content[0], "text", "")
    async with Client(server, mode=mode, extensions=[AppsClient()]) as client:
        assert "page_read" in {tool.name for tool in (await client.list_tools()).tools}


async def test_the_toolset_of_agents_knows_no_page() -> None:
    async with Client(build_server(Settings(), "off", "agent")) as client:
        assert len((await client.list_tools()).tools) == 4
        assert (await client.call_tool("page_read", {"view": "week"})).is_error


@pytest.fixture
async def application() -> AsyncIterator[Application]:
    async with open_application(Settings(embedder="none")) as opened:
        await make_library(opened.store, "default")
        yield opened


async def shown(application: Application, view: str, **asked: Any) -> dict[str, Any]:
    return await read(application, view, "", Ask(**asked))


async def test_a_week_says_what_there_is_what_changed_and_what_waits(application: Application) -> None:
    week = await shown(application, "week")
    assert (week["lessons"], week["attempts"], week["waiting"]) == (2, 7, 2)
    assert week["uplift"]["lift"] is None
    changes = week["changes"]
    assert {kind: made["count"] for kind, made in changes.items()} == {
        "new": 2,
        "improved": 0,
        "taken_back": 0,
        "by_people": 1,
    }


async def test_a_lesson_shows_those_that_did_as_it_says_beside_those_that_did_not(application: Application) -> None:
    lesson = await shown(application, "lesson", id="e1")
    assert lesson["did"]["count"] == lesson["did_not"]["count"] == 3
    best, worst = [await shown(application, "attempt", id=each) for each in lesson["pair"]]
    assert (best["reward"], worst["reward"], best["group"]) == (0.9, 0.1, worst["group"])
    options = lesson["decision"]["options"]
    assert [(each["attempts"], each["this"]) for each in options] == [(3, True), (3, False)]
    assert [version["before"] for version in lesson["versions"]] == [LESSON, ""]
    assert lesson["effect"]["source"] == "attempts"


async def test_lessons_are_searched_filtered_sorted_and_paged(application: Application) -> None:
    library = await application.library()
    texts = ("When ｓｈｉｐｐｉｎｇ, weigh.", "出荷するときは、重さを量る。")
    more = tuple(Operation("ADD", "why", text, status="active") for text in texts)
    await application.store.revisions.commit(Proposal(library, "more", "learner", "contrast", more))

    async def ids(**asked: Any) -> list[str]:
        found = (await shown(application, "lessons", **asked))["lessons"]
        return [each["id"] for each in found]

    assert await ids(query="shipping") == ["e3"]
    assert await ids(query="重さ") == ["e4"]
    assert await ids(show="candidate") == ["e2"]
    assert await ids() == ["e1", "e4", "e3", "e2"]
    assert await ids(sort="oldest", limit=2, after="1") == ["e2", "e3"]
    assert await ids(sort="served", limit=1) == ["e1"]
    assert await ids(show="unknown", sort="oldest") == ["e1", "e2", "e3", "e4"]
    with pytest.raises(InvalidInput, match="one of newest"):
        await ids(sort="loudest")


async def test_history_compares_any_two_revisions(application: Application) -> None:
    listed = (await shown(application, "history", limit=1))["revisions"]
    assert [each["number"] for each in listed] == [2]
    between = await shown(application, "difference", id="2", after="1")
    [[old, new]] = between["changed"]
    assert (old["content"], new["content"]) == (f"{LESSON} Always.", LESSON)
    first = await shown(application, "revision", id="1")
    assert len(first["changes"]) == 2
    assert len(first["refusals"]) == 1


async def test_a_long_attempt_comes_in_slices(application: Application) -> None:
    listed = (await shown(application, "attempts", query="order 0"))["attempts"]
    assert len(listed) == 2
    part = await shown(application, "attempt", id=listed[0]["id"], after="1", limit=2)
    assert (part["total"], len(part["steps"])) == (5, 2)
    served = (await shown(application, "attempts", show="served"))["attempts"]
    assert [each["served"] for each in served] == [["e1"]]


async def test_who_sees_one_library_sees_neither_the_others_nor_what_all_spend(application: Application) -> None:
    await make_library(application.store, "secret", hostile)
    confined = replace(LOCAL_USER, libraries=frozenset({"default"}))
    with acting_as(confined):
        assert (await shown(application, "learner"))["spent"] is None
        assert (await around(application, ""))["libraries"] == ["default"]
        with pytest.raises(ExplibError):
            await read(application, "week", "secret", Ask())
    assert len((await shown(application, "learner"))["spent"]) == 1


async def test_the_learner_tells_tokens_and_money_by_day(application: Application) -> None:
    now = application.store.clock()
    await application.store.model_calls.save(ModelCall("h2", "writing", "p", "gpt-4o-mini", "{}", 10_000, 1_000, now))
    spent = {each["model"]: each["usd"] for each in (await shown(application, "learner"))["spent"]}
    assert spent["m"] is None
    assert 0 < spent["gpt-4o-mini"] < 1


async def test_a_run_of_practice_shows_its_curve_while_it_goes_on_and_its_proof_after(application: Application) -> None:
    folder = runs_folder(application.settings.database_url) / "r1"
    make_run(folder, "default")
    with (folder / "journal.jsonl").open("a") as file:
        file.write('{"finished": {"key"')  # which is being written
    [run] = (await shown(application, "learner"))["runs"]
    first, second = run["batches"]
    assert (first["epoch"], first["batch"], first["graded"], first["planned"]) == (1, 1, 6, 6)
    assert first["mean"] == 0.5
    assert 0 <= first["low"] < 0.5 < first["high"] <= 1
    assert (second["graded"], second["low"]) == (5, None)
    assert (run["proved"], run["proof"], run["finished"]) == (1, None, False)
    assert (run["tokens"], run["usd"]) == (220, 7.0)
    assert (await shown(application, "week"))["proof"] is None
    proof = {"verdict": "gain shown", "gain": 0.3, "low": 0.2, "high": 0.4, "pairs": 40}
    (folder / "report.json").write_text(json.dumps({"proof": proof, "finished": True}))
    [run] = (await shown(application, "learner"))["runs"]
    assert (run["proof"]["verdict"], run["finished"]) == ("gain shown", True)
    assert (await shown(application, "week"))["proof"]["effect"]["low"] == 0.2
    of_a_lesson = {**proof, "sides": ["with e1", "without e1"]}
    (folder / "report.json").write_text(json.dumps({"proof": of_a_lesson, "finished": True}))
    assert (await shown(application, "week"))["proof"] is None


async def test_wrong_arguments_are_told(application: Application) -> None:
    for view in VIEWS:
        for limit in (0, 10_000):
            with pytest.raises(InvalidInput):
                await shown(application, view, limit=limit)
    for view in ("lesson", "proposed", "attempt", "revision", "difference"):
        with pytest.raises(ExplibError):
            await shown(application, view, id="nonsense")
    with pytest.raises(InvalidInput, match="no words"):
        words(Ask("../ja"))
    with pytest.raises(InvalidInput, match="no view"):
        await shown(application, "cellar")


async def test_proposals_come_one_by_one_with_what_is_like_them(application: Application) -> None:
    review = await shown(application, "review")
    assert review["waiting"] == ["p1", "p2"]
    assert (await shown(application, "proposed", id="p1"))["content"] == PROPOSED[0]
