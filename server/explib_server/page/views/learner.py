"""Learner: what it does now, what it waits for, what it spent, what it refused, and what it knows of decisions."""

from __future__ import annotations

from collections import Counter
from dataclasses import asdict

from explib.models.decisions import CodebookEntry
from explib.models.libraries import Library
from explib.storage.revisions.proposal import AUTOMATIC
from explib.storage.store import Store
from explib_learner.worker import lease_name
from explib_server.application import Application
from explib_server.auth.callers import current_caller
from explib_server.page.ask import Ask, Fields
from explib_server.page.views.practice import runs
from explib_server.practice.prices import usd_of
from explib_server.render.bounds import commonest
from explib_server.render.heartbeat import heartbeat
from explib_server.render.times import DAY

SPENT_DAYS = 28
CURVE_DAYS = 90
SHOWN_REFUSALS = 30
MOST_REVISIONS = 200
"""Of a day."""
_STATES = ("believed", "candidate", "one of", "unknown")


async def learner(application: Application, library: Library, ask: Ask) -> Fields:
    """The view; `after` passes over decisions of the codebook, `show` keeps those of one state."""
    store, settings = application.store, application.settings
    now = store.clock()
    overview = await store.libraries.overview(library)
    activity = await store.measures.activity(library)
    holder = await store.leases.holder(lease_name(library))
    entries = await store.codebooks.entries(library)
    start = ask.number("after", 0)
    chosen = sorted((each for each in entries if ask.show in {"", _state(each)}), key=_rank)
    return {
        "now": now,
        "analyst": settings.chosen_analyst(),
        "model": settings.model_name if settings.chosen_analyst() == "model" else "",
        "holder": None if holder is None else holder.holder,
        "learned_at": activity.learned_at,
        "looked_at": activity.looked_at,
        "today": await _today(store, library, now),
        "pulse": [asdict(pulse) for pulse in heartbeat(activity, now) if pulse.name in {"learned", "refused"}],
        "groups": overview.groups,
        "reasons": commonest(overview.reasons),
        "refusals": [
            {"kind": each.operation.kind, "content": each.operation.content or "", "reason": each.reason}
            for each in await store.revisions.refusals(library, SHOWN_REFUSALS)
        ],
        "spent": await _spent(application, now),
        "limit": settings.token_budget_per_day,
        "runs": await runs(application, library),
        "curve": [asdict(each) for each in await store.attempts.by_day(library, now - CURVE_DAYS * DAY)],
        "reward_min": library.settings.reward_min,
        "reward_max": library.settings.reward_max,
        "states": {state: sum(_state(each) == state for each in entries) for state in _STATES},
        "total": len(chosen),
        "start": start,
        "decisions": [_decision(each) for each in chosen[start : start + ask.limit]],
    }


async def _today(store: Store, library: Library, now: float) -> Fields:
    """What was learned, and taken back by rewards, since the day (UTC) began."""
    newest = await store.revisions.history(library, MOST_REVISIONS)
    made = [each for each in newest if each.author in AUTOMATIC and each.created_at >= now - now % DAY]
    kinds = Counter(change.operation.kind for each in made for change in each.changes)
    return {
        "revisions": len(made),
        "added": kinds["ADD"],
        "changed": kinds["MODIFY"] + kinds["MERGE"],
        "removed": kinds["DELETE"],
        "refused": sum(len(each.refusals) for each in made),
    }


async def _spent(application: Application, now: float) -> list[Fields] | None:
    """Tokens and money by day and step; None for who does not reach every library, since all share the model."""
    if current_caller().libraries is not None:
        return None
    spent = await application.store.model_calls.by_day(now - SPENT_DAYS * DAY)
    return [{**asdict(each), "usd": usd_of(each.model, each.prompt_tokens, each.completion_tokens)} for each in spent]


def _state(entry: CodebookEntry) -> str:
    return "unknown" if entry.verdict is None else entry.verdict.state


def _rank(entry: CodebookEntry) -> tuple[int, float]:
    inclusion = 0.0 if entry.verdict is None else entry.verdict.inclusion
    return _STATES.index(_state(entry)), -inclusion


def _decision(entry: CodebookEntry) -> Fields:
    decision, verdict = entry.decision, entry.verdict
    return {
        "id": decision.id,
        "situation": decision.situation,
        "source": decision.source,
        "options": [{"letter": each.letter, "text": each.text} for each in decision.options],
        "verdict": None if verdict is None else asdict(verdict),
    }
