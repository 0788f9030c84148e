from __future__ import annotations

import hashlib
from dataclasses import fields
from pathlib import Path

import pytest

from explib.errors import PromptFileError
from explib_learner.model.analyst import Prompts
from explib_learner.model.chat import ChatMessage
from explib_learner.prompting.files import FOLDER, PromptFile, load_prompt

NAMES = frozenset({"task", "mean"})


def written(folder: Path, text: str) -> Path:
    (folder / "one.md").write_text(text, encoding="utf-8")
    return folder


def test_a_prompt_is_filled_into_a_system_and_a_user_message(tmp_path: Path) -> None:
    prompt = load_prompt("one", NAMES, written(tmp_path, "Rules {{ mean }}\n---\nDo {{task}}"))
    assert prompt.messages(task="{{mean}}\n---\n", mean="1") == (
        ChatMessage("system", "Rules 1"),
        ChatMessage("user", "Do {{mean}}\n---"),
    )


def test_its_hash_is_that_of_the_file(tmp_path: Path) -> None:
    prompt = load_prompt("one", NAMES, written(tmp_path, "{{task}} {{mean}}"))
    assert prompt.hash == hashlib.sha256((tmp_path / "one.md").read_bytes()).hexdigest()


@pytest.mark.parametrize("text", ["{{task}}", "{{task}} {{mean}} {{other}}", "", "{{task}} {{mean}}\n---\n\n---\n"])
def test_wrong_placeholders_are_found_at_load(tmp_path: Path, text: str) -> None:
    with pytest.raises(PromptFileError, match=r"one\.md"):
        load_prompt("one", NAMES, written(tmp_path, text))


def test_a_missing_file_is_said(tmp_path: Path) -> None:
    with pytest.raises(PromptFileError, match="cannot be read"):
        load_prompt("none", NAMES, tmp_path)


def test_wrong_values_are_refused(tmp_path: Path) -> None:
    prompt = load_prompt("one", NAMES, written(tmp_path, "{{task}} {{mean}}"))
    with pytest.raises(PromptFileError, match="mean"):
        prompt.messages(task="x")


def _each(prompts: Prompts) -> list[PromptFile]:
    return [getattr(prompts, field.name) for field in fields(prompts)]


def test_every_prompt_of_the_program_loads() -> None:
    prompts = Prompts.load()
    names = {each.name for each in _each(prompts)}
    assert names == {path.stem for path in FOLDER.glob("*.md")}
