"""Results of τ²-bench: one file of simulations, a folder with a file for each, or single simulations."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import TypeAlias

from explib.errors import InvalidInput
from explib_server.importers.paths import as_field, lookup, mapping, objects, text_at
from explib_server.importers.per_document import Document, PerDocument
from explib_server.importers.records import BadRecord, Draft, or_bad
from explib_server.importers.sources import Source

_RUN = "results.json"
_MARKUP = re.compile(r"<[^>]{1,200}>")
"""What stands around the words of a script for a voice."""
_SIDES = (("user", "user"), ("agent", "assistant"))
_Messages: TypeAlias = list[Mapping[str, object]]


def _is_mine(document: Document, source: Source) -> bool:
    has_simulations = "simulations" in document or "simulation_index" in document
    is_run = "info" in document and (has_simulations or lookup(document, "info.agent_info") is not None)
    return is_run or _is_simulation(document)


def _is_simulation(document: Document) -> bool:
    return (
        "task_id" in document and "termination_reason" in document and ("messages" in document or "ticks" in document)
    )


def _drafts(document: Document, position: str, source: Source) -> Iterator[Draft | BadRecord]:
    if _is_simulation(document):
        run = source.companion(f"../{_RUN}")
        yield _draft(document, position, run if isinstance(run, Mapping) else {})
        return
    for at, simulation in enumerate(_simulations(document, source)):
        where = f"{position}/{at}"
        yield or_bad(where, _draft, simulation, where, document)


def _simulations(run: Document, source: Source) -> Iterator[object]:
    inside = run.get("simulations")
    if isinstance(inside, list) and inside:
        yield from inside
        return
    named = [f"{entry.get('id')}.json" for entry in objects(run.get("simulation_index"))]
    folder = source.path.parent / "simulations"
    names = named or sorted(path.name for path in folder.glob("*.json"))
    if not names:
        raise InvalidInput("The run has no simulations, and no folder of them stands beside it.")
    for name in names:
        yield source.beside(f"simulations/{Path(name).name}")


def _draft(found: object, position: str, run: Document) -> Draft:
    simulation = mapping(found, "The simulation")
    messages = _written(simulation.get("messages")) or _spoken(objects(simulation.get("ticks")))
    if not messages:
        raise InvalidInput("The simulation has no messages: it broke off, or its ticks hold sound and no words.")
    task_id, domain = str(simulation.get("task_id")), text_at(run, "info.environment_info.domain_name")
    task = next((task for task in objects(run.get("tasks")) if str(task.get("id")) == task_id), {})
    model, ids = text_at(run, "info.agent_info.llm"), [simulation.get(name) for name in ("id", "task_id", "trial")]
    return Draft(
        trajectory=messages,
        position=position,
        document=simulation,
        trial=f"tau2:{run.get('timestamp')}:{domain}:{model}:{ids}" if run else None,
        task=text_at(task, "ticket") or _instructions(task),
        reward=lookup(simulation, "reward_info.reward"),
        ground_truth=as_field(lookup(task, "evaluation_criteria.actions")),
        feedback=_ending(simulation),
        group=f"tau2:{domain or ''}:{task_id}",
        agent=text_at(run, "info.agent_info.implementation"),
        model=model,
        names=(str(simulation.get("id")), task_id),
    )


def _written(messages: object) -> _Messages:
    """The messages, those apart that hold the results of several calls."""
    items = objects(messages)
    return [each for item in items for each in (objects(item.get("tool_messages")) or [item])]


def _spoken(ticks: list[Document]) -> _Messages:
    """The messages of a spoken run: what each side says until the other one speaks alone, and calls with results."""
    said: _Messages = []
    words: dict[str, str] = {}
    utterances: dict[str, object] = {}

    def settle() -> None:
        said.extend({"role": role, "content": text.strip()} for role, text in words.items() if text.strip())
        words.clear()

    for tick in ticks:
        heard = {role: _words(tick.get(f"{side}_chunk")) for side, role in _SIDES}
        speaking = [role for role, text in heard.items() if text]
        if len(speaking) == 1 and words and list(words)[-1] != speaking[0]:
            settle()
        for side, role in _SIDES:
            utterance = lookup(tick, f"{side}_chunk.utterance_ids")
            if heard[role]:
                between = " " if role in words and utterance != utterances.get(role) else ""
                words[role] = words.get(role, "") + between + heard[role]
                utterances[role] = utterance
        for side, role in _SIDES:
            calls = tick.get(f"{side}_tool_calls")
            if calls:
                settle()
                said.append({"role": role, "content": None, "tool_calls": calls})
            said.extend(objects(tick.get(f"{side}_tool_results")))
    settle()
    return said


def _words(chunk: object) -> str:
    """The text of a piece of speech; of a simulated user it may stand in the script only."""
    text = lookup(chunk, "content") or lookup(chunk, "audio_script_gold")
    return _MARKUP.sub("", text) if isinstance(text, str) else ""


def _instructions(task: Document) -> str | None:
    """What the simulated user was told."""
    told = lookup(task, "user_scenario.instructions")
    if isinstance(told, Mapping):
        names = ("reason_for_call", "known_info", "task_instructions")
        return "\n".join(str(told[name]) for name in names if told.get(name)) or None
    return as_field(told)


def _ending(simulation: Document) -> str | None:
    reason = text_at(simulation, "termination_reason")
    return None if reason in (None, "user_stop", "agent_stop") else f"ended by {reason}"


FORMAT = PerDocument("tau2", _is_mine, _drafts)
