"""The other shapes in which the same programs write their logs: the story of `import_cases` once more in each."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from pathlib import Path

from server.import_cases import ASKED, DONE, Case, Found, Json, attribute, lines, openai, put

TEXT_ONLY = Found(2, tools=())


def events() -> list[dict[str, Json]]:
    """A conversation of OpenHands' first generation."""
    called: Json = {"function_name": "read_sensor", "tool_call_id": "c1", "model_response": {"model": "m"}}
    return [
        {"id": 0, "source": "environment", "observation": "agent_state_changed", "content": "", "extras": {}},
        {"id": 1, "source": "user", "action": "message", "args": {"content": ASKED}},
        {"id": 2, "source": "agent", "action": "run", "args": {"command": "cat"}, "tool_call_metadata": called},
        {"id": 3, "source": "agent", "observation": "run", "content": "dry", "cause": 2, "extras": {},
         "tool_call_metadata": called},
        {"id": 10, "source": "agent", "action": "finish", "args": {"final_thought": DONE}},
    ]  # fmt: skip


def openhands_list(folder: Path) -> None:
    put(folder, "trajectory.json", list(events()))


def openhands_folder(folder: Path) -> None:
    for event in events():
        put(folder, f"sessions/abc/events/{event['id']}.json", event)


def openhands_sdk(folder: Path) -> None:
    """Two calls of one answer, one of which failed."""

    def call(name: str) -> dict[str, Json]:
        return {"kind": "ActionEvent", "source": "agent", "tool_name": "read_sensor", "tool_call_id": name,
                "llm_response_id": "r1", "thought": [], "tool_call": {"id": name, "arguments": "{}"}}  # fmt: skip

    def result(name: str, failed: bool) -> Json:
        seen: Json = {"content": [{"type": "text", "text": "seen"}], "is_error": failed}
        return {"kind": "ObservationEvent", "source": "environment", "tool_call_id": name, "observation": seen}

    asked: Json = {"role": "user", "content": [{"type": "text", "text": ASKED}]}
    end: Json = {"kind": "ActionEvent", "source": "agent", "tool_name": "finish", "action": {"message": DONE}}
    put(folder, "events.jsonl", lines(
        {"kind": "ConversationStateUpdateEvent", "source": "environment", "key": "stats", "value": {}},
        {"kind": "MessageEvent", "source": "user", "llm_message": asked},
        call("c1"), call("c2"), result("c1", False), result("c2", True), end,
    ))  # fmt: skip


def mini_swe_agent_list(folder: Path) -> None:
    put(folder, "fern.traj.json", [
        {"role": "user", "content": ASKED},
        {"role": "assistant", "content": "```mswea_bash_command\ncat pot\n```"},
        {"role": "user", "content": "<returncode>0</returncode>"},
        {"role": "assistant", "content": DONE},
    ])  # fmt: skip


def swe_agent_demonstration(folder: Path) -> None:
    put(folder, "fern.traj", {"history": openai()})


def tau2_spoken(folder: Path) -> None:
    def tick(user: str = "", agent: str = "", **more: Json) -> Json:
        return {"user_chunk": {"content": user}, "agent_chunk": {"content": agent}, **more}

    call: Json = [{"id": "c1", "name": "read_sensor", "arguments": {}, "requestor": "assistant"}]
    result: Json = [{"role": "tool", "id": "c1", "content": "dry", "requestor": "assistant", "error": False}]
    ticks: Json = [
        tick("Water "), tick("the fern."), tick(),
        tick(agent_tool_calls=call, agent_tool_results=result),
        tick("Hm", "The fern "), tick("", "is watered."),
    ]  # fmt: skip
    info: Json = {"agent_info": {"implementation": "a", "llm": "m"}, "environment_info": {"domain_name": "garden"}}
    run: Json = {"timestamp": "t", "info": info, "tasks": [{"id": "7", "ticket": ASKED}]}
    put(folder, "run/results.json", run)
    put(folder, "run/simulations/s0.json", {"id": "s0", "task_id": "7", "trial": 0, "termination_reason": "user_stop",
                                            "ticks": ticks, "reward_info": {"reward": 1.0}})  # fmt: skip


