"""Small logs in every format, each with what a right importer finds in it: one short story told in many ways.

Somebody asks to water a plant; the agent reads a sensor, waters, and says so. A second attempt may fail.
"""

from __future__ import annotations

import json
import zipfile
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TypeAlias

Json: TypeAlias = "bool | int | float | str | Sequence[Json] | Mapping[str, Json] | None"
ASKED = "Water the fern."
DONE = "The fern is watered."


@dataclass(frozen=True, slots=True)
class Found:
    """What one attempt must be."""

    steps: int
    reward: float | None = None
    tools: tuple[str, ...] = ("read_sensor",)
    errors: int = 0
    model: str | None = None
    agent: str | None = None
    answer: str | None = DONE
    feedback: str | None = None


@dataclass(frozen=True, slots=True)
class Case:
    """A log: how it is written, what is given to the importer, and the attempts in it by their groups."""

    write: Callable[[Path], None]
    given: str
    found: tuple[Found, ...]
    groups: int = 1
    bad: tuple[str, ...] = ()


def lines(*documents: Json) -> str:
    return "\n".join(json.dumps(document) for document in documents)


def put(folder: Path, name: str, content: Json) -> None:
    path = folder / name
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(content if isinstance(content, str) else json.dumps(content, indent=1), encoding="utf-8")


def openai(result: str = "dry", said: str = DONE, **more: Json) -> list[Json]:
    call: Json = {"id": "c1", "type": "function", "function": {"name": "read_sensor", "arguments": '{"pot": 3}'}}
    return [
        {"role": "user", "content": ASKED},
        {"role": "assistant", "content": None, "tool_calls": [call]},
        {"role": "tool", "tool_call_id": "c1", "content": result, **more},
        {"role": "assistant", "content": said},
    ]


def chat(folder: Path) -> None:
    put(
        folder,
        "log.jsonl",
        lines({"messages": openai(), "reward": 1, "model": "m"}, {"messages": openai("Error: off")}),
    )


def responses(folder: Path) -> None:
    items: list[Json] = [
        {"role": "user", "content": ASKED},
        {"type": "reasoning", "summary": [{"type": "summary_text", "text": "sensor first"}]},
        {"type": "function_call", "call_id": "c1", "name": "read_sensor", "arguments": "{}"},
        {"type": "function_call_output", "call_id": "c1", "output": "dry"},
        {"type": "message", "role": "assistant", "content": [{"type": "output_text", "text": DONE}]},
    ]
    put(folder, "log.jsonl", lines({"input": items[:1], "output": items[1:], "model": "m", "reward": "pass"}))


def own(folder: Path) -> None:
    steps: Json = [{"thought": "look", "tool": "read_sensor", "args": {}, "result": "dry"}, DONE]
    put(
        folder, "log.jsonl", lines({"task": ASKED, "trajectory": steps, "reward": 0.5, "answer": DONE, "colour": "red"})
    )


def table(folder: Path) -> None:
    put(folder, "log.csv", f'prompt,response,score\n"{ASKED}",{DONE},pass\n"{ASKED}",{DONE},0\n')


def tau_bench(folder: Path) -> None:
    task: Json = {"instruction": ASKED, "actions": [{"name": "water"}], "outputs": []}
    trial: dict[str, Json] = {"task_id": 1, "reward": 1.0, "info": {"task": task}, "traj": openai()}
    put(folder, "log.json", [{**trial, "trial": 0}, {**trial, "trial": 1, "reward": 0.0}])


def tau2_simulation(number: int, reward: float) -> Json:
    messages: Json = [
        {"role": "user", "content": f"hello {number}", "turn_idx": 0, "cost": 0.1},
        {"role": "assistant", "content": None, "tool_calls": [{"id": "c1", "name": "read_sensor", "arguments": {},
                                                               "requestor": "assistant"}]},
        {"role": "tool", "id": "c1", "content": "no sensor", "requestor": "assistant", "error": True},
        {"role": "user", "content": None, "tool_calls": [{"id": "u1", "name": "open_window", "arguments": {},
                                                          "requestor": "user"}]},
        {"role": "tool", "id": "u1", "content": "opened", "requestor": "user", "error": False},
        {"role": "assistant", "content": DONE, "raw_data": {"secret": "noise"}},
    ]  # fmt: skip
    return {
        "id": f"s{number}",
        "task_id": "7",
        "trial": number,
        "messages": messages,
        "reward_info": {"reward": reward},
    }


