"""The commands with which people see and change what a library teaches."""

from __future__ import annotations

import asyncio
import json

import pytest
from server.cli_cases import Explib, explib, one_line

from explib.models.libraries import LibrarySettings
from explib.models.revisions import Operation
from explib.settings.program import Settings
from explib.storage.revisions.proposal import Proposal
from explib.storage.store import open_store

__all__ = ["explib"]

LESSON = "When you call ship, call weigh before it."
OTHER = "When a search gives nothing, drop the least certain filter."


def learned(*contents: str, review: bool = False) -> None:
    """What the learner brings."""

    async def commit() -> None:
        async with open_store(Settings().database_url) as store:
            await store.libraries.ensure("default", LibrarySettings(review=review, exploration=False))
            current = await store.libraries.get("default")
            operations = tuple(Operation("ADD", "winners did", content=each) for each in contents)
            await store.revisions.commit(Proposal(current, "learned", "learner", "model", operations))

    asyncio.run(commit())


def test_a_person_changes_the_library_and_goes_back(explib: Explib) -> None:
    assert explib("experiences", "add", LESSON, "--author", "ann").out == (
        f"Revision 1 of default: [e1] (active, pinned, version 1) {LESSON}\n"
    )
    edited = explib("experiences", "edit", "e1", OTHER, "--author", "bob", "--expected-version", "1", "--json")
    assert (json.loads(edited.out)["revision"], json.loads(edited.out)["version"]) == (2, 2)
    assert explib("experiences", "retire", "e1", "--reason", "no longer so").code == 0
    assert explib("experiences", "list").out == "no experiences yet\n"
    back = explib("revert", "1", "--author", "ann")
    assert back.out == ("default stands as after revision 1: revision 4 of default (1 experience changed, 1 served)\n")
    assert explib("experiences", "list").out == f"[e1]. {LESSON}\n"
    history = json.loads(explib("history", "--json").out)
    assert (history[0]["number"], history[0]["author"]) == (4, "ann")
    assert [each["author"] for each in history][2:] == ["bob", "ann"]
    assert history[1]["cause"] == "no longer so"


def test_what_waits_for_review_is_listed_and_decided_on(explib: Explib) -> None:
    learned(LESSON, OTHER, review=True)
    waiting = json.loads(explib("experiences", "list", "--status", "waiting", "--json").out)
    assert [(each["id"], each["operation"]["content"]) for each in waiting] == [("p1", LESSON), ("p2", OTHER)]
    listed = explib("experiences", "list").out.splitlines()
    assert listed[0] == f"waits for review p1: ADD {LESSON} (model: winners did; 0 attempts for it, 0 against)"
    assert explib("experiences", "review", "p1", "approve").out.splitlines() == [
        "p1 is approved: revision 1 of default",
        f"[e1] (active, pinned, version 1) {LESSON}",
    ]
    assert explib("experiences", "review", "p2", "reject", "--reason", "too vague").code == 0
    assert explib("experiences", "list").out == f"[e1]. {LESSON}\n"
    assert "nothing is left to decide" in one_line(explib("experiences", "review", "p2", "approve"))


def test_experiences_are_listed_by_status(explib: Explib) -> None:
    learned(LESSON, OTHER)
    explib("experiences", "review", "e1", "approve")
    explib("experiences", "retire", "e2")
    for status, ids in {"active": ["e1"], "candidate": [], "retired": ["e2"]}.items():
        listed = json.loads(explib("experiences", "list", "--status", status, "--json").out)
        assert [each["id"] for each in listed] == ids


def test_an_experience_is_unpinned_and_pinned_without_another_text(explib: Explib) -> None:
    explib("experiences", "add", LESSON)
    assert (
        explib("experiences", "edit", "e1", "--unpin").out
        == f"Revision 2 of default: [e1] (active, version 1) {LESSON}\n"
    )
    again = explib("experiences", "edit", "e1", "--pin", "--reason", "sure of it")
    assert again.out == f"Revision 3 of default: [e1] (active, pinned, version 1) {LESSON}\n"
    assert "Pass another text" in one_line(explib("experiences", "edit", "e1"))
    assert "sure of it" in explib("history").out
    assert "now [e1] (active, pinned)" in explib("experiences", "show", "e1").out


def test_what_a_person_wrote_is_not_shown_as_learned(explib: Explib) -> None:
    explib("experiences", "add", LESSON)
    shown = explib("experiences", "show", "e1").out
    assert "Written by a person in revision 1. " in shown
    assert "## Attempts\nnone\n" in shown