def verifiers_graph(folder: Path) -> None:
    """Of two branches the last one is the attempt; nothing was scored."""
    asked, called, result, said = openai()
    nodes: list[Json] = [
        {"parent": None, "message": asked}, {"parent": 0, "message": called},
        {"parent": 1, "message": {"role": "assistant", "content": "taken back"}},
        {"parent": 1, "message": result}, {"parent": 3, "message": said},
    ]  # fmt: skip
    trace: Json = {"id": "x", "task": {"hash": "h", "data": {"prompt": ASKED}}, "nodes": nodes,
                   "rewards": {"right": None}, "errors": [{"message": "no judge"}]}  # fmt: skip
    put(folder, "traces.jsonl", lines({"traces": [trace]}))


def langfuse_observations(folder: Path) -> None:
    asked, called, result, said = openai()
    rows: list[Json] = [
        {"trace_id": "t1", "type": "GENERATION", "start_time": str(at), "provided_model_name": "m",
         "input": json.dumps(told), "output": json.dumps(answer)}
        for at, told, answer in ((1, [asked], called), (2, [asked, called, result], said))
    ]  # fmt: skip
    put(folder, "p/observations_v2/1.jsonl", lines(*rows))
    score: Json = {"trace_id": "t1", "name": "ok", "value": 1, "data_type": "NUMERIC"}
    put(folder, "p/scores/1.jsonl", lines(score))


def langfuse_table(folder: Path) -> None:
    told, said = (json.dumps(text).replace('"', '""') for text in (ASKED, DONE))
    put(folder, "t.csv", f'id,timestamp,input,output,sessionId,userId\nt1,2026,"{told}","{said}",s,u\n')


def langsmith_page(folder: Path) -> None:
    """Only the outermost run, which keeps the whole conversation, as the API answers."""
    call: Json = {"id": "c1", "type": "function", "function": {"name": "read_sensor", "arguments": "{}"}}
    messages: Json = [
        {"type": "human", "content": ASKED},
        {"type": "ai", "content": "", "additional_kwargs": {"tool_calls": [call]}},
        {"type": "tool", "content": "dry", "tool_call_id": "c1"},
        {"type": "ai", "content": DONE},
    ]
    run: Json = {"id": "r", "trace_id": "t", "run_type": "chain", "name": "gardener",
                 "inputs": {"messages": [["user", ASKED]]}, "outputs": {"messages": messages}}  # fmt: skip
    put(folder, "runs.json", {"runs": [run], "cursors": {}})


def otlp_numbered(folder: Path) -> None:
    asked, said = "llm.input_messages", "llm.output_messages.0.message"
    call = f"{asked}.1.message.tool_calls.0.tool_call"
    told: dict[str, Json] = {
        f"{asked}.0.message.role": "user", f"{asked}.0.message.contents.0.message_content.type": "text",
        f"{asked}.0.message.contents.0.message_content.text": ASKED, f"{asked}.1.message.role": "assistant",
        f"{call}.id": "c1", f"{call}.function.name": "read_sensor", f"{call}.function.arguments": "{}",
        f"{asked}.2.message.role": "tool", f"{asked}.2.message.content": "dry",
        f"{asked}.2.message.tool_call_id": "c1", f"{said}.role": "assistant", f"{said}.content": DONE,
        "llm.model_name": "m",
    }  # fmt: skip
    span: Json = {"traceId": "t", "attributes": [attribute(name, value) for name, value in told.items()]}
    put(folder, "otlp.json", {"resourceSpans": [{"scopeSpans": [{"spans": [span]}]}]})


def otlp_events(folder: Path) -> None:
    said = json.dumps({"role": "assistant", "content": DONE})
    happened: Json = [
        {"name": "gen_ai.user.message", "attributes": [attribute("content", ASKED)]},
        {"name": "gen_ai.choice", "attributes": [attribute("message", said)]},
    ]
    put(folder, "otlp.json", {"batches": [{"scopeSpans": [{"spans": [{"traceId": "t", "events": happened}]}]}]})


def otlp_vercel(folder: Path) -> None:
    call: Json = [{"toolCallId": "c1", "toolName": "read_sensor", "args": "{}"}]
    told: Json = [{"role": "user", "content": [{"type": "text", "text": ASKED}]}]
    attributes: Json = [
        attribute("ai.prompt.messages", told), attribute("ai.response.toolCalls", call),
        attribute("ai.response.text", DONE), attribute("ai.model.id", "m"),
    ]  # fmt: skip
    span: Json = {"traceId": "t", "attributes": attributes}
    put(folder, "otlp.json", {"resourceSpans": [{"scopeSpans": [{"spans": [span]}]}]})


