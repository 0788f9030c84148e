"""The page in a real browser: Playwright with an installed Chromium. Skipped, with the reason, where one is missing.

EXPLIB_SHOTS names a folder that keeps a picture of each view.
"""

from __future__ import annotations

import asyncio
import json
import os
import shutil
import threading
import urllib.request
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any
from urllib.parse import quote

import pytest
from end_to_end.node import FOLDER
from server.http_cases import running
from server.page_cases import ATTACKS, LESSON, hostile, make_library, make_run, propose

from explib.settings.program import Settings
from explib.storage.store import Store, open_store
from explib_server.http.app import http_app
from explib_server.mcp.server import build_server
from explib_server.page.document import document
from explib_server.page.keys import PageKeys
from explib_server.practice.journal import runs_folder

if TYPE_CHECKING:
    from playwright.sync_api import Browser, ConsoleMessage, Page

playwright = pytest.importorskip("playwright.sync_api", reason="playwright is not installed: pip install '.[browser]'")
CHROMIUM = shutil.which("chromium") or shutil.which("chromium-browser") or shutil.which("google-chrome")
AXE = FOLDER / "node_modules/axe-core/axe.min.js"
SHOTS = os.environ.get("EXPLIB_SHOTS")
pytestmark = [
    pytest.mark.process,
    pytest.mark.skipif(CHROMIUM is None, reason="no Chromium is installed: apt-get install chromium"),
]
VIEWS = ("week", "lessons", "lesson/e1", "review", "history", "history?from=2&to=1", "learner", "attempts")
FORMS = {"light": (1200, "light"), "dark": (1200, "dark"), "phone": (375, "light")}
PATIENCE = 15_000
"""Milliseconds after which what should appear has failed to."""
READY = "() => document.querySelector('main h1') && !document.querySelector('.loading')"
APP_POLICY = (
    "default-src 'none'; script-src 'self' 'unsafe-inline'; style-src 'self' 'unsafe-inline'; img-src 'self' data:; "
    "media-src 'self' data:; connect-src 'none'; object-src 'none'"
)
"""The policy of a host of Apps where the resource declares none (specification of 2026-01-26)."""
MADE_FROM_TEXT = """() => [...document.querySelectorAll("#page *")].filter((each) =>
  /^(img|image|script|iframe|svg|math|style|object|embed|video|audio|source|form|meta|link|base|template)$/i.test(each.tagName)
  || [...each.attributes].some(({name, value}) => /^on/i.test(name) || /^\\s*(javascript|data):/i.test(value))
).map((each) => each.outerHTML.slice(0, 200))"""
"""Elements that the page never makes, and attributes that would run something."""
SHOWN = [each for each in ATTACKS[:-1] if "`" not in each]
"""Attacks that stand in the page as they are: between backticks is code."""
HOST = """<!doctype html><iframe id="view" src="http://view.test/" sandbox="allow-scripts allow-same-origin"
  style="width:900px;height:700px"></iframe><script>
  window.seen = [];
  addEventListener("message", async ({data, source}) => {
    seen.push(data.method);
    const answer = (result) => source.postMessage({jsonrpc: "2.0", id: data.id, result}, "*");
    if (data.method === "ui/initialize") answer({protocolVersion: "2026-01-26", hostInfo: {name: "host", version: "1"},
      hostCapabilities: {}, hostContext: {theme: "dark", locale: "ja-JP"}});
    if (data.method === "tools/call") answer(await window.callTool(data.params));
  });
</script>"""
MODULES = {
    "@modelcontextprotocol/ext-apps/app-bridge": "@modelcontextprotocol/ext-apps/dist/src/app-bridge.js",
    "@modelcontextprotocol/client": "@modelcontextprotocol/client/dist/index.mjs",
    "@modelcontextprotocol/client/_shims": "@modelcontextprotocol/client/dist/shimsBrowser.mjs",
    "@modelcontextprotocol/core": "@modelcontextprotocol/core/dist/index.mjs",
    "@modelcontextprotocol/core/internal": "@modelcontextprotocol/core/dist/internal.mjs",
    "zod/v4": "zod/v4/index.js",
    "eventsource": "eventsource/dist/index.js",
    "eventsource-parser": "eventsource-parser/dist/index.js",
    "eventsource-parser/stream": "eventsource-parser/dist/stream.js",
    "pkce-challenge": "pkce-challenge/dist/index.browser.js",
}
"""What the official bridge imports → its file under node_modules."""
IMPORTS = json.dumps({"imports": {name: f"/node_modules/{file}" for name, file in MODULES.items()}})
BRIDGE = f"""<!doctype html><script type="importmap">{IMPORTS}</script>
<iframe id="view" sandbox="allow-scripts allow-same-origin" style="width:900px;height:700px"></iframe>
<script type="module">
  import {{ AppBridge, PostMessageTransport }} from "@modelcontextprotocol/ext-apps/app-bridge";
  const frame = document.getElementById("view");
  const context = {{theme: "dark", locale: "ja-JP", availableDisplayModes: ["inline", "fullscreen"]}};
  const bridge = new AppBridge(null, {{name: "host", version: "1"}}, {{serverTools: {{}}}}, {{hostContext: context}});
  window.seen = ["ui/initialize"];
  bridge.oninitialized = () => seen.push("ui/notifications/initialized");
  bridge.onsizechange = () => seen.push("ui/notifications/size-changed");
  bridge.oncalltool = (params) => {{ seen.push("tools/call"); return window.callTool(params); }};
  bridge.onrequestdisplaymode = async ({{mode}}) => {{ seen.push("ui/request-display-mode"); return {{mode}}; }};
  await bridge.connect(new PostMessageTransport(frame.contentWindow, frame.contentWindow));
  frame.src = "http://view.test/";
</script>"""
NEEDS_BRIDGE = pytest.mark.skipif(
    not all((FOLDER / "node_modules" / file).exists() for file in MODULES.values()),
    reason=f"@modelcontextprotocol/ext-apps is not in {FOLDER}: run .ci/run where npm is",
)


