from __future__ import annotations

import json
from dataclasses import replace

import pytest
from learner.model_cases import attempt, batch_of, decision, decisions, graded, parts_on
from learner.scripted_endpoint import answers, text_of

from explib.models.decisions import CodebookEntry
from explib.models.groups import GroupAttempts
from explib.models.json_value import Json
from explib.models.trajectories import Attempt, Step, ToolCall
from explib_learner.analysis import Analyser
from explib_learner.analyst import Analyst, Batch
from explib_learner.grammar.catalogue import FAMILIES
from explib_learner.grammar.keys import Condition, Predicate, Test, predicate_of
from explib_learner.grammar.namer import GrammarParts
from explib_learner.grammar.reading import ARGUMENT, Reading
from explib_learner.grammar.trace import trace_of
from explib_learner.model.cuts import cuts_of
from explib_learner.model.predicates import decision_in_code

CHECKED = Predicate("before", ("check", "ship"), Test("is", True))


def shipped(
    number: int, reward: float, *, checked: bool = True, weight: float = 1.0, group: str | None = None
) -> Attempt:
    """Look an order up, check its stock or not, ship it."""
    name = f"l{number:03d}"
    order: Json = {"order": {"id": f"O-{number}", "total": 10.0 * number, "kind": "gift" if number % 2 else "own"}}
    acts: list[tuple[str, dict[str, Json], Json]] = [("find", {"id": f"O-{number}"}, order)]
    acts += [("check", {"id": f"O-{number}"}, "in stock")] if checked else []
    acts += [("ship", {"id": f"O-{number}", "weight": weight}, "sent")]
    steps: list[Step] = []
    for at, (tool, arguments, answer) in enumerate(acts):
        steps.append(Step("assistant", "", (ToolCall(f"c{at}", tool, arguments),)))
        steps.append(Step("tool", json.dumps(answer), answers_call=f"c{at}"))
    made = attempt(name, reward, group=group or name, at=float(number))
    return replace(made, steps=(*made.steps, *steps))


def lone(number: int, reward: float, *, checked: bool = True, weight: float = 1.0) -> GroupAttempts:
    return graded(shipped(number, reward, checked=checked, weight=weight))


READINGS = [Reading(trace_of(shipped(at, 0.0, checked=at % 3 > 0, weight=float(at)))) for at in range(12)]


@pytest.mark.parametrize(
    ("text", "predicate"),
    [
        ("before(check, ship)", CHECKED),
        ("`before(check, ship)`", CHECKED),
        ("value(ship, weight) >= ?", Predicate("value", ("ship", "weight"), Test("least", "?"))),
        ("value(ship, weight) < 4", Predicate("value", ("ship", "weight"), Test("least", 4.0))),
        ("ends(last) = 'ship'", None),
        ("copied(ship, id, field(find, id)) = same", None),
        (
            "before(check, ship) if field(find, kind) = gift",
            replace(CHECKED, condition=Condition(("field", "find", "order.kind"), Test("is", "gift"))),
        ),
        (
            "before(check, ship) if field(find, total) >= ?",
            replace(CHECKED, condition=Condition(("field", "find", "order.total"), Test("least", "?"))),
        ),
    ],
)
def test_predicates_are_read_as_they_are_written(text: str, predicate: Predicate | None) -> None:
    if predicate is None:  # it never varies here: nothing was to be learned by it
        with pytest.raises(ValueError, match="never varies"):
            decision_in_code(text, "model", READINGS)
        return
    named = decision_in_code(text, "agent", READINGS)
    assert (predicate_of(named.key), named.source, named.id) == (predicate, "agent", named.key)


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("it checks first", "has not the form"),
        ("sooner(check, ship)", "no family"),
        ("before(check)", "other names"),
        ("before(check, ship, find)", "other names"),
        ("value(ship, weight) > 3", "must end"),
        ("value(ship, weight) = ?", "only a bound"),
        ("value(ship, weight) = [1]", "no value"),
        ("before(weigh, ship)", "never varies"),
        ("value(ship, height) >= ?", "never varies"),
        ("before(check, ship", "has not the form"),
    ],
)
def test_what_is_no_predicate_is_refused_with_the_reason(text: str, reason: str) -> None:
    with pytest.raises(ValueError, match=reason):
        decision_in_code(text, "model", READINGS)


async def test_a_contrasted_decision_with_a_predicate_has_its_letters_by_code() -> None:
    options: list[Json] = [
        {"does": "ship at once", "attempts": ["A2"]},
        {"does": "check the stock first", "attempts": ["A1"]},
    ]
    group = graded(shipped(1, 1.0, group="g1"), shipped(2, 0.0, checked=False, group="g1"))
    said = decision(predicate="before(check, ship)", options=options, better="b")
    async with parts_on([decisions(said)]) as (parts, server):
        [named] = (await parts.name(batch_of(group))).decisions
        assert not parts.codes(named.decision)
    assert "before(t, u)" in text_of(server.asked[0])
    assert (named.decision.key, named.decision.named_from) == (CHECKED.key, ("g1",))
    assert named.decision.situation == "you call `ship`"
    assert (named.letters, named.better) == ({"l001": "a", "l002": "b"}, "a")