def lm_eval_choices(folder: Path) -> None:
    prompt = json.dumps([{"role": "user", "content": ASKED}])
    row: Json = {"doc_id": 0, "doc": {}, "arguments": {"0": {"arg_0": prompt, "arg_1": " no"},
                                                       "1": {"arg_0": prompt, "arg_1": f" {DONE}"}},
                 "resps": [[["-3.5", "False"]], [["-1.5", "True"]]], "acc": 1.0}  # fmt: skip
    weighed: Json = {"doc_id": 1, "doc": {}, "arguments": [[ASKED, " yes"]], "resps": [[[-1.0, True]]], "acc": 1.0}
    put(folder, "vendor__m/samples_garden_t.jsonl", lines(row, weighed))


def promptfoo_rows(folder: Path) -> None:
    calls: Json = [{"id": "c1", "type": "function", "function": {"name": "read_sensor", "arguments": "{}"}}]
    row: dict[str, Json] = {"promptIdx": 0, "vars": {"pot": 3}, "provider": "m", "prompt": {"raw": ASKED}}
    put(folder, "rows.jsonl", lines(
        {**row, "testIdx": 0, "response": {"output": calls}, "score": 1.0},
        {**row, "testIdx": 1, "response": {"output": DONE}, "score": 0.0},
    ))  # fmt: skip


def excel(folder: Path) -> None:
    put(folder, "t.csv", f'sep=;\nPrompt;Model Output;Score;Model\n"{ASKED}";"{{""said"": 1}}";N/A;m\n')


def alpaca(folder: Path) -> None:
    row: dict[str, Json] = {"instruction": ASKED, "input": "", "output": DONE}
    put(folder, "t.jsonl", lines(row, {**row, "input": "Pot 3."}))


def proxied(folder: Path) -> None:
    """Requests and answers as a proxy keeps them, a request that nobody answered, messages as JSON text."""
    put(folder, "log.jsonl", lines(
        {"input": {"messages": openai()[:3]}, "output": {"choices": [{"message": openai()[3]}]}},
        {"prompt": openai()[:1], "chosen": openai()[3:], "rejected": []},
        {"messages": json.dumps(openai())},
    ))  # fmt: skip


def vercel_page(folder: Path) -> None:
    done: Json = {"state": "result", "toolCallId": "c1", "toolName": "read_sensor", "args": {}, "result": "dry"}
    parts: Json = [{"type": "step-start"}, {"type": "tool-invocation", "toolInvocation": done},
                   {"type": "step-start"}, {"type": "text", "text": DONE}]  # fmt: skip
    asked: Json = {"role": "user", "content": ASKED}
    put(folder, "log.jsonl", lines(
        {"messages": [asked, {"role": "assistant", "content": DONE, "toolInvocations": [done], "parts": parts}]},
        {"messages": [asked, {"role": "assistant", "content": DONE, "toolInvocations": [done]}]},
    ))  # fmt: skip


def google_code(folder: Path) -> None:
    put(folder, "log.jsonl", lines({"contents": [
        {"role": "user", "parts": [{"text": ASKED}]},
        {"role": "model", "parts": [{"executable_code": {"code": "1/0"}},
                                    {"code_execution_result": {"outcome": "OUTCOME_FAILED", "output": "no"}},
                                    {"text": DONE}]},
    ]}))  # fmt: skip


def claude_printed(folder: Path) -> None:
    def line(kind: str, content: Json, **more: Json) -> Json:
        return {"type": kind, "session_id": "s", "message": {"id": kind, "role": kind, "content": content}, **more}

    result: Json = [{"type": "tool_result", "tool_use_id": "c1", "content": "dry"}]
    put(folder, "out.json", [
        {"type": "system", "subtype": "init", "session_id": "s", "model": "m", "cwd": "/x"},
        line("user", ASKED),
        line("assistant", [{"type": "tool_use", "id": "c1", "name": "read_sensor", "input": {}}]),
        line("user", result),
        line("assistant", [{"type": "text", "text": "of a side agent"}], parent_tool_use_id="c1"),
        line("assistant", [{"type": "text", "text": DONE}]),
        {"type": "result", "session_id": "s", "is_error": False, "result": DONE},
    ])  # fmt: skip