@dataclass(frozen=True, slots=True)
class Opened:
    """A server with its page, on a thread of its own."""

    address: str
    keys: PageKeys
    database: str

    def change(self, work: Callable[[Store], Any]) -> None:
        """Do something to the database, as another process would."""

        async def act() -> None:
            async with open_store(self.database) as store:
                await work(store)

        with ThreadPoolExecutor(1) as elsewhere:  # Playwright has a loop of its own here
            elsewhere.submit(asyncio.run, act()).result()

    def call(self, params: dict[str, Any]) -> dict[str, Any]:
        """Call a tool as a host does for its view."""
        meta = {
            "protocolVersion": "2026-07-28",
            "clientInfo": {"name": "host", "version": "1"},
            "clientCapabilities": {},
        }
        named = {f"io.modelcontextprotocol/{name}": value for name, value in meta.items()}
        body = {"jsonrpc": "2.0", "id": 1, "method": "tools/call", "params": {**params, "_meta": named}}
        headers = {
            "Content-Type": "application/json",
            "Accept": "application/json, text/event-stream",
            "MCP-Protocol-Version": "2026-07-28",
            "Mcp-Method": "tools/call",
            "Mcp-Name": params["name"],
            "Authorization": f"Bearer {self.keys.swap(self.keys.code())}",
        }
        request = urllib.request.Request(f"{self.address}/mcp", json.dumps(body).encode(), headers)
        with urllib.request.urlopen(request) as answer:
            text = answer.read().decode()
        result: dict[str, Any] = json.loads(text[text.index("{") :])["result"]
        return result


@pytest.fixture(scope="module")
def opened(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Opened]:
    """One server for all tests of the module: `default`, and `hostile`."""
    database = f"sqlite+aiosqlite:///{tmp_path_factory.mktemp('page')}/library.db"
    settings, keys = Settings(database_url=database, embedder="none", auth="required"), PageKeys()
    found: list[tuple[str, asyncio.AbstractEventLoop, asyncio.Event]] = []
    begun = threading.Event()

    async def serve() -> None:
        async with open_store(database) as store:
            await make_library(store, "default")
            await make_library(store, "hostile", hostile)
        for library, said in (("default", str), ("hostile", hostile)):
            make_run(runs_folder(database) / library, library, said)
        gate = http_app(build_server(settings, "off", "all"), settings, "127.0.0.1", keys=keys)
        async with running(gate) as address:
            found.append((address, asyncio.get_running_loop(), asyncio.Event()))
            begun.set()
            await found[0][2].wait()
            gate.end_streams()

    thread = threading.Thread(target=lambda: asyncio.run(serve()))
    thread.start()
    assert begun.wait(120)
    address, loop, ending = found[0]
    try:
        yield Opened(address, keys, database)
    finally:
        loop.call_soon_threadsafe(ending.set)
        thread.join()


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    with playwright.sync_playwright() as driver:
        launched = driver.chromium.launch(executable_path=CHROMIUM, args=["--no-sandbox"])
        yield launched
        launched.close()


