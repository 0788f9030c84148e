from __future__ import annotations

import json
from contextlib import suppress
from dataclasses import asdict
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from explib.errors import InvalidInput
from explib.trajectories.parser import parse_trajectory
from explib_server.importers.formats import FORMATS, BadRecord, FieldNames, Record, read

STEADY = settings(deadline=None, derandomize=True)
CHAT = [{"role": "user", "content": "Sort the list"}, {"role": "assistant", "content": "done"}]
BLOCKS = [{"role": "user", "content": "Go"}, {"role": "assistant", "content": [{"type": "tool_use", "name": "f"}]}]
KEYS = ("task", "trajectory", "messages", "role", "content", "traj", "task_id", "info", "reward", "group", "system")
DOCUMENTS = st.recursive(
    st.none() | st.booleans() | st.floats() | st.text(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.sampled_from(KEYS), inner, max_size=5),
    max_leaves=20,
)


def tau(task_id: int, trial: int, reward: float = 1.0) -> dict[str, object]:
    task = {"instruction": f"Book flight {task_id}", "actions": [{"name": "book"}], "outputs": []}
    return {"task_id": task_id, "trial": trial, "reward": reward, "info": {"task": task}, "traj": CHAT}


def write(folder: Path, name: str, *documents: object) -> Path:
    path = folder / name
    path.write_text("\n".join(d if isinstance(d, str) else json.dumps(d) for d in documents), encoding="utf-8")
    return path


def records(path: Path, format_name: str = "auto", fields: FieldNames | None = None) -> list[Record]:
    found = list(read(path, format_name, fields))
    assert all(isinstance(record, Record) for record in found), found
    return [record for record in found if isinstance(record, Record)]


def test_tau_bench_results_are_recognised_and_grouped_by_task(tmp_path: Path) -> None:
    found = records(write(tmp_path, "r.json", [tau(1, 0), tau(1, 1, 0.0), tau(2, 0)]))
    assert [record.reward for record in found] == [1.0, 0.0, 1.0]
    assert found[0].task == "Book flight 1"
    assert found[0].position == "r.json/0"
    assert found[0].model is None
    assert json.loads(found[0].ground_truth or "") == {"actions": [{"name": "book"}], "outputs": []}
    assert found[0].group == found[1].group != found[2].group
    assert (found[0].group or "").startswith("tau-bench:1:")
    assert len({record.idempotency_key for record in found}) == 3
    assert parse_trajectory(found[0].trajectory, 1000)[0].text == "Sort the list"


def test_the_same_file_gives_the_same_keys_again(tmp_path: Path) -> None:
    for document in (tau(1, 0), {"messages": CHAT}, {"task": "t", "trajectory": "x"}):
        first = records(write(tmp_path, "a.json", document))
        second = records(write(tmp_path, "b.jsonl", document))
        assert first[0].idempotency_key == second[0].idempotency_key


def test_our_own_lines_keep_every_field(tmp_path: Path) -> None:
    line = {
        "task": "t", "trajectory": "x", "reward": 0.5, "answer": "a", "ground_truth": 4, "feedback": "f", "group": "g",
        "retrieval_id": "r", "library": "l", "agent": "me", "model": "m", "idempotency_key": "k",
    }  # fmt: skip
    (record,) = records(write(tmp_path, "log.jsonl", line))
    assert asdict(record) == {**line, "ground_truth": "4", "position": "log.jsonl:1"}


def test_openai_chats_take_their_task_from_the_user(tmp_path: Path) -> None:
    named = {"messages": CHAT, "task": "named", "reward": True, "group": 7}
    first, second = records(write(tmp_path, "c.jsonl", {"messages": CHAT}, named))
    assert (first.task, first.reward, first.group) == ("Sort the list", None, None)
    assert (second.task, second.reward, second.group) == ("named", 1.0, "7")
    (bare,) = records(write(tmp_path, "c.json", CHAT))
    assert (bare.task, bare.trajectory, bare.position) == ("Sort the list", CHAT, "c.json")


