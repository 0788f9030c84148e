"""Results of verifiers and prime-rl: `results.jsonl` of rollouts, `traces.jsonl` of episodes."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from explib.errors import InvalidInput
from explib_server.importers.paths import as_field, lookup, objects, text_at
from explib_server.importers.per_document import Document, PerDocument
from explib_server.importers.records import BadRecord, Draft, or_bad
from explib_server.importers.sources import Source

_METADATA = "metadata.json"


def _is_mine(document: Document, source: Source) -> bool:
    is_rollout = "example_id" in document and "prompt" in document and "completion" in document
    traces = objects(document.get("traces"))
    return is_rollout or (bool(traces) and "nodes" in traces[0])


def _drafts(document: Document, position: str, source: Source) -> Iterator[Draft | BadRecord]:
    if "traces" not in document or "completion" in document:
        yield _rollout(document, position, source)
        return
    for at, trace in enumerate(objects(document["traces"])):
        yield or_bad(f"{position}/{at}", _trace, trace, f"{position}/{at}", document)


def _rollout(document: Document, position: str, source: Source) -> Draft:
    """One rollout: `task` is the environment's name, `answer` the right one."""
    asked = _messages(document.get("prompt"), "user")
    metadata = source.companion(_METADATA)
    environment = as_field(lookup(metadata, "env_id")) or text_at(document, "task")
    return Draft(
        trajectory=[*asked, *_messages(document.get("completion"), "assistant")],
        position=position,
        document=document,
        task=_last_request(asked),
        ground_truth=text_at(document, "answer"),
        feedback=text_at(document, "error"),
        reward=document.get("reward"),
        group=f"verifiers:{environment}:{document.get('example_id')}",
        model=as_field(lookup(metadata, "model")) or text_at(document, "model"),
        names=(str(document.get("example_id")),),
    )


def _messages(value: object, role: str) -> list[object]:
    return value if isinstance(value, list) else [{"role": role, "content": as_field(value)}]


def _last_request(messages: list[object]) -> str | None:
    asked = [message for message in objects(messages) if message.get("role") == "user"]
    content = asked[-1].get("content") if asked else None
    if isinstance(content, list):
        content = "\n".join(str(part.get("text")) for part in objects(content) if part.get("text"))
    return as_field(content)


def _trace(trace: Document, position: str, episode: Document) -> Draft:
    """One trace of an episode: its nodes are the messages, its reward the sum of score times weight."""
    nodes = [node.get("message", node) for node in _path(objects(trace.get("nodes")))]
    rewards, agent = trace.get("rewards"), text_at(trace, "agent.name")
    task, group = lookup(trace, "task.data.prompt"), lookup(episode, "group.id")
    same = text_at(trace, "task.hash") or text_at(trace, "task.key") or as_field(group)
    remarks = [text_at(error, "message") for error in objects(trace.get("errors"))]
    return Draft(
        trajectory=nodes,
        position=position,
        document=trace,
        trial=f"verifiers:{trace['id']}" if trace.get("id") else None,
        task=_last_request(task) if isinstance(task, list) else as_field(task),
        reward=_weighted(rewards) if isinstance(rewards, Mapping) else trace.get("reward"),
        feedback="\n".join(remark for remark in remarks if remark) or text_at(trace, "error"),
        group=f"verifiers:{same}:{agent}" if same and agent else f"verifiers:{same}" if same else None,
        agent=agent,
        model=as_field(lookup(trace, "calls[0].model")),
        names=(str(trace.get("id")),),
    )


def _path(nodes: list[Document]) -> list[Document]:
    """The last branch from the first node on: the others are side agents', or what was said before a compaction."""
    parents = [node.get("parent") for node in nodes]
    if all(parent is None for parent in parents):
        return nodes
    reached, path = {0}, list[Document]()
    for at, parent in enumerate(parents):
        if isinstance(parent, int) and parent < at and parent in reached:
            reached.add(at)
    leaf: object = max(reached)
    while isinstance(leaf, int):
        path.append(nodes[leaf])
        leaf = parents[leaf] if leaf else None
    return path[::-1]


def _weighted(rewards: Document) -> float | None:
    """The sum; None where the scoring did not run."""
    total, is_graded = 0.0, False
    for value in rewards.values():
        part = value if isinstance(value, Mapping) else {"score": value}
        score, weight = part.get("score"), part.get("weight", 1.0)
        if score is None:
            continue
        if not (isinstance(score, int | float) and isinstance(weight, int | float)):
            raise InvalidInput("rewards hold something else than numbers: each is {score, weight}.")
        total, is_graded = total + score * weight, True
    return total if is_graded else None


FORMAT = PerDocument("verifiers", _is_mine, _drafts)