def copilot_changes(folder: Path) -> None:
    calls: Json = [{"id": "c1", "name": "read_sensor", "arguments": "{}"}]
    answer: Json = {"metadata": {"toolCallRounds": [{"response": "", "toolCalls": calls}],
                                 "toolCallResults": {"c1": {"content": [{"value": "dry"}]}}}}  # fmt: skip
    request: Json = {"requestId": "r", "message": {"text": ASKED}, "modelId": "m", "response": [{"value": "Hm"}]}
    put(folder, "chat.jsonl", lines(
        {"kind": 0, "v": {"version": 3, "sessionId": "s", "requests": []}},
        {"kind": 2, "k": ["requests"], "v": [request]},
        {"kind": 2, "k": ["requests", 0, "response"], "v": [{"value": DONE}], "i": 0},
        {"kind": 1, "k": ["requests", 0, "result"], "v": answer},
    ))  # fmt: skip


def lessons(folder: Path) -> None:
    """Lessons of another library, which are no attempts; one has no words."""
    lesson: dict[str, Json] = {"id": "e1", "content": "Read the sensor.", "status": "active", "learned": "A"}
    put(folder, "lessons.json", {"format": "explib-lessons", "version": 1, "library": "garden", "revision": 1,
                                 "lessons": [lesson, {**lesson, "content": None}]})  # fmt: skip


def of(write: Callable[[Path], None], given: str, *found: Found, bad: tuple[str, ...] = (), groups: int = 1) -> Case:
    return Case(write, given, found, groups, bad)


OPENHANDS = Found(4, agent="openhands", model="m")
VARIANTS: Mapping[str, Case] = {
    "openhands list": of(openhands_list, "trajectory.json", OPENHANDS),
    "openhands folder": of(openhands_folder, "sessions", OPENHANDS),
    "openhands sdk": of(openhands_sdk, "events.jsonl", Found(5, errors=1, agent="openhands")),
    "mini-swe-agent list": of(mini_swe_agent_list, "fern.traj.json", Found(4, tools=("bash",), agent="mini-swe-agent")),
    "swe-agent demonstration": of(swe_agent_demonstration, "fern.traj", Found(4, agent="swe-agent")),
    "tau2 spoken": of(tau2_spoken, "run", Found(5, reward=1.0, agent="a", model="m")),
    "verifiers graph": of(verifiers_graph, "traces.jsonl", Found(4, feedback="no judge")),
    "langfuse observations": of(langfuse_observations, "p", Found(4, reward=1.0, model="m")),
    "langfuse table": of(langfuse_table, "t.csv", TEXT_ONLY),
    "langsmith page": of(langsmith_page, "runs.json", Found(4, agent="gardener")),
    "otlp numbered": of(otlp_numbered, "otlp.json", Found(4, model="m")),
    "otlp events": of(otlp_events, "otlp.json", TEXT_ONLY),
    "otlp vercel": of(otlp_vercel, "otlp.json", Found(2, model="m")),
    "lm-eval choices": of(
        lm_eval_choices, "vendor__m/samples_garden_t.jsonl", Found(2, 1.0, (), model="vendor/m"),
        bad=("samples_garden_t.jsonl:2",),
    ),
    "promptfoo rows": of(
        promptfoo_rows, "rows.jsonl", Found(2, 1.0, model="m", answer=None), Found(2, 0.0, (), model="m")
    ),
    "excel": of(excel, "t.csv", Found(2, tools=(), model="m", answer='{"said": 1}')),
    "alpaca": of(alpaca, "t.jsonl", TEXT_ONLY, TEXT_ONLY, groups=2),
    "proxied": of(proxied, "log.jsonl", Found(4), Found(4), bad=("log.jsonl:2",)),
    "vercel page": of(vercel_page, "log.jsonl", Found(4), Found(4)),
    "google code": of(google_code, "log.jsonl", Found(4, tools=("code_execution",), errors=1)),
    "claude-code printed": of(claude_printed, "out.json", Found(4, agent="claude-code", model="m")),
    "lessons": of(lessons, "lessons.json", bad=("lessons.json/1",), groups=0),
    "copilot changes": of(copilot_changes, "chat.jsonl", Found(4, agent="copilot", model="m")),
}  # fmt: skip
