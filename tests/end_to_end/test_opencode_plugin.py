"""opencode's plugin as `explib attach opencode` writes it, run by Node with a program in place of `explib hook`."""

from __future__ import annotations

import json
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
from end_to_end.node import FOLDER, environment

from explib.models.json_value import Json
from explib_server.clients.entries import Attachment
from explib_server.clients.installation import Installation, Wishes
from explib_server.clients.places import ClientName, Machine, Scope

pytestmark = [
    pytest.mark.process,
    pytest.mark.skipif(not (FOLDER.exists() or shutil.which("node")), reason="there is no Node"),
]
HOOK = """
import json, sys
with open({log!r}, "a") as log:
    log.write(json.dumps([*sys.argv[1:], json.load(sys.stdin)]) + "\\n")
denied = {{"permissionDecision": "deny", "permissionDecisionReason": "never"}}
print(json.dumps({{"prompt": {{"additionalContext": "a lesson"}}, "tool": denied}}.get(sys.argv[2], 5)))
"""
SESSION = """
import { Explib } from "./plugin.mjs"
const client = { session: { messages: async () => ({ data: [{ info: { role: "user" }, parts: [] }] }) } }
const hooks = await Explib({ client, directory: "/work" })
const tell = (type, properties) => hooks.event({ event: { type, properties } })
const created = (id, parentID) => tell("session.created", { info: { id, parentID } })
const idle = (sessionID) => tell("session.idle", { sessionID })
await created("s1")
await created("s2", "s1")
const parts = [{ type: "text", text: "pack" }, { type: "text", text: "file", synthetic: true }]
const output = { message: { id: "m1" }, parts }
await hooks["chat.message"]({ sessionID: "s1" }, output)
let refused = ""
await hooks["tool.execute.before"]({ tool: "bash", sessionID: "s1", callID: "c1" }, { args: { command: "ls" } })
  .catch((error) => (refused = error.message))
await hooks["tool.execute.before"]({ tool: "read", sessionID: "s1", callID: "c2" }, { args: {} })
await idle("s2")
await idle("s1")
console.log(JSON.stringify({ parts: output.parts, refused }))
"""


def played(folder: Path, program: tuple[str, ...]) -> dict[str, Json]:
    """What the plugin did with one session, as the session saw it."""
    machine = Machine(folder, folder, "linux", {})
    asked = Attachment("explib", (*program, "serve"), {})
    [_, plugin] = Installation(ClientName.opencode, machine, Scope.user, asked).attaching(Wishes())
    (folder / "plugin.mjs").write_bytes(plugin.content or b"")
    (folder / "session.mjs").write_text(SESSION, encoding="utf-8")
    done = subprocess.run(
        ["node", "session.mjs"], cwd=folder, env=environment(), capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr
    seen: dict[str, Json] = json.loads(done.stdout)
    return seen


def test_a_session_is_told_to_the_hook_and_its_answers_reach_the_model(tmp_path: Path) -> None:
    hook, log = tmp_path / "hook.py", tmp_path / "log"
    hook.write_text(HOOK.format(log=str(log)), encoding="utf-8")
    seen = played(tmp_path, (sys.executable, str(hook)))
    parts = seen["parts"]
    assert isinstance(parts, list)
    lesson = parts[2]
    assert isinstance(lesson, dict)
    assert (lesson["text"], lesson["synthetic"], lesson["messageID"]) == ("a lesson", True, "m1")
    assert seen["refused"] == "never"
    calls = [json.loads(line) for line in log.read_text(encoding="utf-8").splitlines()]
    assert [call[1] for call in calls] == ["session-start", "prompt", "tool", "turn-end"], "not those of the sub-agent"
    assert all(call[2:4] == ["--client", "opencode"] for call in calls)
    assert calls[1][4] == {"session_id": "s1", "cwd": "/work", "prompt": "pack"}
    assert calls[3][4]["messages"] == [{"info": {"role": "user"}, "parts": []}]


def test_a_program_that_is_missing_stops_nothing(tmp_path: Path) -> None:
    seen = played(tmp_path, (str(tmp_path / "gone"),))
    assert isinstance(seen["parts"], list)
    assert (len(seen["parts"]), seen["refused"]) == (2, "")
