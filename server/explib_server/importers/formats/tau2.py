"""Results of τ²-bench: one file of simulations, an index with a file for each, or single simulations."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from explib.errors import InvalidInput
from explib_server.importers.paths import as_field, lookup, mapping, objects, text_at
from explib_server.importers.per_document import Document, PerDocument
from explib_server.importers.records import BadRecord, Draft, or_bad
from explib_server.importers.sources import Source


def _is_mine(document: Document, source: Source) -> bool:
    is_run = ("simulations" in document or "simulation_index" in document) and "info" in document
    return is_run or ("reward_info" in document and "task_id" in document and "messages" in document)


def _drafts(document: Document, position: str, source: Source) -> Iterator[Draft | BadRecord]:
    if "reward_info" in document:
        yield _draft(document, position, {})
        return
    for at, simulation in enumerate(_simulations(document, source)):
        where = f"{position}/{at}"
        yield or_bad(where, _draft, simulation, where, document)


def _simulations(run: Document, source: Source) -> Iterator[object]:
    inside = run.get("simulations")
    if isinstance(inside, list) and inside:
        yield from inside
        return
    for entry in objects(run.get("simulation_index")):
        yield source.beside(f"simulations/{entry.get('id')}.json")


def _draft(found: object, position: str, run: Document) -> Draft:
    simulation = mapping(found, "The simulation")
    if not isinstance(simulation.get("messages"), list):
        raise InvalidInput("The simulation has no messages: it broke off, or was spoken (ticks), which is not read.")
    task_id, domain = str(simulation.get("task_id")), text_at(run, "info.environment_info.domain_name")
    task = next((task for task in objects(run.get("tasks")) if str(task.get("id")) == task_id), {})
    model, ids = text_at(run, "info.agent_info.llm"), [simulation.get(name) for name in ("id", "task_id", "trial")]
    return Draft(
        trajectory=simulation["messages"],
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
