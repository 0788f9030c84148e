"""What is handed out besides the package says the same as the package."""

from __future__ import annotations

import json
import re
import shutil
import subprocess
import tomllib
from dataclasses import replace
from pathlib import Path

import pytest
from end_to_end.node import command, environment, needs
from mcp import Client

from explib.settings.program import Settings
from explib_server import VERSION
from explib_server.clients.catalogue import CLIENTS, link
from explib_server.clients.entries import attachment
from explib_server.clients.hooks import Program, hook_entries
from explib_server.clients.places import ClientName
from explib_server.mcp.server import build_server

ROOT = Path(__file__).parents[1]
MANIFEST = ROOT / "mcpb" / "manifest.json"
PLUGIN = ROOT / "examples" / "plugins" / "explib"
README = ROOT / "README.md"


def project() -> dict[str, str]:
    found: dict[str, str] = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    return found


async def test_the_bundle_has_the_version_and_the_tools_of_the_server() -> None:
    manifest = json.loads(MANIFEST.read_text(encoding="utf-8"))
    async with Client(build_server(Settings(), "off")) as client:
        tools = [tool.name for tool in (await client.list_tools()).tools]
    assert manifest["version"] == project()["version"] == VERSION
    assert [tool["name"] for tool in manifest["tools"]] == tools
    assert (ROOT / manifest["server"]["entry_point"]).is_file()


def test_the_registry_entry_has_the_version_and_name_of_the_package() -> None:
    entry = json.loads((ROOT / "server.json").read_text(encoding="utf-8"))
    [package] = entry["packages"]
    assert (entry["version"], package["version"]) == (project()["version"],) * 2
    assert package["identifier"] == project()["name"]
    assert len(entry["description"]) <= 100, "the registry takes no more"
    assert f"mcp-name: {entry['name']}" in README.read_text(encoding="utf-8"), (
        "the registry checks who owns the package"
    )


@pytest.mark.parametrize("client", [ClientName.cursor, ClientName.vscode])
def test_the_one_click_links_of_the_readme_are_those_that_attach_prints(client: ClientName) -> None:
    asked = replace(attachment("explib", None, None, None, None), command=("explib", "serve"))
    assert f"({link(client, asked)})" in README.read_text(encoding="utf-8")


@pytest.mark.parametrize(("client", "file"), [(ClientName.claude_code, "hooks"), (ClientName.codex, "codex")])
def test_the_plugin_has_the_hooks_that_attach_writes(client: ClientName, file: str) -> None:
    elements = hook_entries(Program(("explib",), client, "linux")).elements
    written = json.loads((PLUGIN / "hooks" / f"{file}.json").read_text(encoding="utf-8"))
    assert written == {"hooks": {event: [element] for event, element in elements.items()}}


def test_the_plugin_has_the_version_of_the_package_and_the_server_of_attach() -> None:
    for manifest in (".claude-plugin", ".codex-plugin"):
        found = json.loads((PLUGIN / manifest / "plugin.json").read_text(encoding="utf-8"))
        assert (found["name"], found["version"]) == (project()["name"], project()["version"])
    asked = replace(attachment("explib", None, None, None, None), command=("explib", "serve"))
    servers = json.loads((PLUGIN / ".mcp.json").read_text(encoding="utf-8"))["mcpServers"]
    assert servers == {"explib": CLIENTS[ClientName.claude_code].entry(asked).fresh()}


@needs("mcpb")
def test_the_bundle_is_valid_and_packs(tmp_path: Path) -> None:
    shutil.copy(MANIFEST, tmp_path)
    packed = tmp_path / "explib.mcpb"
    for arguments in (["validate", str(tmp_path / "manifest.json")], ["pack", str(tmp_path), str(packed)]):
        done = subprocess.run(
            [command("mcpb"), *arguments], env=environment(), capture_output=True, text=True, check=False
        )
        assert done.returncode == 0, done.stdout + done.stderr
    assert packed.is_file()
    assert re.search(r"alidation passes", done.stdout + done.stderr)
