"""A model on loopback for any coding agent: it runs shell commands one by one, then says that it is done.

It speaks Anthropic's Messages, OpenAI's Responses and chat completions, and Gemini, as far as the agents ask for it.
"""

from __future__ import annotations

import json
import re
import threading
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any, TypeAlias

Body: TypeAlias = dict[str, Any]
SHELLS = ("Bash", "exec_command", "bash", "run_shell_command")
"""What agents call their shell."""
DONE = "It is done."
_RESULT = re.compile('"tool_result"|"function_call_output"|"role": "tool"|"functionResponse"')
"""What a request holds for each command that has run."""
_CONVERSATION = ("messages", "input", "contents")


@dataclass(slots=True)
class ScriptedModel:
    """The running model."""

    commands: tuple[str, ...]
    url: str = ""
    prompt: str = ""
    """The person's words that the commands are for, where a conversation holds earlier ones."""
    asked: list[str] = field(default_factory=list)
    """The requests, as JSON."""

    def call(self, body: Body, names: Sequence[str]) -> dict[str, str] | None:
        """The next command's call with its `id`; None where all have run, or no shell is offered."""
        shell = next((name for name in SHELLS if name in names), None)
        said = json.dumps(next(body[key] for key in _CONVERSATION if key in body), ensure_ascii=False)
        begun = said.rfind(self.prompt) if self.prompt else 0
        done = len(_RESULT.findall(said[max(begun, 0) :]))
        if shell is None or done >= len(self.commands):
            return None
        key = "cmd" if shell == "exec_command" else "command"
        arguments = json.dumps({key: self.commands[done], "description": "a step"})
        return {"id": f"call_{len(self.asked)}", "name": shell, "arguments": arguments}


@contextmanager
def scripted_model(*commands: str) -> Iterator[ScriptedModel]:
    """The model, running on a free port of 127.0.0.1."""
    model = ScriptedModel(commands)

    class Handler(_Handler):
        scripted = model

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    server.daemon_threads = True
    serving = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.05})
    serving.start()
    model.url = f"http://127.0.0.1:{server.server_port}"
    try:
        yield model
    finally:
        server.shutdown()
        serving.join()
        server.server_close()