def tau2_run() -> dict[str, Json]:
    info: Json = {"agent_info": {"implementation": "a", "llm": "m"}, "environment_info": {"domain_name": "garden"}}
    return {"timestamp": "t", "info": info, "tasks": [{"id": "7", "ticket": ASKED}]}


def tau2(folder: Path) -> None:
    put(folder, "results.json", {**tau2_run(), "simulations": [tau2_simulation(0, 1.0), tau2_simulation(1, 0.0)]})


def tau2_folder(folder: Path) -> None:
    put(folder, "run/results.json", {**tau2_run(), "simulation_index": [{"id": "s0"}, {"id": "s1"}]})
    put(folder, "run/simulations/s0.json", tau2_simulation(0, 1.0))
    put(folder, "run/simulations/s1.json", tau2_simulation(1, 0.0))


def inspect_sample(epoch: int, grade: Json) -> dict[str, Json]:
    messages: list[Json] = [
        {"role": "user", "content": "attachment://a1", "source": "input"},
        {"role": "assistant", "content": [{"type": "reasoning", "reasoning": "hm"}, {"type": "text", "text": "I."}],
         "tool_calls": [{"id": "c1", "function": "read_sensor", "arguments": {"pot": 3}, "type": "function"}]},
        {"role": "tool", "tool_call_id": "c1", "function": "read_sensor", "content": "", "error": {"message": "off"}},
        {"role": "assistant", "content": DONE, "model": "m"},
    ]  # fmt: skip
    scores: Json = None if grade is None else {"brief": {"value": 0.2}, "match": {"value": grade}}
    problem: dict[str, Json] = {"error": {"message": "TimeoutError()"}} if grade is None else {}
    return {"id": "fern", "epoch": epoch, "input": "attachment://a1", "messages": messages, "scores": scores,
            "attachments": {"a1": ASKED}, **problem}  # fmt: skip


INSPECT: dict[str, Json] = {"eval_id": "e", "task": "garden", "model": "m", "scorers": [{"name": "match"}]}


def inspect_json(folder: Path) -> None:
    samples: Json = [inspect_sample(epoch, grade) for epoch, grade in ((1, "C"), (2, "I"), (3, None))]
    put(folder, "log.json", {"version": 2, "eval": INSPECT, "plan": {}, "samples": samples})