@pytest.fixture
def page(browser: Browser, opened: Opened) -> Iterator[Page]:
    """The page as `explib ui` opens it. Whatever the browser complains about fails the test."""
    context = browser.new_context(viewport={"width": 1200, "height": 900}, locale="en-US")
    context.set_default_timeout(PATIENCE)
    shown = context.new_page()
    complaints: list[str] = []

    def heard(message: ConsoleMessage) -> None:
        if message.type in {"error", "warning"}:
            complaints.append(message.text)

    shown.on("console", heard)
    shown.on("pageerror", lambda error: complaints.append(str(error)))
    shown.goto(f"{opened.address}/ui#code={opened.keys.code()}")
    shown.wait_for_function(READY)
    yield shown
    context.close()
    assert not complaints


def look(page: Page, view: str) -> None:
    """Go to a view and wait for its data."""
    page.evaluate("view => { location.hash = '#/' + view }", view)
    page.wait_for_function("view => location.hash === '#/' + view", arg=view)
    page.wait_for_function(READY)


def test_the_address_keeps_no_code_and_the_key_stays_in_the_tab(page: Page, opened: Opened) -> None:
    assert page.url == f"{opened.address}/ui#/week"
    page.reload()
    page.wait_for_function(READY)
    other = page.context.new_page()
    other.goto(f"{opened.address}/ui")
    other.get_by_text("This page needs a key").wait_for()


@pytest.mark.parametrize("form", FORMS)
def test_each_view_is_whole_and_open_to_everybody(page: Page, form: str) -> None:
    width, scheme = FORMS[form]
    page.set_viewport_size({"width": width, "height": 900})
    page.emulate_media(color_scheme="dark" if scheme == "dark" else "light")
    if AXE.exists():
        page.evaluate(AXE.read_text(encoding="utf-8"))
    for view in VIEWS:
        look(page, view)
        assert page.evaluate("document.documentElement.scrollWidth") <= width, view
        if AXE.exists():
            found = page.evaluate("axe.run({resultTypes: ['violations']})")["violations"]
            assert [(each["id"], each["nodes"][0]["html"][:200]) for each in found] == [], view
        if SHOTS:
            name = view.partition("?")[0].replace("/", "-") + ("-compared" if "?" in view else "")
            page.screenshot(path=Path(SHOTS) / f"{name}-{form}.png", full_page=True)


def test_nothing_runs_of_what_attempts_and_lessons_hold(page: Page) -> None:
    """Each view shows every attack in every field, and the address holds one too."""
    assert len(ATTACKS) == 60
    for view in (*VIEWS, "history/1", f"attempts?query={quote(ATTACKS[1])}"):
        path, _, query = view.partition("?")
        look(page, f"{path}?library=hostile{'&' + query if query else ''}")
        assert page.evaluate("window.ran") is None, view
        assert page.evaluate(MADE_FROM_TEXT) == [], view
    look(page, "attempts?library=hostile")
    page.locator(".attempts a").last.click()
    page.locator(".facts").wait_for()
    assert page.evaluate(MADE_FROM_TEXT) == []
    look(page, "lesson/e1?library=hostile")
    assert page.evaluate("attacks => attacks.filter((each) => !document.body.innerText.includes(each))", SHOWN) == []
    assert page.locator(".hidden-char", has_text="U+202E").count() > 0


