from __future__ import annotations

import bz2
import gzip
import io
import json
import lzma
import sys
from pathlib import Path

import pytest
from server.import_cases import ASKED, CASES, Found, Json, lines, openai, put
from server.import_reading import facts, items, problems, records

from explib.errors import InvalidInput
from explib_server.importers.compression import zstd
from explib_server.importers.logs import read, read_scores
from explib_server.importers.paths import lookup
from explib_server.importers.records import BadRecord, Options, Record
from explib_server.importers.rewards import pass_if, reward_of
from explib_server.importers.sessions.places import moment, session_files
from explib_server.importers.sources import ImportRun, Source


def chats(folder: Path, name: str = "log.jsonl", **fields: Json) -> Path:
    put(folder, name, lines({"messages": openai(), **fields}))
    return folder / name


def test_files_are_read_whatever_their_compression_and_encoding(tmp_path: Path) -> None:
    text = chats(tmp_path).read_text()
    written = {
        "a.jsonl.gz": gzip.compress(text.encode()),
        "a.jsonl.bz2": bz2.compress(text.encode()),
        "a.jsonl.xz": lzma.compress(text.encode()),
        "a.jsonl.zst": zstd.compress(text.encode()),
        "bom.jsonl": b"\xef\xbb\xbf" + text.encode(),
        "utf16.jsonl": text.encode("utf-16"),
        "utf16le.jsonl": text.encode("utf-16-le"),
        "crlf.jsonl": text.replace("\n", "\r\n").encode(),
        "pretty.json": json.dumps([json.loads(text)], indent=2).encode(),
        "latin.jsonl": text.encode() + b'\n{"messages": "\xff"}',
    }
    for name, data in written.items():
        (tmp_path / name).write_bytes(data)
        first = items(tmp_path / name)[0]
        assert isinstance(first, Record), (name, first)
        assert facts(first) == Found(4)
    assert "no text in UTF-8" in problems(tmp_path / "latin.jsonl")[0]


