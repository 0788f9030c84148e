from __future__ import annotations

import json

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from learner.small_desk import Made, attempt_of

from explib.models.json_value import Json
from explib.models.trajectories import Attempt, Role, Step, ToolCall, Trajectory
from explib_learner.grammar.candidates import candidates, column_of
from explib_learner.grammar.catalogue import FAMILIES
from explib_learner.grammar.coding import letter
from explib_learner.grammar.commands import commands
from explib_learner.grammar.corrections import corrections
from explib_learner.grammar.cures import cures
from explib_learner.grammar.failures import environmental, failed
from explib_learner.grammar.grammar import decision_of
from explib_learner.grammar.keys import Condition, Predicate, Test, TestKind, predicate_of
from explib_learner.grammar.reading import FIELD, WHOLE, Reading
from explib_learner.grammar.records import parsed
from explib_learner.grammar.trace import trace_of

names = st.sampled_from(["get", "ship", "id", "a.b", "weird`name", "", "#x", "x=", "[]"])
scalars = st.none() | st.booleans() | st.integers(-(10**20), 10**20) | st.floats() | st.text(max_size=8) | names
values: st.SearchStrategy[Json] = st.recursive(
    scalars, lambda inner: st.lists(inner, max_size=3) | st.dictionaries(names, inner, max_size=3), max_leaves=6
)
texts = st.one_of(
    st.text(max_size=20),
    values.map(json.dumps),
    st.sampled_from(
        ["Error: no", "id: 5\nstate: open", "2024-02-30", "12:99", "[[[[", "git commit -m 'x' && ls |", "9" * 400]
    ),
)
calls = st.builds(
    ToolCall,
    id=names,
    name=names,
    arguments=st.dictionaries(names | st.just("command"), values | texts, max_size=3),
)
steps = st.builds(
    Step,
    role=st.sampled_from(["system", "user", "assistant", "tool"]).map(lambda role: _role(role)),
    text=texts,
    calls=st.lists(calls, max_size=2).map(tuple),
    answers_call=st.none() | names,
    is_error=st.booleans(),
)


def _role(role: str) -> Role:
    roles: dict[str, Role] = {"system": "system", "user": "user", "assistant": "assistant", "tool": "tool"}
    return roles[role]


def _attempt(number: int, taken: list[Step]) -> Attempt:
    return Attempt(Trajectory(f"t{number}", "g", "Ship 5 boxes for O17", None, answer=None), tuple(taken))


@settings(max_examples=15, deadline=None)
@given(st.lists(st.lists(steps, max_size=5), min_size=1, max_size=3))
def test_any_trajectory_is_read_named_and_coded_alike(made: list[list[Step]]) -> None:
    attempts = [_attempt(number, taken) for number, taken in enumerate(made)] * 3
    traces = [trace_of(attempt) for attempt in attempts]
    readings = [Reading(trace) for trace in traces]
    again = [Reading(trace) for trace in traces]
    for each in candidates(readings)[:60]:
        predicate = predicate_of(each.predicate.key)
        assert predicate == each.predicate
        assert column_of(predicate, again).tolist() == each.column.tolist()
        assert decision_of(predicate).key == each.predicate.key
    cures(traces)
    corrections(attempts)


kinds: list[TestKind] = ["is", "not", "least", "below"]
tests = st.builds(
    Test,
    kind=st.sampled_from(kinds),
    value=st.text() | st.booleans() | st.floats(allow_nan=False, allow_infinity=False),
)
conditions = st.builds(Condition, fact=st.lists(st.text(), min_size=1, max_size=3).map(tuple), test=tests)


@given(st.sampled_from(sorted(FAMILIES)), st.lists(st.text(), max_size=4).map(tuple), tests, st.none() | conditions)
def test_keys_round_trip(family: str, about: tuple[str, ...], test: Test, condition: Condition | None) -> None:
    predicate = Predicate(family, about, test, condition)
    assert predicate_of(predicate.key) == predicate
    assert predicate.key.isascii()


@pytest.mark.parametrize("key", ["", "{}", "[1]", '["before",["a"],["is"],null]', "cure"])
def test_what_is_no_key_is_refused(key: str) -> None:
    with pytest.raises(ValueError, match="no predicate of the grammar"):
        predicate_of(key)


def test_a_key_of_an_unknown_family_is_refused() -> None:
    trace = trace_of(attempt_of("t", []))
    with pytest.raises(ValueError, match="no family 'gone'"):
        letter(Predicate("gone", (), Test("is", True)), Reading(trace))


def test_shell_text_becomes_commands_with_flags_variables_and_folder() -> None:
    found = commands('cd /repo && CI=1 pytest -q tests | tail -3; git commit -s -m "a b"')
    assert [command.name for command in found] == ["$ pytest", "$ tail", "$ git commit"]
    assert found[0].arguments == {"CI=": "1", "-q": "tests", "folder": "/repo"}
    assert found[2].arguments["-m"] == "a b"
    assert found[2].arguments["-s"] is True


def test_text_answers_have_fields() -> None:
    (record,) = parsed("sample: S1\nmass: 12.5\n").records
    assert record.fields == {"sample": "S1", "mass": 12.5}
    (counted,) = parsed("There are 12 boxes left").records
    assert counted.fields == {"boxes": 12.0}


def test_rows_know_the_objects_around_them() -> None:
    found = parsed('{"order": "O1", "items": [{"sku": "a", "price": 2}, {"sku": "b", "price": 3}]}')
    assert found.records[0].fields == {"order": "O1", "#items": 2.0}
    assert found.records[1].fields == {"items[].sku": "a", "items[].price": 2.0}
    assert found.records[1].around["order"] == "O1"
    assert found.lists[0].path == "items[]"


def test_failures_are_told_by_flag_beginning_and_exit_code() -> None:
    assert failed("Error: no")
    assert failed("all fine", flagged=True)
    assert failed("3 failed\nexit code: 1")
    assert not failed("3 passed\nexit code: 0")
    assert not failed('{"error": null}')
    assert environmental("Error: connection reset by peer")
    assert not environmental("Error: field is required")


def test_what_was_told_after_an_act_says_nothing_of_the_whole_attempt() -> None:
    order = '{"id": "O1", "state": "open", "total": 5, "tax": 1}'
    receipt = '{"id": "O1", "verdict": "refused", "score": 2, "by": "x"}'
    calls: list[Made] = [("get", {"id": "O1"}, order), ("ship", {"id": "O1"}, "ok"), ("check", {"id": "O1"}, receipt)]
    facts = Reading(trace_of(attempt_of("t", calls, "Ship O1"))).facts(WHOLE)
    assert facts[FIELD, "get", "state"] == "open"
    assert (FIELD, "check", "verdict") not in facts