def test_the_difference_of_two_revisions_reads_as_lines_and_as_json(explib: Explib) -> None:
    learned(LESSON, OTHER)
    explib("experiences", "edit", "e1", "When you ship, weigh first.")
    explib("experiences", "retire", "e2")
    explib("experiences", "add", "When a tool fails, read its error.")
    assert explib("diff", "1").out.splitlines() == [
        f"- [e2] (candidate) {OTHER}",
        f"- [e1] (candidate) {LESSON}",
        "+ [e1] (active) When you ship, weigh first.",
        "+ [e3] (active) When a tool fails, read its error.",
    ]
    found = json.loads(explib("diff", "4", "1", "--json").out)
    assert (found["before"], found["after"]) == (4, 1)
    assert [each["id"] for each in found["added"]] == ["e2"]
    assert [each["id"] for each in found["removed"]] == ["e3"]
    [[before, after]] = found["changed"]
    assert (before["version"], after["version"]) == (2, 1)
    assert explib("diff", "4", "4").out == "revisions 4 and 4 serve the same\n"
    assert "has revisions 1 to 4, so there is no '9'" in one_line(explib("diff", "9"))


def test_the_difference_of_two_revisions_has_the_settings_that_were_changed_between(explib: Explib) -> None:
    explib("experiences", "add", LESSON)
    explib("libraries", "set", "default", "max_words=40")
    explib("experiences", "retire", "e1")
    explib("libraries", "set", "default", "review=on", "max_words=50")
    assert explib("diff", "1").out.splitlines() == [
        f"- [e1] (active) {LESSON}",
        "~ settings in revision 2: max_words 48 → 40",
        "~ settings in revision 4: max_words 40 → 50, review off → on",
    ]
    assert explib("diff", "2", "3").out == f"- [e1] (active) {LESSON}\n"
    back = json.loads(explib("diff", "2", "1", "--json").out)
    assert back["settings"] == [{"revision": 2, "changed": "max_words 48 → 40"}]


def test_libraries_are_created_shown_changed_and_listed(explib: Explib) -> None:
    made = explib("libraries", "create", "airline", "objective=rebook flights", "review=on", "reward_max=10")
    assert made.out.splitlines()[:2] == ["airline, at revision 0", "  objective = rebook flights"]
    assert "  review = on" in made.out
    why = ("--author", "ann", "--reason", "lessons need room")
    changed = json.loads(explib("libraries", "set", "airline", "max_words=40", "review=off", *why, "--json").out)
    assert (changed["settings"]["max_words"], changed["settings"]["review"]) == (40, False)
    assert "  reward_max = 10\n" in explib("libraries", "show", "airline").out
    [line] = explib("history", "--library", "airline").out.splitlines()
    assert line.startswith("1  ")
    assert line.endswith("UTC  ann  lessons need room  max_words 48 → 40, review on → off")
    explib("libraries", "set", "airline", "review=off")
    assert len(explib("history", "--library", "airline").out.splitlines()) == 1, "nothing was changed"
    explib("experiences", "add", LESSON, "--library", "airline")
    assert explib("libraries", "list").out == "airline  1 experience  rebook flights\n"
    assert json.loads(explib("libraries", "list", "--json").out)[0]["experiences"] == 1


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        (("libraries", "create", "airline"), "pass update=true (explib libraries set)"),
        (("libraries", "create", "Air line"), "cannot name a library"),
        (("libraries", "set", "nope", "max_words=40"), "There is no library 'nope'"),
        (("libraries", "set", "airline", "max_words"), "Expected name=value"),
        (("libraries", "set", "airline", "max_words=many"), "max_words must be 8 to 500"),
        (("experiences", "add", " ", "--library", "airline"), "ADD needs a text"),
        (
            ("experiences", "edit", "e9", LESSON, "--library", "airline"),
            "list them with list_experiences (`explib experiences list`)",
        ),
        (("revert", "9", "--library", "airline"), "has no revisions yet, so there is no '9'"),
        (("revert", "0", "--library", "airline", "--expected-revision", "3"), "is at revision 0 now, not 3"),
    ],
)
def test_what_cannot_be_done_is_one_line_that_says_what_to_do(
    explib: Explib, arguments: tuple[str, ...], says: str
) -> None:
    explib("libraries", "create", "airline")
    assert says in one_line(explib(*arguments))