def test_a_person_decides_by_keys_and_takes_back_for_ten_seconds(page: Page, opened: Opened) -> None:
    look(page, "review")
    page.get_by_text("1 of 2").wait_for()
    page.get_by_role("button", name="Approve").wait_for()
    page.keyboard.press("r")
    page.get_by_role("dialog").get_by_role("textbox").fill("not ours")
    page.keyboard.press("Enter")
    page.get_by_text("p1 is rejected.").wait_for()
    page.keyboard.press("u")
    page.get_by_role("button", name="Approve").wait_for()
    page.keyboard.press("a")
    page.get_by_text("p1 is approved.").wait_for()
    page.get_by_role("button", name="Approve").wait_for()
    page.keyboard.press("a")  # deciding on the next sends the one before
    page.get_by_text("p2 is approved.").wait_for()
    page.keyboard.press("u")
    look(page, "history")
    page.get_by_text("approved p1").wait_for()

    async def still_waits(store: Store) -> None:
        library = await store.libraries.get("default")
        assert [each.id for each in await store.proposals.all(library, "waiting")] == ["p2"]

    opened.change(still_waits)


def test_a_person_goes_back_by_keys_after_a_preview(page: Page) -> None:
    look(page, "history")
    page.locator("a", has_text="Back to here").last.focus()
    page.keyboard.press("Enter")
    page.get_by_role("heading", name="Back to revision 1").wait_for()
    page.locator("del", has_text="Always").wait_for()
    page.get_by_role("button", name="Go back to revision 1").focus()
    page.keyboard.press("Enter")
    page.get_by_role("heading", name="History").wait_for()
    page.get_by_text("back to revision 1").wait_for()
    page.keyboard.press("g")
    page.keyboard.press("l")
    page.get_by_role("option", name=LESSON.replace("`", "")).wait_for()


def test_what_another_process_changes_is_told_and_moves_nothing(page: Page, opened: Opened) -> None:
    look(page, "lessons")

    async def add(store: Store) -> None:
        await propose(store, await store.libraries.get("default"), "When it snows, clear the path.")

    opened.change(add)
    told = page.get_by_role("button", name="new revision")
    told.wait_for()
    assert page.get_by_text("clear the path").count() == 0
    told.click()
    page.get_by_text("clear the path").wait_for()


def test_a_search_stands_in_the_address_and_keys_open_what_was_found(page: Page) -> None:
    look(page, "lessons")
    page.keyboard.press("/")
    page.keyboard.type("RESERVE")
    page.wait_for_function("() => location.hash === '#/lessons?query=RESERVE'")
    page.get_by_text("1 lesson", exact=True).wait_for()
    page.keyboard.press("Escape")
    page.keyboard.press("Enter")
    page.wait_for_function("() => location.hash === '#/lesson/e1'")
    page.wait_for_function(READY)
    page.get_by_role("table", name="Two attempts side by side").get_by_text("did as it says").wait_for()


@pytest.mark.parametrize("host", [HOST, pytest.param(BRIDGE, marks=NEEDS_BRIDGE)], ids=["fake", "AppBridge"])
def test_inside_a_client_the_same_document_speaks_to_its_host(browser: Browser, opened: Opened, host: str) -> None:
    context = browser.new_context(viewport={"width": 1000, "height": 800})
    context.set_default_timeout(PATIENCE)
    shown = context.new_page()
    shown.expose_function("callTool", lambda params: opened.call(params))
    context.route("http://host.test/", lambda route: route.fulfill(body=host, content_type="text/html"))
    context.route(
        "http://host.test/node_modules/**",
        lambda route: route.fulfill(
            path=FOLDER / route.request.url.removeprefix("http://host.test/"), content_type="text/javascript"
        ),
    )
    context.route(
        "http://view.test/",
        lambda route: route.fulfill(
            body=document().html,
            headers={"Content-Type": "text/html; charset=utf-8", "Content-Security-Policy": APP_POLICY},
        ),
    )
    shown.goto("http://host.test/")
    view = shown.frame_locator("#view")
    view.get_by_role("link", name="教訓", exact=True).click()  # the host said: Japanese
    view.locator("[role=option]").first.click()
    view.get_by_role("heading", name="根拠").wait_for()
    view.get_by_role("button", name="全画面").click()
    assert view.locator("html").evaluate("page => page.style.colorScheme") == "dark"
    notified = {"ui/notifications/initialized", "ui/notifications/size-changed"}
    shown.wait_for_function("seen.includes('ui/request-display-mode')")
    assert {"ui/initialize", "tools/call", *notified} <= set(shown.evaluate("seen"))
    context.close()