def test_folders_patterns_and_standard_input_are_read(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("a/one.jsonl", "a/b/two.jsonl"):
        chats(tmp_path, name)
    put(tmp_path, "a/notes.txt", "not a log")
    assert [record.position for record in records(tmp_path)] == ["a/one.jsonl:1", "a/b/two.jsonl:1"]
    assert len(records(f"{tmp_path}/**/*.jsonl")) == 2
    assert problems(f"{tmp_path}/*.nothing") == ["No file matches the pattern."]

    class Given:
        buffer = io.BytesIO(chats(tmp_path, "c.jsonl").read_bytes())

    monkeypatch.setattr(sys, "stdin", Given)
    assert records("-")[0].position == "-:1"


def test_an_unreadable_file_is_told_and_the_others_are_read(tmp_path: Path) -> None:
    put(tmp_path, "odd.json", {"colour": 1})
    put(tmp_path, "empty.json", "")
    good = chats(tmp_path)
    found = items(tmp_path / "none.json", tmp_path / "odd.json", tmp_path / "empty.json", good)
    assert [type(item) for item in found] == [BadRecord, BadRecord, BadRecord, Record]
    reasons = [item.reason for item in found if isinstance(item, BadRecord)]
    assert "cannot be read (No such file or directory)" in reasons[0]
    assert "It begins with an object of `colour`. Name it with --format: inspect, harbor" in reasons[1]
    assert "neither JSON nor JSONL" in reasons[2]


def test_a_list_that_breaks_off_gives_what_came_before(tmp_path: Path) -> None:
    put(tmp_path, "log.json", json.dumps([{"messages": openai()}] * 3, indent=1)[:-200])
    found = items(tmp_path / "log.json")
    assert [type(item) for item in found] == [Record, Record, BadRecord]
    assert "breaks off" in problems(tmp_path / "log.json")[0]


def test_an_unknown_format_name_says_which_there_are(tmp_path: Path) -> None:
    with pytest.raises(InvalidInput, match=r"no format 'nope'.*auto or one of inspect, .*chat"):
        items(chats(tmp_path), format_name="nope")


def test_equal_trials_are_two_attempts_and_the_same_place_is_one(tmp_path: Path) -> None:
    put(tmp_path, "log.jsonl", lines(*[{"messages": openai(), "reward": reward} for reward in (1, 0, 1)]))
    keys = [record.idempotency_key for record in records(tmp_path / "log.jsonl")]
    assert len(set(keys)) == 3
    other = Options(reward_field="other", group_by="reward", task_field="messages")
    assert [record.idempotency_key for record in records(tmp_path / "log.jsonl", options=other)] == keys
    put(tmp_path, "log.jsonl", lines({"messages": openai("wet")}))
    assert records(tmp_path / "log.jsonl")[0].idempotency_key not in keys


def test_our_own_lines_keep_every_field(tmp_path: Path) -> None:
    line: dict[str, Json] = {
        "task": "t", "trajectory": "x", "reward": 0.5, "answer": "a", "ground_truth": "4", "feedback": "f",
        "group": "g", "retrieval_id": "r", "library": "l", "agent": "me", "model": "m", "idempotency_key": "k",
    }  # fmt: skip
    put(tmp_path, "log.jsonl", lines(line))
    (record,) = records(tmp_path / "log.jsonl")
    kept = {name: getattr(record, name) for name in line}
    assert kept == {**line, "trajectory": [{"role": "assistant", "content": "x"}]}
    assert (record.position, record.reward_source, record.has_ended) == ("log.jsonl:1", "environment", True)


def test_the_two_forms_of_one_log_are_the_same_attempts(tmp_path: Path) -> None:
    for first, second in (("inspect", "inspect archive"), ("tau2", "tau2 folder"), ("opencode", "opencode storage")):
        keys = []
        for kind in (first, second):
            CASES[kind].write(tmp_path)
            keys.append([record.idempotency_key for record in records(tmp_path / CASES[kind].given)])
        if first != "opencode":  # whose two forms number their messages differently here
            assert keys[0] == keys[1]


def test_fields_are_named_by_options(tmp_path: Path) -> None:
    path = chats(
        tmp_path, scores=[{"name": "a", "value": 0.2}, {"name": "b", "value": "pass"}], case={"id": 9, "q": "Q"}
    )
    (record,) = records(path, options=Options("scores[name=b]", "case.id", "case.q"))
    assert (record.reward, record.group, record.task) == (1.0, "9", "Q")
    assert records(path, options=Options("scores.a", pass_if=pass_if(">=0.2")))[0].reward == 1.0
    assert "several values (a, b): name one of them, as in --reward-field 'scores[name=a]'" in problems(path)[0]
    assert "no field 'nope': name the field" in problems(path, options=Options("scores.a", task_field="nope"))[0]


def test_attempts_without_the_group_that_an_option_names_are_counted(tmp_path: Path) -> None:
    path = chats(tmp_path, case=1)
    import_run = ImportRun(Options(group_by="cases"))
    (record,) = read([str(path)], import_run)
    assert (isinstance(record, Record), import_run.ungrouped) == (True, 1)


def test_the_bytes_of_a_file_are_told_once(tmp_path: Path) -> None:
    path = chats(tmp_path)
    path.write_text("\n".join([path.read_text()] * 60))
    for place in (path, tmp_path / "log.jsonl.gz"):
        place.write_bytes(path.read_bytes() if place == path else gzip.compress(path.read_bytes()))
        told: list[int] = []
        assert len(list(read([str(place)], ImportRun(advance=told.append)))) == 60
        assert sum(told) == place.stat().st_size


def test_of_several_scores_the_option_that_names_one_is_told(tmp_path: Path) -> None:
    CASES["harbor"].write(tmp_path)
    result = tmp_path / "job" / "a__2" / "result.json"
    written = json.loads(result.read_text()) | {"verifier_result": {"rewards": {"speed": 0.5, "right": 1}}}
    result.write_text(json.dumps(written))
    assert "as in --reward-field 'verifier_result.rewards.speed'" in problems(tmp_path / "job")[0]
    chosen = items(tmp_path / "job", options=Options("verifier_result.rewards.right"))
    assert [item.reward for item in chosen if isinstance(item, Record)] == [1.0, None]


def test_the_columns_of_a_table_are_named_by_options(tmp_path: Path) -> None:
    put(tmp_path, "t.tsv", "q\tmine\tgrade\nWhy?\tso\tcorrect\n\tso\t1\n")
    options = Options("grade", task_field="q", response_field="mine")
    first, second = items(tmp_path / "t.tsv", options=options)
    assert isinstance(first, Record)
    assert (first.task, first.answer, first.reward) == ("Why?", "so", 1.0)
    assert isinstance(second, BadRecord)


def test_parquet_is_read_with_its_nested_columns(tmp_path: Path) -> None:
    duckdb = pytest.importorskip("duckdb")
    put(tmp_path, "rows.json", [{"messages": openai()[:1], "response": "so", "score": 0.5}])
    with duckdb.connect() as connection:
        connection.execute(f"COPY (FROM read_json('{tmp_path}/rows.json')) TO '{tmp_path}/t.parquet' (FORMAT parquet)")
    (record,) = records(tmp_path / "t.parquet")
    assert (record.task, record.answer, record.reward) == (ASKED, "so", 0.5)
    put(tmp_path, "bad.parquet", "no")
    assert "no Parquet file" in problems(tmp_path / "bad.parquet")[0]


def test_a_file_of_scores_grades_the_attempts_it_names(tmp_path: Path) -> None:
    put(
        tmp_path,
        "log.jsonl",
        lines(*[{"messages": openai(), "id": number, "case": f"c{number}"} for number in (1, 2, 3)]),
    )
    for name, written, options in (
        ("map.json", json.dumps({"1": 1, "2": "fail"}), Options()),
        ("rows.csv", "case,score\nc1,1\nc2,0\n", Options(score_key="case")),
        ("named.json", json.dumps({"1": {"x": True}, "2": {"x": False}}), Options("x")),
        ("report.json", json.dumps({"resolved_ids": ["1"], "unresolved_ids": ["2"]}), Options()),
    ):
        put(tmp_path, name, written)
        import_run = ImportRun(options)
        read_scores(Source(tmp_path / name, name, import_run))
        found = [item for item in read([str(tmp_path / "log.jsonl")], import_run) if isinstance(item, Record)]
        assert [record.reward for record in found] == [1.0, 0.0, None], name


@pytest.mark.parametrize(
    ("value", "reward"),
    [(1, 1.0), ("0.5", 0.5), ("85%", 0.85), ("7/10", 0.7), (True, 1.0), ("C", 1.0), ("I", 0.0), ("P", 0.5),
     ("Passed", 1.0), ("no", 0.0),
     ([{"value": 1}], 1.0), ({"value": {"score": "fail"}}, 0.0), ({"only": 0.25}, 0.25), ('{"value": 1}', 1.0),
     (None, None), ("", None), ([], None), ({}, None), ("N/A", None), (float("nan"), None)],
)  # fmt: skip
def test_rewards_are_numbers_words_letters_lists_and_maps(value: object, reward: float | None) -> None:
    assert reward_of(value, "reward") == reward


@pytest.mark.parametrize("value", ["high", float("inf"), {"a": 1, "b": 2}, [1, 2], 10**400, object()])
def test_what_is_no_reward_is_refused_and_the_option_is_named(value: object) -> None:
    with pytest.raises(InvalidInput, match="--reward-field"):
        reward_of(value, "reward")


def test_a_threshold_makes_rewards_of_scores_and_nonsense_is_refused() -> None:
    assert [pass_if(">0.5")(score) for score in (0.5, 0.6)] == [0.0, 1.0]
    assert pass_if("3")(3) == 1.0
    for nonsense in ("", "good", ">=1.1.1"):
        with pytest.raises(InvalidInput, match=r"--pass-if.*>=0.5"):
            pass_if(nonsense)


def test_paths_reach_into_objects_lists_and_json_text() -> None:
    document = {
        "a.b": 1,
        "m": {"exact,none": 2},
        "l": [{"name": "x", "v": 3}, {"name": "y.z", "v": 4}],
        "j": '{"k": 5}',
        "n": [7, 8],
    }
    paths = (
        "a.b",
        "m.exact,none",
        "l.x.v",
        "l[name=x].v",
        "l[1].v",
        "l.y.z.v",
        "j.k",
        "m.no",
        "l[9]",
        "no.no",
        "l[",
        "n[1]",
    )
    assert [lookup(document, path) for path in paths] == [1, 2, 3, 3, 4, 4, 5, None, None, None, None, 8]


def test_the_clients_own_context_is_never_the_task(tmp_path: Path) -> None:
    context: Json = {"role": "user", "content": "<environment_context>\n/home\n</environment_context>"}
    put(tmp_path, "log.jsonl", lines({"messages": [context, *openai()]}))
    assert records(tmp_path / "log.jsonl")[0].task == ASKED


def test_sessions_are_found_where_clients_keep_them(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(Path, "home", lambda: tmp_path)
    for variable in ("CLAUDE_CONFIG_DIR", "CODEX_HOME", "GEMINI_CLI_HOME", "COPILOT_HOME"):
        monkeypatch.delenv(variable, raising=False)
    with pytest.raises(InvalidInput, match="No session of codex"):
        session_files(["codex"], None)
    for folder, kind in ((".claude/projects/-home-you-garden", "claude-code"), (".codex/sessions/2026/01/05", "codex")):
        (tmp_path / folder).mkdir(parents=True)
        CASES[kind].write(tmp_path / folder)
    assert [record.agent for record in records(*session_files(["codex"], None))] == ["codex"]
    found = records(*session_files([], None), options=Options(project=Path("/home/you")))
    assert {record.agent for record in found} == {"claude-code", "codex"}
    assert records(*session_files([], None), options=Options(project=Path("/home/me"))) == []
    assert session_files([], moment("2999-01-01")) == []
    with pytest.raises(InvalidInput, match="no client 'vim'"):
        session_files(["vim"], None)
    with pytest.raises(InvalidInput, match="--since 'soon'"):
        moment("soon")


def test_the_data_of_media_is_no_part_of_a_record(tmp_path: Path) -> None:
    picture: Json = {"type": "image_url", "image_url": {"url": "data:" + "A" * 10_000_000}}
    asked: Json = {"role": "user", "content": [{"type": "text", "text": ASKED}, picture]}
    put(tmp_path, "log.jsonl", lines({"messages": [asked, *openai()[1:]]}))
    (record,) = records(tmp_path / "log.jsonl")
    assert record.task == f"{ASKED}\n[image]"
    assert len(json.dumps(record.trajectory)) < 1_000


def test_a_session_that_grew_is_the_same_attempt(tmp_path: Path) -> None:
    CASES["codex"].write(tmp_path)
    path = tmp_path / "rollout-t-s.jsonl"
    (whole,) = records(path)
    path.write_text("\n".join(path.read_text().splitlines()[:-1]))
    (part,) = records(path)
    assert part.idempotency_key == whole.idempotency_key