def inspect_archive(folder: Path) -> None:
    with zipfile.ZipFile(folder / "log.eval", "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("header.json", json.dumps({"eval": INSPECT}))
        for epoch, grade in ((1, "C"), (2, "I"), (3, None)):
            archive.writestr(f"samples/fern_epoch_{epoch}.json", json.dumps(inspect_sample(epoch, grade)))


def langfuse(folder: Path) -> None:
    asked, called, result, said = openai("off")
    observations: Json = [
        {"type": "GENERATION", "startTime": "1", "model": "m", "input": [asked], "output": called},
        {"type": "TOOL", "startTime": "2", "name": "read_sensor", "output": "off", "level": "ERROR"},
        {
            "type": "GENERATION",
            "startTime": "3",
            "model": "m",
            "input": json.dumps([asked, called, result]),
            "output": said,
        },
    ]
    scores: Json = [{"name": "ok", "value": 1, "comment": "checked"}]
    put(folder, "traces.json", [{"id": "t1", "observations": observations, "scores": scores}])


def langsmith(folder: Path) -> None:
    message = ["langchain", "schema", "messages"]
    asked: Json = [[{"lc": 1, "type": "constructor", "id": [*message, "HumanMessage"], "kwargs": {"content": ASKED}}]]
    said: Json = {"lc": 1, "type": "constructor", "id": [*message, "AIMessage"], "kwargs": {"content": DONE}}
    root: Json = {"id": "r", "trace_id": "t", "run_type": "chain", "name": "gardener", "inputs": {}, "outputs": {},
                  "feedback_stats": {"ok": {"n": 1, "avg": 1.0}}, "dotted_order": "1"}  # fmt: skip
    model: Json = {"id": "l", "trace_id": "t", "parent_run_id": "r", "run_type": "llm", "dotted_order": "1.2",
                   "inputs": {"messages": asked}, "outputs": {"generations": [[{"message": said}]]},
                   "extra": {"metadata": {"ls_model_name": "m"}}}  # fmt: skip
    put(folder, "runs.jsonl", lines(model, root))


def attribute(key: str, value: Json) -> Json:
    return {"key": key, "value": {"stringValue": value if isinstance(value, str) else json.dumps(value)}}


def otlp(folder: Path) -> None:
    asked: Json = {"role": "user", "parts": [{"type": "text", "content": ASKED}]}
    called: Json = {"role": "assistant", "parts": [{"type": "tool_call", "id": "c1", "name": "read_sensor"}]}
    result: Json = {"role": "tool", "parts": [{"type": "tool_call_response", "id": "c1", "response": "off"}]}
    said: Json = {"role": "assistant", "parts": [{"type": "text", "content": DONE}]}
    grade: Json = [attribute("gen_ai.evaluation.name", "ok"), attribute("gen_ai.evaluation.score.value", "1")]
    spans: list[Json] = [
        {"traceId": "t", "name": "agent", "attributes": [attribute("gen_ai.agent.name", "gardener")],
         "events": [{"name": "gen_ai.evaluation.result", "attributes": grade}]},
        {"traceId": "t", "startTimeUnixNano": "3", "status": {"code": 2},
         "attributes": [attribute("gen_ai.tool.call.id", "c1")]},
        {"traceId": "t", "startTimeUnixNano": "4", "attributes": [
            attribute("gen_ai.request.model", "m"),
            attribute("gen_ai.input.messages", [asked, called, result]),
            attribute("gen_ai.output.messages", [said])]},
    ]  # fmt: skip
    put(folder, "otlp.jsonl", lines(*({"resourceSpans": [{"scopeSpans": [{"spans": [span]}]}]} for span in spans)))


def atif_document() -> Json:
    steps: Json = [
        {"step_id": 1, "source": "agent", "message": "side", "extra": {"is_sidechain": True}},
        {"step_id": 2, "source": "user", "message": ASKED},
        {"step_id": 3, "source": "agent", "message": "Executed read_sensor c1",
         "tool_calls": [{"tool_call_id": "c1", "function_name": "read_sensor", "arguments": {}}],
         "observation": {"results": [{"source_call_id": "c1", "content": "Error: off"}]}},
        {"step_id": 4, "source": "agent", "message": [{"type": "text", "text": DONE}], "metrics": {"cost": 1}},
    ]  # fmt: skip
    return {"schema_version": "ATIF-v1.6", "agent": {"name": "a", "model_name": "m"}, "steps": steps}


def atif(folder: Path) -> None:
    put(folder, "trajectory.json", atif_document())


def harbor(folder: Path) -> None:
    put(folder, "job/result.json", {"id": "j", "n_total_trials": 3, "stats": {}})
    trials: tuple[tuple[str, Json, Json], ...] = (
        ("a__1", None, {"exception_type": "AgentTimeoutError", "exception_message": "900 s"}),
        ("a__2", {"rewards": {"reward": 1.0}}, None),
        ("b__3", None, {"exception_type": "RuntimeError", "exception_message": "no container"}),
    )
    for name, verified, problem in trials:
        result: Json = {"id": f"id-{name}", "task_name": name[0], "trial_name": name, "task_checksum": f"sum-{name[0]}",
                        "agent_info": {"name": "a", "model_info": {"name": "m"}}, "verifier_result": verified,
                        "exception_info": problem}  # fmt: skip
        put(folder, f"job/{name}/result.json", result)
        if name != "b__3":
            put(folder, f"job/{name}/agent/trajectory.json", atif_document())


def swe_agent(folder: Path) -> None:
    history: Json = [
        {"role": "system", "content": "You mend."},
        {"role": "user", "content": "an example", "is_demo": True},
        {"role": "user", "content": ASKED},
        {
            "role": "assistant",
            "content": "I look.\n```\nread_sensor 3\n```",
            "thought": "I look.",
            "action": "read_sensor 3",
        },
        {"role": "user", "content": "dry"},
        {"role": "assistant", "content": DONE},
    ]
    steps: Json = [{"action": "read_sensor 3", "observation": "dry", "response": "I look.", "thought": "I look."}]
    replay = json.dumps({"agent": {"model": {"name": "m"}}, "problem_statement": {"id": "fern-1", "text": ASKED}})
    put(folder, "run/fern-1/fern-1.traj", {"trajectory": steps, "history": history, "replay_config": replay,
                                           "info": {"exit_status": "submitted"}})  # fmt: skip
    put(folder, "run/results.json", {"resolved_ids": ["fern-1"], "unresolved_ids": []})


def mini_swe_agent(folder: Path) -> None:
    messages: Json = [
        {"role": "user", "content": ASKED},
        {"role": "assistant", "content": "I look.\n```bash\ncat pot\n```", "extra": {"cost": 1}},
        {"role": "user", "content": "<returncode>1</returncode>\n<output>none</output>"},
        {"role": "assistant", "content": DONE, "extra": {"response": {"choices": []}}},
        {"role": "exit", "content": "diff"},
    ]
    info: Json = {"config": {"model": {"model_name": "m"}}, "mini_version": "1.0", "submission": "diff"}
    put(folder, "run/fern-1.traj.json", {"info": info, "messages": messages, "instance_id": "fern-1"})


def openhands(folder: Path) -> None:
    called: Json = {"function_name": "read_sensor", "tool_call_id": "c1"}
    history: Json = [
        {"id": 0, "source": "user", "action": "message", "args": {"content": ASKED}},
        {"id": 1, "source": "user", "action": "recall", "args": {}},
        {"id": 2, "source": "agent", "action": "run", "args": {"command": "cat", "thought": "I look."},
         "tool_call_metadata": called},
        {"id": 3, "source": "agent", "observation": "run", "content": "none", "cause": 2,
         "extras": {"metadata": {"exit_code": 1}}, "tool_call_metadata": called},
        {"id": 4, "source": "agent", "action": "finish", "args": {"final_thought": DONE}},
    ]  # fmt: skip
    document: Json = {"instance_id": "fern-1", "instruction": ASKED, "history": history,
                      "metadata": {"agent_class": "CodeAct", "llm_config": {"model": "m"}},
                      "test_result": {"report": {"resolved": True}}}  # fmt: skip
    put(folder, "output.jsonl", lines(document))


def verifiers(folder: Path) -> None:
    row: dict[str, Json] = {"example_id": 3, "prompt": openai()[:1], "completion": openai()[1:], "task": "garden",
                            "answer": "dry"}  # fmt: skip
    put(folder, "out/results.jsonl", lines({**row, "reward": 1.0}, {**row, "reward": 0.0}))
    put(folder, "out/metadata.json", {"env_id": "garden", "model": "m"})


def verifiers_traces(folder: Path) -> None:
    rewards: Json = {"right": {"score": 1.0, "weight": 0.5}, "brief": {"score": 0.5, "weight": 0.5}}
    trace: Json = {"id": "x", "task": {"hash": "h", "data": {"prompt": ASKED}}, "nodes": openai(), "rewards": rewards,
                   "calls": [{"model": "m"}]}  # fmt: skip
    put(folder, "traces.jsonl", lines({"group": {"id": "g"}, "traces": [trace]}))


def promptfoo(folder: Path) -> None:
    row: dict[str, Json] = {"promptIdx": 0, "testIdx": 0, "vars": {"pot": 3}, "provider": {"id": "m"},
                            "prompt": {"raw": ASKED}, "response": {"output": DONE}}  # fmt: skip
    good: Json = {**row, "score": 1.0, "gradingResult": {"reason": "fine"}}
    bad: Json = {**row, "score": 0.0, "gradingResult": {"reason": "no"}}
    put(folder, "results.json", {"evalId": "e", "results": {"results": [good, bad]}})


def lm_eval(folder: Path) -> None:
    row: dict[str, Json] = {"doc_id": 0, "doc": {}, "target": "x", "arguments": {"gen_args_0": {"arg_0": ASKED}},
                            "resps": [[DONE]], "filtered_resps": [DONE], "metrics": ["exact"],
                            "exact,none": 1.0}  # fmt: skip
    put(folder, "samples_garden_t.jsonl", lines(row, {**row, "filter": "other"}))


def sharegpt(folder: Path) -> None:
    call = json.dumps({"name": "read_sensor", "arguments": {}})
    said: Json = [{"from": "human", "value": ASKED}, {"from": "function_call", "value": call},
                  {"from": "observation", "value": "dry"}, {"from": "gpt", "value": DONE}]  # fmt: skip
    put(folder, "log.jsonl", lines({"conversations": said, "reward": True}))


def agentbench(folder: Path) -> None:
    said: Json = [{"role": "user", "content": "You have a shell."}, {"role": "agent", "content": "OK."},
                  {"role": "user", "content": ASKED}, {"role": "agent", "content": DONE}]  # fmt: skip
    run: Json = {"index": 1, "error": None, "time": {}, "output": {"status": "completed", "result": {"result": True},
                                                                   "history": said}}  # fmt: skip
    put(folder, "m/os/runs.jsonl", lines(run, {"index": 2, "error": "NETWORK", "time": {}, "output": None}))


def claude_code(folder: Path) -> None:
    shared: dict[str, Json] = {"sessionId": "s", "cwd": "/home/you/garden", "isSidechain": False}

    def line(uuid: str, parent: str | None, kind: str, content: Json, **more: Json) -> Json:
        message: dict[str, Json] = {"role": kind, "content": content}
        if kind == "assistant":
            message |= {"model": "m", "id": "m1" if uuid in ("2", "3") else uuid}
        return {**shared, "uuid": uuid, "parentUuid": parent, "type": kind, "message": message, **more}

    result: Json = [{"type": "tool_result", "tool_use_id": "c1", "content": "off", "is_error": True}]
    put(folder, "s.jsonl", lines(
        {"type": "summary", "summary": "Plants", "leafUuid": "5"},
        line("0", None, "user", "<command-name>/model</command-name>"),
        line("1", "0", "user", ASKED),
        line("2", "1", "assistant", [{"type": "thinking", "thinking": "hm"}]),
        line("3", "2", "assistant", [{"type": "tool_use", "id": "c1", "name": "read_sensor", "input": {}}]),
        line("4", "3", "user", result),
        line("x", "3", "assistant", [{"type": "text", "text": "taken back"}]),
        line("y", "4", "assistant", [{"type": "text", "text": "side"}], isSidechain=True),
        line("5", "4", "assistant", [{"type": "text", "text": DONE}]),
        line("6", "5", "user", "Now the ivy."),
        line("7", "6", "assistant", [{"type": "text", "text": "The ivy too."}]),
        line("8", "7", "user", "[Request interrupted by user]"),
    ))  # fmt: skip


def codex(folder: Path) -> None:
    def item(payload: Json) -> Json:
        return {"timestamp": "t", "type": "response_item", "payload": payload}

    def words(role: str, text: str) -> Json:
        return item({"type": "message", "role": role, "content": [{"type": "input_text", "text": text}]})

    put(folder, "rollout-t-s.jsonl", lines(
        {"timestamp": "t", "type": "session_meta", "payload": {"id": "s", "cwd": "/home/you/garden"}},
        {"timestamp": "t", "type": "turn_context", "payload": {"model": "m"}},
        words("developer", "lessons of ours"),
        words("user", "<environment_context>\n</environment_context>"),
        words("user", ASKED),
        {"timestamp": "t", "type": "event_msg", "payload": {"type": "user_message", "message": ASKED}},
        item({"type": "reasoning", "summary": [], "encrypted_content": "x"}),
        item({"type": "function_call", "name": "read_sensor", "arguments": "{}", "call_id": "c1"}),
        item({"type": "function_call_output", "call_id": "c1",
              "output": json.dumps({"output": "none", "metadata": {"exit_code": 2}})}),
        words("assistant", DONE),
    ))  # fmt: skip


def gemini_messages() -> list[Json]:
    call: dict[str, Json] = {"id": "c1", "name": "read_sensor", "args": {}}
    result: Json = [{"functionResponse": {"response": {"error": "off"}}}]
    return [
        {"id": "1", "type": "user", "content": ASKED},
        {"id": "2", "type": "info", "content": "tip of the day"},
        {"id": "3", "type": "gemini", "content": "I look.", "model": "m",
         "thoughts": [{"subject": "a", "description": "b"}],
         "toolCalls": [{**call, "status": "error", "result": result}]},
        {"id": "4", "type": "gemini", "content": DONE, "model": "m"},
    ]  # fmt: skip


def gemini(folder: Path) -> None:
    put(folder, "session-t-s.json", {"sessionId": "s", "projectHash": "h", "messages": gemini_messages()})


def gemini_lines(folder: Path) -> None:
    asked, info, called, said = gemini_messages()
    early: Json = {"id": "3", "type": "gemini", "content": "I look.", "toolCalls": []}
    put(folder, "session-t-s.jsonl", lines({"sessionId": "s", "projectHash": "h"}, asked, info, early, called, said))


def opencode_parts() -> tuple[Json, Json]:
    tool: Json = {"type": "tool", "callID": "c1", "tool": "read_sensor",
                  "state": {"status": "error", "input": {}, "error": "off"}}  # fmt: skip
    asked: Json = [
        {"id": "p1", "type": "text", "text": ASKED},
        {"id": "p2", "type": "text", "text": "<f>", "synthetic": True},
    ]
    answered: Json = [
        {"type": "step-start"},
        tool,
        {"type": "step-start"},
        {"type": "text", "text": DONE},
        {"type": "patch"},
    ]
    return asked, answered


def opencode(folder: Path) -> None:
    asked, answered = opencode_parts()
    put(folder, "ses.json", {"info": {"id": "ses", "directory": "/home/you/garden"}, "messages": [
        {"info": {"id": "m1", "role": "user"}, "parts": asked},
        {"info": {"id": "m2", "role": "assistant", "modelID": "m"}, "parts": answered}]})  # fmt: skip


def opencode_storage(folder: Path) -> None:
    put(folder, "storage/session/p/ses.json", {"id": "ses", "projectID": "p", "directory": "/home/you/garden"})
    for number, (role, parts) in enumerate(zip(("user", "assistant"), opencode_parts(), strict=True)):
        info: Json = {"id": f"m{number}", "sessionID": "ses", "role": role, "modelID": "m"}
        put(folder, f"storage/message/ses/m{number}.json", info)
        for at, part in enumerate(parts if isinstance(parts, list) else ()):
            assert isinstance(part, dict)
            stored: Json = {**part, "id": f"p{number}{at}", "sessionID": "ses"}
            put(folder, f"storage/part/m{number}/p{at}.json", stored)


def copilot(folder: Path) -> None:
    rounds: Json = [{"response": "I look.", "toolCalls": [{"id": "c1", "name": "read_sensor", "arguments": "{}"}]}]
    results: Json = {"c1": {"content": [{"kind": "text", "value": "dry"}]}}
    request: Json = {"requestId": "r", "message": {"text": ASKED}, "modelId": "m", "vote": 1,
                     "response": [{"value": "I look."}, {"kind": "progress"}, {"value": DONE}],
                     "result": {"metadata": {"toolCallRounds": rounds, "toolCallResults": results}}}  # fmt: skip
    put(folder, "chat.json", {"responderUsername": "GitHub Copilot", "sessionId": "s", "requests": [request]})


def copilot_events(folder: Path) -> None:
    put(folder, "s/events.jsonl", lines(
        {"type": "session.start", "data": {"context": {"cwd": "/home/you/garden"}}},
        {"type": "user.message", "id": "1", "data": {"content": ASKED}},
        {"type": "assistant.message", "data": {"content": "", "toolRequests": [
            {"toolCallId": "c1", "name": "read_sensor", "arguments": {}}]}},
        {"type": "tool.execution_complete", "data": {"toolCallId": "c1", "success": False,
                                                     "result": {"content": "off"}}},
        {"type": "assistant.message", "data": {"content": DONE}},
    ))  # fmt: skip


FAILED = {"errors": 1, "model": "m"}
INSPECTED = (Found(4, 1.0, errors=1, model="m"), Found(4, 0.0, errors=1, model="m"),
             Found(4, None, errors=1, model="m", feedback="TimeoutError()"))  # fmt: skip
TAU2 = (Found(6, 1.0, errors=1, model="m", agent="a"), Found(6, 0.0, errors=1, model="m", agent="a"))
CASES: dict[str, Case] = {
    "chat": Case(chat, "log.jsonl", (Found(4, 1.0, model="m"), Found(4, errors=1))),
    "responses": Case(responses, "log.jsonl", (Found(4, 1.0, model="m"),)),
    "explib": Case(own, "log.jsonl", (Found(3, 0.5),)),
    "table": Case(table, "log.csv", (Found(2, 1.0, ()), Found(2, 0.0, ()))),
    "tau-bench": Case(tau_bench, "log.json", (Found(4, 1.0), Found(4, 0.0))),
    "tau2": Case(tau2, "results.json", TAU2),
    "tau2 folder": Case(tau2_folder, "run", TAU2),
    "inspect": Case(inspect_json, "log.json", INSPECTED),
    "inspect archive": Case(inspect_archive, "log.eval", INSPECTED),
    "langfuse": Case(langfuse, "traces.json", (Found(4, 1.0, errors=1, model="m", feedback="checked"),)),
    "langsmith": Case(langsmith, "runs.jsonl", (Found(2, 1.0, (), model="m", agent="gardener"),)),
    "otlp": Case(otlp, "otlp.jsonl", (Found(4, 1.0, errors=1, model="m", agent="gardener"),)),
    "atif": Case(atif, "trajectory.json", (Found(4, errors=1, model="m", agent="a"),)),
    "harbor": Case(
        harbor,
        "job",
        (Found(4, 1.0, errors=1, model="m", agent="a"),
         Found(4, errors=1, model="m", agent="a", feedback="AgentTimeoutError: 900 s")),
        bad=("b__3",),
    ),
    "swe-agent": Case(
        swe_agent, "run", (Found(5, 1.0, model="m", agent="swe-agent", feedback="submitted"),)
    ),
    "mini-swe-agent": Case(
        mini_swe_agent, "run", (Found(4, None, ("bash",), 1, "m", "mini-swe-agent", "diff"),)
    ),
    "openhands": Case(openhands, "output.jsonl", (Found(4, 1.0, errors=1, model="m", agent="CodeAct"),)),
    "verifiers": Case(verifiers, "out/results.jsonl", (Found(4, 1.0, model="m"), Found(4, 0.0, model="m"))),
    "verifiers traces": Case(verifiers_traces, "traces.jsonl", (Found(4, 0.75, model="m"),)),
    "promptfoo": Case(
        promptfoo, "results.json",
        (Found(2, 1.0, (), model="m", feedback="fine"), Found(2, 0.0, (), model="m", feedback="no")),
    ),
    "lm-eval": Case(lm_eval, "samples_garden_t.jsonl", (Found(2, 1.0, ()),)),
    "sharegpt": Case(sharegpt, "log.jsonl", (Found(4, 1.0),)),
    "agentbench": Case(agentbench, "m/os/runs.jsonl", (Found(4, 1.0, (), model="m"),), bad=("runs.jsonl:2",)),
    "claude-code": Case(
        claude_code, "s.jsonl",
        (Found(4, errors=1, model="m", agent="claude-code"),
         Found(2, 0.0, (), model="m", agent="claude-code", answer="The ivy too.",
               feedback="The person interrupted the agent.")),
        groups=2,
    ),
    "codex": Case(codex, "rollout-t-s.jsonl", (Found(4, errors=1, model="m", agent="codex"),)),
    "gemini": Case(gemini, "session-t-s.json", (Found(4, errors=1, model="m", agent="gemini-cli"),)),
    "gemini lines": Case(gemini_lines, "session-t-s.jsonl", (Found(4, errors=1, model="m", agent="gemini-cli"),)),
    "opencode": Case(opencode, "ses.json", (Found(4, errors=1, model="m", agent="opencode"),)),
    "opencode storage": Case(opencode_storage, "storage", (Found(4, errors=1, model="m", agent="opencode"),)),
    "copilot": Case(copilot, "chat.json", (Found(4, model="m", agent="copilot"),)),
    "copilot events": Case(copilot_events, "s/events.jsonl", (Found(4, errors=1, agent="copilot"),)),
}  # fmt: skip
