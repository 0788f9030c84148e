from __future__ import annotations

import asyncio
from dataclasses import replace

import pytest
from pydantic import ValidationError

from explib.errors import InvalidInput, InvalidReward, InvalidSetting
from explib.models.groups import Group
from explib.models.libraries import Library, LibrarySettings
from explib.models.submissions import Grade, Submission
from explib.models.trajectories import REWARD_WEIGHTS, Step
from explib.settings.library import LibraryChanges, changed, read_changes
from explib.settings.program import TEAM_HOLDOUT, Settings
from explib.settings.wording import setting_text, wrong_settings
from explib.storage.maintenance.check import check
from explib.storage.store import Store, open_store

ENGINES = pytest.mark.parametrize("engine", ["sqlite", "postgresql"])


async def submit(store: Store, library: Library, task: str, *rewards: float) -> Group:
    for number, reward in enumerate(rewards):
        receipt = await store.trajectories.submit(
            library, Submission(task, (Step("assistant", f"attempt {number}"),), reward=reward)
        )
    return receipt.group


def test_every_setting_of_a_library_has_one_declaration_for_the_environment_the_command_line_and_the_tool() -> None:
    for name, field in LibrarySettings.model_fields.items():
        assert field.description, name
        for model in (Settings, LibraryChanges):
            same = model.model_fields[name]
            assert (same.annotation, same.metadata, same.default) == (field.annotation, field.metadata, field.default)


@pytest.mark.parametrize(
    ("given", "says"),
    [
        ({"max_wrods": 20}, "there is no setting max_wrods, they are objective"),
        ({"max_words": 3}, "max_words must be 8 to 500"),
        ({"group_size": "many"}, "group_size must be 2 to 1,000"),
        ({"review": "perhaps"}, "review must be on or off"),
        ({"reward_max": "inf"}, r"reward_max must be -1e\+12 to 1e\+12"),
        ({"source_weights": "agent=2"}, "source_weights must be numbers from 0 to 1"),
        ({"source_weights": "friend=1"}, "source_weights must be weights of environment, person, test, agent"),
        ({"source_weights": "{"}, "source_weights"),
        ({"enforce": "e3=forbid"}, "enforce must say ask or deny"),
        ({"enforce": "lesson=ask"}, "enforce must be ids of experiences"),
        ({"objective": "x" * 3_000}, "objective must be a text of at most 2,000 characters"),
    ],
)
def test_a_wrong_setting_is_named_with_what_it_must_be(given: dict[str, object], says: str) -> None:
    with pytest.raises(InvalidSetting, match=says):
        read_changes(given)


def test_enforced_lessons_are_read_as_they_are_shown() -> None:
    enforced = read_changes({"enforce": "e3=ask, e7=deny"}).enforce
    assert enforced == {"e3": "ask", "e7": "deny"}
    assert setting_text(enforced) == "e3=ask,e7=deny"


@pytest.mark.parametrize("given", ["agent=0.3, judge=0", '{"agent": 0.3, "judge": 0}', {"agent": 0.3, "judge": 0}])
def test_weights_of_sources_are_read_in_each_form_and_the_others_stay_as_usual(
    given: object, monkeypatch: pytest.MonkeyPatch
) -> None:
    weights = changed(LibrarySettings(), read_changes({"source_weights": given})).source_weights
    assert weights == {**REWARD_WEIGHTS, "agent": 0.3, "judge": 0.0}
    assert setting_text(weights) == "environment=1,person=1,test=0.8,agent=0.3,judge=0,inferred=0.3"
    assert read_changes({"source_weights": setting_text(weights)}).source_weights == weights
    if isinstance(given, str):
        monkeypatch.setenv("EXPLIB_SOURCE_WEIGHTS", given)
        assert Settings().library_defaults().source_weights == weights


@pytest.mark.parametrize(("name", "value"), [("max_words", "9999"), ("group_size", "5000"), ("review", "perhaps")])
def test_the_environment_has_the_bounds_of_the_command_line(
    monkeypatch: pytest.MonkeyPatch, name: str, value: str
) -> None:
    monkeypatch.setenv(f"EXPLIB_{name.upper()}", value)
    with pytest.raises(ValidationError) as environment:
        Settings()
    with pytest.raises(ValidationError) as typed:
        LibraryChanges.model_validate({name: value})
    told = wrong_settings(environment.value, Settings, "EXPLIB_")
    assert told == f"EXPLIB_{name.upper()}{wrong_settings(typed.value, LibraryChanges).removeprefix(name)}"