class _Handler(BaseHTTPRequestHandler):
    scripted: ScriptedModel

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002  the parameter is the base class's
        """Say nothing."""

    def do_HEAD(self) -> None:
        self._send(b"", "application/json")

    def do_GET(self) -> None:
        self._json({"object": "list", "data": [{"id": "scripted", "object": "model"}], "models": []})

    def do_POST(self) -> None:
        body: Body = json.loads(self._content())
        path = self.path.partition("?")[0]
        self.scripted.asked.append(json.dumps(body, ensure_ascii=False))
        if path.endswith("/messages"):
            self._messages(body)
        elif path.endswith("/responses"):
            self._responses(body)
        elif path.endswith("/chat/completions"):
            self._chat(body)
        elif path.endswith("enerateContent"):
            self._gemini(body)
        else:
            self._json({"input_tokens": 10, "totalTokens": 10})

    def _content(self) -> bytes:
        if length := self.headers.get("content-length"):
            return self.rfile.read(int(length))
        content = b""
        while size := int(self.rfile.readline(), 16):
            content += self.rfile.read(size)
            self.rfile.readline()
        return content

    def _send(self, content: bytes, kind: str) -> None:
        self.send_response(200)
        self.send_header("content-type", kind)
        self.send_header("content-length", str(len(content)))
        self.end_headers()
        self.wfile.write(content)

    def _json(self, value: object) -> None:
        self._send(json.dumps(value).encode(), "application/json")

    def _events(self, events: Sequence[Mapping[str, object]], end: str = "") -> None:
        named = [(f"event: {event['type']}\n" if "type" in event else "") + f"data: {json.dumps(event)}\n\n"
                 for event in events]  # fmt: skip
        self._send(("".join(named) + end).encode(), "text/event-stream")

    def _messages(self, body: Body) -> None:
        call = self.scripted.call(body, [tool["name"] for tool in body.get("tools", [])])
        if call is None:
            block: Body = {"type": "text", "text": DONE}
            shown: Body = {"type": "text", "text": ""}
            delta = {"type": "text_delta", "text": DONE}
        else:
            block = {"type": "tool_use", "id": call["id"], "name": call["name"], "input": json.loads(call["arguments"])}
            shown = {**block, "input": {}}
            delta = {"type": "input_json_delta", "partial_json": call["arguments"]}
        usage = {"input_tokens": 10, "output_tokens": 10}
        stop = {"stop_reason": "tool_use" if call else "end_turn", "stop_sequence": None}
        message = {"id": f"msg_{len(self.scripted.asked)}", "type": "message", "role": "assistant", "usage": usage,
                   "model": body.get("model"), "content": [block], **stop}  # fmt: skip
        if not body.get("stream"):
            self._json(message)
            return
        self._events(
            [
                {"type": "message_start", "message": {**message, "content": [], "stop_reason": None}},
                {"type": "content_block_start", "index": 0, "content_block": shown},
                {"type": "content_block_delta", "index": 0, "delta": delta},
                {"type": "content_block_stop", "index": 0},
                {"type": "message_delta", "delta": stop, "usage": {"output_tokens": 10}},
                {"type": "message_stop"},
            ]
        )

    def _responses(self, body: Body) -> None:
        call = self.scripted.call(body, [tool.get("name", "") for tool in body.get("tools", [])])
        content = [{"type": "output_text", "text": DONE, "annotations": []}]
        item: Body = {"type": "message", "role": "assistant", "id": "m1", "content": content}
        if call is not None:
            item = {"type": "function_call", "id": f"fc_{call['id']}", "call_id": call["id"],
                    "name": call["name"], "arguments": call["arguments"]}  # fmt: skip
        details: Body = {"input_tokens_details": {"cached_tokens": 0}, "output_tokens_details": {"reasoning_tokens": 0}}
        usage = {"input_tokens": 10, "output_tokens": 10, "total_tokens": 20, **details}
        self._events(
            [
                {"type": "response.created", "response": {"id": "r1"}},
                {"type": "response.output_item.done", "output_index": 0, "item": item},
                {"type": "response.completed", "response": {"id": "r1", "output": [item], "usage": usage}},
            ]
        )

    def _chat(self, body: Body) -> None:
        call = self.scripted.call(body, [tool["function"]["name"] for tool in body.get("tools", [])])
        message: Body = {"role": "assistant", "content": DONE}
        if call is not None:
            function = {"name": call["name"], "arguments": call["arguments"]}
            calls = [{"index": 0, "id": call["id"], "type": "function", "function": function}]
            message = {"role": "assistant", "content": None, "tool_calls": calls}
        finish, usage = (
            "tool_calls" if call else "stop",
            {"prompt_tokens": 9, "completion_tokens": 9, "total_tokens": 18},
        )
        base = {"id": "c1", "created": 1, "model": "scripted"}
        if not body.get("stream"):
            choice = {"index": 0, "message": message, "finish_reason": finish}
            self._json({**base, "object": "chat.completion", "choices": [choice], "usage": usage})
            return
        chunk = {**base, "object": "chat.completion.chunk"}
        last = {"index": 0, "delta": {}, "finish_reason": finish}
        pieces = [{**chunk, "choices": [{"index": 0, "delta": message, "finish_reason": None}]},
                  {**chunk, "choices": [last], "usage": usage}]  # fmt: skip
        self._events(pieces, "data: [DONE]\n\n")

    def _gemini(self, body: Body) -> None:
        declared = [each["name"] for tool in body.get("tools", []) for each in tool.get("functionDeclarations", [])]
        call = self.scripted.call(body, declared)
        said = DONE
        if body.get("generationConfig", {}).get("responseMimeType") == "application/json":  # a router's question
            said = json.dumps(
                {"reasoning": "x", "next_speaker": "user", "complexity_score": 10, "complexity_reasoning": "x"}
            )
        part: Body = {"text": said}
        if call is not None:
            part = {"functionCall": {"name": call["name"], "args": json.loads(call["arguments"])}}
        candidate = {"content": {"role": "model", "parts": [part]}, "finishReason": "STOP", "index": 0}
        answer = {"candidates": [candidate], "usageMetadata": {"totalTokenCount": 20}, "modelVersion": "scripted"}
        if "stream" in self.path:
            self._events([answer])
        else:
            self._json(answer)
