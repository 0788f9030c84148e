"""Every format in every shape that its program writes, whole and damaged."""

from __future__ import annotations

import json
import os
import random
from collections.abc import Iterator
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from server import import_cases
from server.import_cases import ASKED, Json, put
from server.import_reading import facts, items
from server.import_variants import VARIANTS

from explib_server.importers import registry
from explib_server.importers.records import BadRecord, Draft, Record
from explib_server.importers.registry import choose, formats
from explib_server.importers.sources import ImportRun, Source

CASES = {**import_cases.CASES, **VARIANTS}
STEADY = settings(deadline=None, derandomize=True, max_examples=int(os.environ.get("EXPLIB_FUZZ", "4")))


@pytest.mark.parametrize("kind", CASES)
def test_each_kind_of_log_gives_its_attempts(kind: str, tmp_path: Path) -> None:
    case = CASES[kind]
    case.write(tmp_path)
    found = items(tmp_path / case.given)
    read_well = [item for item in found if isinstance(item, Record)]
    assert tuple(map(facts, read_well)) == case.found
    assert len({record.group or record.task for record in read_well}) == case.groups
    assert {record.task for record in read_well[:1]} <= {ASKED}
    assert tuple(item.position for item in found if isinstance(item, BadRecord)) == case.bad
    assert len({record.idempotency_key for record in read_well}) == len(read_well)


@pytest.mark.parametrize("kind", CASES)
@STEADY
@given(seed=st.integers(0, 2**32), way=st.sampled_from(("cut", "shuffled", "changed", "mixed")))
def test_a_damaged_log_gives_attempts_or_clear_errors(
    kind: str, seed: int, way: str, tmp_path_factory: pytest.TempPathFactory
) -> None:
    case, folder, dice = CASES[kind], tmp_path_factory.mktemp("damaged"), random.Random(seed)
    case.write(folder)
    files = sorted(path for path in folder.rglob("*") if path.is_file())
    damaged = dice.choice(files)
    damaged.write_bytes(damage(damaged.read_bytes(), way, dice))
    for item in items(folder / case.given):
        assert item.position
        assert item.task if isinstance(item, Record) else item.reason


def test_every_registered_format_is_among_the_damaged_logs(tmp_path: Path) -> None:
    for kind, case in CASES.items():
        (tmp_path / kind).mkdir()
        case.write(tmp_path / kind)
    files = [path for path in tmp_path.rglob("*") if path.is_file()]
    chosen = [choose(Source(path, path.name, ImportRun()), "auto") for path in files]
    assert [known.name for known in formats() if known not in chosen] == []


def damage(data: bytes, way: str, dice: random.Random) -> bytes:
    if way == "cut":
        return data[: dice.randrange(len(data))]
    if way == "shuffled":
        pieces = data.split(b"\n")
        dice.shuffle(pieces)
        return b"\n".join(pieces)
    if way == "mixed":
        begin, end = sorted(dice.randrange(len(data)) for _ in range(2))
        return data[:begin] + bytes(dice.sample(list(data[begin:end]), end - begin)) + data[end:]
    noise = bytearray(data)
    for _ in range(5):
        noise[dice.randrange(len(noise))] = dice.randrange(256)
    return bytes(noise)


ODD: tuple[Json, ...] = (None, 7, "x", [], {}, [None], [[]], {"a": 1}, True, ["x"], [{}], "[1]", 1e999)


@pytest.mark.parametrize("kind", CASES)
@STEADY
@given(seed=st.integers(0, 2**32))
def test_any_value_anywhere_in_a_log_gives_attempts_or_clear_errors(
    kind: str, seed: int, tmp_path_factory: pytest.TempPathFactory
) -> None:
    case, folder, dice = CASES[kind], tmp_path_factory.mktemp("odd"), random.Random(seed)
    case.write(folder)
    for path in folder.rglob("*.json*"):
        documents = [json.loads(line) for line in path.read_text().split("\n" if path.suffix == ".jsonl" else "\0")]
        path.write_text("\n".join(json.dumps(with_odd_value(document, dice)) for document in documents))
    for name in ("auto", dice.choice(formats()).name):
        for item in items(folder / case.given, format_name=name):
            assert item.task if isinstance(item, Record) else item.reason


def with_odd_value(value: Json, dice: random.Random) -> Json:
    """The value with one of its parts, at any depth, made another."""
    if isinstance(value, dict) and value and dice.random() < 0.9:
        key = dice.choice(list(value))
        return {**value, key: with_odd_value(value[key], dice)}
    if isinstance(value, list) and value and dice.random() < 0.9:
        at = dice.randrange(len(value))
        return [*value[:at], with_odd_value(value[at], dice), *value[at + 1 :]]
    return dice.choice(ODD)


class Diary:
    """A format of another package."""

    name = "diary"

    def recognises(self, source: Source) -> bool:
        return source.suffix == ".json" and "dear" in str(source.head)

    def read(self, source: Source) -> Iterator[Draft]:
        yield Draft(trajectory="watered", position=source.name, task=ASKED)

    def load(self) -> Diary:
        return self


def test_another_package_adds_a_format(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    put(tmp_path, "diary.json", {"dear": "diary"})
    monkeypatch.setattr(registry, "entry_points", lambda group: [Diary()] if group == registry.ENTRY_POINTS else [])
    formats.cache_clear()
    try:
        (record,) = items(tmp_path / "diary.json")
        assert isinstance(record, Record)
        assert record.task == ASKED
        assert "diary" in registry.format_names()
    finally:
        formats.cache_clear()