def test_the_environment_says_what_new_libraries_start_with_and_what_is_not_in_force(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    there = Library(1, "default", LibrarySettings(), 0, 0.0)
    monkeypatch.setenv("EXPLIB_EXPLORATION", "off")
    monkeypatch.setenv("EXPLIB_MIN_GROUP", "2")
    settings = Settings()
    assert not settings.library_defaults().exploration
    [note] = settings.not_in_force(there)
    assert note.startswith("library default has exploration = on: EXPLIB_EXPLORATION=off is for libraries created from")
    assert settings.not_in_force(replace(there, settings=settings.library_defaults())) == []


def test_the_hold_out_is_a_teams_unless_it_is_set(monkeypatch: pytest.MonkeyPatch) -> None:
    assert (Settings().holdout, Settings().serving_teams().holdout) == (0.0, TEAM_HOLDOUT)
    monkeypatch.setenv("EXPLIB_HOLDOUT", "0")
    assert Settings().serving_teams().holdout == 0.0


def test_null_leaves_a_setting_as_it_is() -> None:
    assert read_changes({"max_words": None, "review": True}).given == {"review": True}


@ENGINES
async def test_a_library_may_be_as_large_as_its_engine_can_search(store: Store, library: Library, engine: str) -> None:
    await store.libraries.change(library, LibraryChanges(max_experiences=250_000), "ann")
    if engine == "postgresql":
        await store.libraries.change(library, LibraryChanges(max_experiences=1_000_000), "ann")
        return
    with pytest.raises(InvalidSetting, match="max_experiences must be 1 to 250,000 in SQLite"):
        await store.libraries.change(library, LibraryChanges(max_experiences=250_001), "ann")
    with pytest.raises(InvalidSetting, match="SQLite"):
        await store.libraries.create("large", LibrarySettings(max_experiences=1_000_000))


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
    with pytest.raises(InvalidSetting, match=r"has 1 reward outside 0 to 0\.5 \(from 0\.9 to 0\.9\)"):
        await store.libraries.change(library, LibraryChanges(reward_max=0.5), "ann")
    assert (await store.libraries.get(library.name)).settings == LibrarySettings()
    wider = await store.libraries.change(library, LibraryChanges(reward_min=-1.0), "ann")
    assert (wider.settings.reward_min, wider.settings.reward_max) == (-1.0, 1.0)


@ENGINES
async def test_a_change_of_settings_is_a_revision_that_says_who_changed_what(store: Store, library: Library) -> None:
    await submit(store, library, "a task", 0.0, 1.0)
    changed = await store.libraries.change(library, LibraryChanges(max_words=40, review=True), "ann", "they are long")
    again = await store.libraries.change(library, LibraryChanges(max_words=40), "bob")
    assert changed == again == await store.libraries.get(library.name)
    [revision] = await store.revisions.history(changed)
    assert (revision.number, revision.author) == (changed.revision, "ann") == (1, "ann")
    assert (revision.cause, revision.settings) == ("they are long", "max_words 48 → 40, review off → on")
    assert await check(store.database) == []
    assert (revision.changes, revision.refusals, revision.groups) == ((), (), ())
    assert await store.trials.all(changed) == []
    assert [each.state for each in await store.groups.all(changed)] == ["ready"]
    assert await store.revisions.at(changed, 1) == []


@ENGINES
async def test_what_was_read_before_the_settings_changed_is_no_reason_to_break_them(
    store: Store, library: Library
) -> None:
    before = await store.libraries.change(library, LibraryChanges(reward_max=10.0), "ann")
    steps = (Step("assistant", "tried"),)
    stored = await store.trajectories.submit(before, Submission("a task", steps, reward=0.0))
    await store.libraries.change(before, LibraryChanges(reward_max=1.0), "ann")
    with pytest.raises(InvalidReward, match="range of 0 to 1"):
        await submit(store, before, "a task", 5.0)
    with pytest.raises(InvalidReward, match="range of 0 to 1"):
        await store.trajectories.report_reward(before, stored.trajectory_id, Grade(5.0))
    group = await submit(store, before, "a task", 0.5)
    assert (group.size, group.reason) == (2, "waits for the learner")


@ENGINES
async def test_a_range_and_a_reward_that_come_at_once_never_end_up_apart(url: str) -> None:
    async with open_store(url) as one, open_store(url) as other:
        outcomes = set()
        for turn in range(20):
            library = await one.libraries.ensure(f"turn-{turn}", LibrarySettings(reward_max=10.0))
            done = await asyncio.gather(
                submit(one, library, "a task", 5.0),
                other.libraries.change(library, LibraryChanges(reward_max=1.0), "ann"),
                return_exceptions=True,
            )
            submitted, narrowed = (not isinstance(each, BaseException) for each in done)
            assert submitted != narrowed, done
            assert all(isinstance(each, InvalidInput) for each in done if isinstance(each, BaseException))
            outcomes.add(submitted)
        assert outcomes


@ENGINES
async def test_two_who_change_different_settings_at_once_both_get_theirs(url: str) -> None:
    async with open_store(url) as one, open_store(url) as other:
        library = await one.libraries.ensure("default", LibrarySettings())
        await asyncio.gather(
            one.libraries.change(library, LibraryChanges(objective="sell"), "ann"),
            other.libraries.change(library, LibraryChanges(review=True), "ann"),
        )
        settings = (await one.libraries.get("default")).settings
    assert (settings.objective, settings.review) == ("sell", True)


def test_review_is_off_unless_the_program_says_otherwise(monkeypatch: pytest.MonkeyPatch) -> None:
    assert not Settings().library_defaults().review
    monkeypatch.setenv("EXPLIB_REVIEW", "on")
    assert Settings().library_defaults().review