@pytest.mark.parametrize(
    "written", ["before(weigh, ship)", "sooner(check, ship)", "before(check, ship) if word(hurry)", "used(find)"]
)
async def test_a_predicate_of_no_use_leaves_the_decision_in_words_and_the_reason_in_the_note(written: str) -> None:
    group = graded(shipped(1, 1.0, group="g1"), shipped(2, 0.0, checked=False, group="g1"))
    async with parts_on([decisions(decision(predicate=written))]) as (parts, _):
        naming = await parts.name(batch_of(group))
    [named] = naming.decisions
    assert parts.codes(named.decision)
    assert named.letters == {"l001": "a", "l002": "b"}
    assert f"1 predicate told in words: `{written}`" in naming.note


async def test_a_predicate_that_tells_the_attempts_otherwise_than_the_words_is_not_taken() -> None:
    group = graded(shipped(1, 1.0, group="g1"), shipped(2, 0.5, group="g1"), shipped(3, 0.0, checked=False, group="g1"))
    options: list[Json] = [{"does": "ask", "attempts": ["A1"]}, {"does": "go on", "attempts": ["A2", "A3"]}]
    said = decision(predicate="before(check, ship)", options=options)
    async with parts_on([decisions(said)]) as (parts, _):
        naming = await parts.name(batch_of(group))
    assert [parts.codes(each.decision) for each in naming.decisions] == [True]
    assert "tells the attempts apart in another way" in naming.note


def weighed(count: int, bound: float) -> Batch:
    """Lone attempts of which those with a weight from `bound` on won, and a decision whose bound nobody has cut."""
    groups = [lone(at, float(at % 20 >= bound), weight=float(at % 20)) for at in range(count)]
    open_one = decision_in_code("value(ship, weight) >= ?", "model", READINGS)
    return batch_of(groups[-1], earlier=groups[:-1], codebook=[CodebookEntry(replace(open_one, id="d1"))])


def test_an_open_bound_is_cut_where_rewards_differ_and_nowhere_by_lot() -> None:
    open_one = Predicate("value", ("ship", "weight"), Test("least", "?"))
    assert cuts_of(weighed(60, 13)).cut(open_one) == Predicate("value", ("ship", "weight"), Test("least", 13.0))
    batch = weighed(60, 13)
    by_lot = [
        replace(each, trajectory=replace(each.trajectory, reward=float(at * 7 % 11 > 5)))
        for at, each in enumerate(batch.history)
    ]
    assert cuts_of(replace(batch, history=tuple(by_lot))).cut(open_one) is None


def test_an_open_bound_of_a_situation_is_cut_too() -> None:
    groups = [lone(at, float((at % 2 > 0) == (at >= 40)), checked=at % 2 > 0) for at in range(80)]
    batch = batch_of(groups[-1], earlier=groups[:-1])
    condition = Condition(("field", "find", "order.total"), Test("least", "?"))
    cut = cuts_of(batch).cut(replace(CHECKED, condition=condition))
    assert cut is not None
    assert cut.condition is not None
    assert isinstance(cut.condition.test.value, float)
    assert 350 <= cut.condition.test.value <= 450


async def test_a_cut_decision_is_judged_and_the_open_one_waits_in_the_codebook() -> None:
    async with parts_on(lambda _: answers({"points": []})) as (parts, server):
        naming = await parts.name(weighed(60, 13))
    assert server.asked == []
    [cut] = naming.decisions
    assert (cut.decision.options[0].text, cut.decision.source) == ("keep `weight` at 13 or more", "grammar")


async def test_a_predicate_is_coded_for_every_attempt_without_a_question() -> None:
    groups = [lone(at, 0.9 * (at % 2) + 0.01 * (at % 7), checked=at % 2 > 0) for at in range(40)]
    written: list[Json] = [
        {"situation": "you ship", "options": ["check first", "ship at once"], "predicate": "before(check, ship)"}
    ]
    async with parts_on([answers({"points": written})]) as (parts, server):
        grammar = GrammarParts()
        analyst = Analyst("model", (parts,), (grammar, parts), grammar, 16)
        analysis = await Analyser(analyst).analyse(batch_of(*groups[20:], earlier=groups[:20]))
    assert len(server.asked) == 1
    assert len(analysis.codebook.codes) == 40
    assert [(each.status, each.content) for each in analysis.operations] == [
        ("active", "When you call `ship`, call `check` first.")
    ]


def test_a_bound_that_is_still_to_be_found_is_told_as_one() -> None:
    told = FAMILIES["shift"].phrase(("book", "end", "days", ARGUMENT, "start"), Test("least", "?"))
    assert told.yes == "keep `end` no earlier than `?` from its `start`"