def test_anthropic_chats_keep_their_system_prompt(tmp_path: Path) -> None:
    document = {"system": "be kind", "messages": BLOCKS}
    (record,) = records(write(tmp_path, "c.json", document))
    assert record.task == "Go"
    assert [step.role for step in parse_trajectory(record.trajectory, 1000)] == ["system", "user", "assistant"]


def test_each_format_recognises_its_own_and_not_the_others() -> None:
    documents = {
        "tau-bench": tau(1, 0),
        "explib": {"task": "t", "trajectory": "x"},
        "anthropic": {"messages": BLOCKS},
        "openai": {"messages": CHAT},
    }
    for name, document in documents.items():
        assert next(known.name for known in FORMATS if known.recognises(document)) == name


def test_fields_can_be_named_and_reached_into(tmp_path: Path) -> None:
    document = {"messages": CHAT, "scores": {"main": 0.25}, "meta": {"case": "c9", "query": "q"}}
    fields = FieldNames(reward_field="scores.main", group_by="meta.case", task_field="meta.query")
    (record,) = records(write(tmp_path, "c.jsonl", document), "openai", fields)
    assert (record.task, record.reward, record.group) == ("q", 0.25, "c9")


def test_a_bad_line_is_reported_in_its_place_and_stops_nobody(tmp_path: Path) -> None:
    good = {"task": "t", "trajectory": "x"}
    bad = [
        '{"task": "t", ',
        {**good, "reward": "high"},
        {**good, "colour": 1},
        {"trajectory": "x"},
        {"a": 1},
        "[" * 9000,
    ]
    found = list(read(write(tmp_path, "log.jsonl", good, *bad, "", good)))
    assert [type(record) for record in found] == [Record, *[BadRecord] * 6, Record]
    reasons = [record.reason for record in found if isinstance(record, BadRecord)]
    assert [record.position for record in found] == [f"log.jsonl:{line}" for line in (1, 2, 3, 4, 5, 6, 7, 9)]
    for part, reason in zip(("no JSON", "reward", "colour", "no task", "not known", "too deep"), reasons, strict=True):
        assert part in reason


def test_a_line_that_is_not_utf8_is_a_bad_record(tmp_path: Path) -> None:
    path = tmp_path / "log.jsonl"
    path.write_bytes(b'\xef\xbb\xbf{"task": "t", "trajectory": "x"}\r\n{"task": "\xff"}\n')
    assert [type(record) for record in read(path)] == [Record, BadRecord]


def test_an_errored_trial_is_not_a_reward_of_zero(tmp_path: Path) -> None:
    found = list(read(write(tmp_path, "r.json", [tau(1, 0), {**tau(1, 1), "traj": []}])))
    assert [type(record) for record in found] == [Record, BadRecord]


@pytest.mark.parametrize("content", ["", "hello", "[]", '[{"a": 1}]', "12", '{"a": 1}\n{"a": 2}', '{"a": 1'])
def test_an_unknown_file_says_which_formats_exist(tmp_path: Path, content: str) -> None:
    path = write(tmp_path, "x.json", content)
    with pytest.raises(InvalidInput, match=r"tau-bench, explib, anthropic, openai"):
        list(read(path))


def test_an_unknown_format_name_and_a_missing_file_say_so(tmp_path: Path) -> None:
    with pytest.raises(InvalidInput, match=r"no format 'csv'.*tau-bench"):
        read(tmp_path / "x", "csv")
    with pytest.raises(InvalidInput, match="cannot be read"):
        list(read(tmp_path / "x"))


@STEADY
@given(DOCUMENTS)
def test_every_format_reads_a_document_or_refuses_it_as_invalid_input(document: object) -> None:
    for known in FORMATS:
        known.recognises(document)
        with suppress(InvalidInput):
            assert known.record(document, "here", FieldNames()).task
