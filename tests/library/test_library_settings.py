from __future__ import annotations

import asyncio
from dataclasses import fields

import pytest

from explib.errors import InvalidSetting
from explib.library_settings import LibraryChanges, changed, read_changes
from explib.models.groups import Group
from explib.models.libraries import Library, LibrarySettings
from explib.models.submissions import Submission
from explib.models.trajectories import Step
from explib.settings import Settings
from explib.storage.store import Store, open_store

ENGINES = pytest.mark.parametrize("engine", ["sqlite", "postgresql"])


async def submit(store: Store, library: Library, task: str, *rewards: float) -> Group:
    for number, reward in enumerate(rewards):
        receipt = await store.trajectories.submit(
            library, Submission(task, (Step("assistant", f"attempt {number}"),), reward=reward)
        )
    return receipt.group


def test_every_setting_of_a_library_can_be_changed_and_each_is_described() -> None:
    assert set(LibraryChanges.model_fields) == {each.name for each in fields(LibrarySettings)}
    described = LibraryChanges.model_json_schema()["properties"]
    assert all(each["description"] for each in described.values())


@pytest.mark.parametrize(
    ("given", "says"),
    [
        ({"max_wrods": 20}, "max_wrods: no such setting, they are objective"),
        ({"max_words": 3}, "max_words: Input should be greater than or equal to 8"),
        ({"reward_max": "inf"}, "reward_max"),
        ({"objective": "x" * 3_000}, "objective: String should have at most 2000 characters"),
    ],
)
def test_a_wrong_setting_is_named_with_what_is_wrong(given: dict[str, object], says: str) -> None:
    with pytest.raises(InvalidSetting, match=says):
        read_changes(given)


def test_settings_that_do_not_go_together_are_refused() -> None:
    with pytest.raises(InvalidSetting, match="reward_min must be the lower one"):
        changed(LibrarySettings(), LibraryChanges(reward_min=1.0))


def test_what_is_left_out_stays_as_it_was() -> None:
    before = LibrarySettings(objective="sell", max_words=40)
    assert changed(before, read_changes({"review": "on", "reward_min": "-1"})) == LibrarySettings(
        objective="sell", max_words=40, review=True, reward_min=-1.0
    )


@ENGINES
async def test_a_reward_range_that_leaves_rewards_outside_is_refused(store: Store, library: Library) -> None:
    await submit(store, library, "a task", 0.0, 0.9)
    with pytest.raises(InvalidSetting, match=r"1 graded trajectories .* \(from 0\.9 to 0\.9\)"):
        await store.libraries.change(library, LibraryChanges(reward_max=0.5))
    assert (await store.libraries.get(library.name)).settings == LibrarySettings()
    wider = await store.libraries.change(library, LibraryChanges(reward_min=-1.0))
    assert (wider.settings.reward_min, wider.settings.reward_max) == (-1.0, 1.0)


@ENGINES
async def test_another_least_group_settles_which_groups_wait(store: Store, library: Library) -> None:
    await submit(store, library, "two that differ", 0.0, 1.0)
    await submit(store, library, "three that differ", 0.0, 1.0, 0.5)
    await submit(store, library, "no contrast", 1.0, 1.0, 1.0)
    await store.libraries.change(library, LibraryChanges(min_group=3))
    assert {each.task: each.state for each in await store.groups.all(library)} == {
        "two that differ": "waiting",
        "three that differ": "ready",
        "no contrast": "waiting",
    }
    reasons = {each.task: each.reason for each in await store.groups.all(library)}
    assert reasons["two that differ"] == "2 of at least 3 graded trajectories"
    await store.libraries.change(library, LibraryChanges(min_group=2))
    assert {each.task for each in await store.groups.all(library, "ready")} == {"two that differ", "three that differ"}


@ENGINES
async def test_two_who_change_different_settings_at_once_both_get_theirs(url: str) -> None:
    async with open_store(url) as one, open_store(url) as other:
        library = await one.libraries.ensure("default", LibrarySettings())
        await asyncio.gather(
            one.libraries.change(library, LibraryChanges(objective="sell")),
            other.libraries.change(library, LibraryChanges(review=True)),
        )
        settings = (await one.libraries.get("default")).settings
    assert (settings.objective, settings.review) == ("sell", True)


def test_review_is_off_unless_the_program_says_otherwise(monkeypatch: pytest.MonkeyPatch) -> None:
    assert not Settings().library_defaults().review
    monkeypatch.setenv("EXPLIB_REVIEW", "on")
    assert Settings().library_defaults().review
