"""What `explib evidence` says, from retrievals whose draws and rewards are known."""

from __future__ import annotations

import asyncio
import json
import subprocess
import sys
from collections import Counter
from collections.abc import Callable
from pathlib import Path
from typing import TypeAlias

import pytest
from library.evidence_cases import attempt, drawn
from mcp import Client
from mcp.types import TextResourceContents

from explib.evidence.belief import FEWEST_SUBMITTERS
from explib.models.libraries import Library, LibrarySettings
from explib.models.revisions import Operation
from explib.models.submissions import Submission
from explib.settings.program import Settings
from explib.storage.revisions.proposal import Proposal
from explib.storage.store import Store, open_store
from explib_server.cli import main
from explib_server.mcp.results.agent import LibraryStatus
from explib_server.mcp.server import build_server
from explib_server.render.evidence import UNCLAIMED, UNEXPLORED, evidence_text, library_evidence, uplift_track

Reward: TypeAlias = Callable[[int, bool], float | None]
LESSONS = ("When you call ship, call weigh before it.", "When it rains, take the bus.")


async def filled(store: Store, settings: LibrarySettings | None = None) -> Library:
    library = await store.libraries.ensure("default", settings or LibrarySettings())
    adding = tuple(Operation("ADD", "because", content=content) for content in LESSONS)
    await store.revisions.commit(Proposal(library, "by hand", "test", "contrast", adding))
    return await store.libraries.get("default")


async def rewarded(
    store: Store, library: Library, count: int, reward: Reward, submitters: int = 1, holdout: float = 0.0
) -> None:
    """Retrievals that serve e1 every other time; `reward` tells what came of each (None: never reported)."""
    submitted: list[Submission] = []
    for number in range(count):
        served, held_out = number % 2 == 0, bool(holdout) and number % 3 == 0
        retrieval = drawn(served and not held_out, task=f"task {number}", holdout=holdout, held_out=held_out)
        store.retrievals.record_behind(library, retrieval)
        value = reward(number, not held_out if holdout else served)
        if value is not None:
            submitted.append(attempt(retrieval, value, submitter=f"s{number % submitters}"))
    await store.retrievals.flush()
    for each in submitted:  # in one order: that in which sums are made shows in their last digit
        await store.trajectories.submit(library, each)


def helps(_number: int, served: bool) -> float:
    return float(served)


async def test_what_is_settled_is_shown_with_its_interval_and_what_is_unknown_says_how_many_more(store: Store) -> None:
    library = await filled(store)
    await rewarded(store, library, 120, helps)
    found = await library_evidence(store, library)
    proven, unknown = found.experiences
    assert (proven.label, proven.served, proven.rewarded, proven.rewards) == ("proven", 60, 60, 120)
    assert proven.lift is not None
    assert 0 < proven.lift.low < 1 <= proven.lift.high + 0.3
    assert proven.helps is not None
    assert proven.helps > 0.99
    assert (unknown.lift, unknown.helps) == (None, None)
    assert unknown.label == "served as learned (origin unknown); not measured"
    assert (found.retrievals, found.rewards) == (120, 120)
    assert found.uplift.label == "not measured (no hold-out: set the library's holdout)"


async def test_lifts_are_told_in_the_librarys_rewards(store: Store) -> None:
    library = await filled(store, LibrarySettings(reward_min=0.0, reward_max=10.0))
    await rewarded(store, library, 60, lambda _, served: 10.0 * served)
    [known, _] = (await library_evidence(store, library)).experiences
    assert known.lift is not None
    assert known.lift.mean > 5


async def test_where_rewards_are_missing_by_what_was_served_nothing_is_claimed(store: Store) -> None:
    library = await filled(store)
    await rewarded(store, library, 400, lambda number, served: 1.0 if served or number % 8 == 1 else None)
    found = await library_evidence(store, library)
    assert found.unclaimed is not None
    assert found.unclaimed.startswith(
        "nothing can be claimed: rewards are reported more often when more lessons are served"
    )
    assert [(each.lift, each.label) for each in found.experiences] == [(None, UNCLAIMED)] * 2
    assert "which rewards are reported depends on what was served" in evidence_text(found.experiences[0])


async def test_where_exploration_is_off_nothing_says_how_many_more_rewards_it_takes(store: Store) -> None:
    library = await filled(store, LibrarySettings(exploration=False))
    found = await library_evidence(store, library)
    assert {each.label for each in found.experiences} == {UNEXPLORED}
    assert found.uplift.label.startswith("not measured (exploration is off")


async def test_a_crowd_of_submitters_is_counted_by_head(store: Store) -> None:
    library = await filled(store)

    crowd = FEWEST_SUBMITTERS + 1  # an odd number: each is served every other time

    def forged_by_two(number: int, served: bool) -> float:
        return float(served) if number % crowd < 2 else 0.5

    await rewarded(store, library, 10 * crowd, forged_by_two, submitters=crowd)
    found = await library_evidence(store, library)
    [forged, _] = found.experiences
    assert found.submitters == crowd
    assert forged.lift is not None
    assert forged.lift.low < 0
    assert abs(forged.lift.mean) < 0.02


async def test_the_uplift_is_what_held_out_retrievals_miss(store: Store) -> None:
    library = await filled(store, LibrarySettings(holdout=0.3))
    await rewarded(store, library, 150, helps, holdout=0.3)
    uplift = (await library_evidence(store, library)).uplift
    assert uplift.lift is not None
    assert uplift.lift.low > 0
    assert (uplift.label, uplift.rewards, uplift.holdout) == ("the library helps", 150, 0.3)
    track = await uplift_track(store, library)
    assert track[-1][1] == uplift.lift
    assert [at for at, _ in track] == sorted(at for at, _ in track)


@pytest.fixture
async def measured() -> None:
    async with open_store(Settings().database_url) as store:
        library = await filled(store, LibrarySettings(holdout=0.3))
        await rewarded(store, library, 150, helps, holdout=0.3)
        await store.votes.cast(library, "e2", "ann", up=True)


@pytest.fixture
def explib(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Callable[..., tuple[str, str]]:
    monkeypatch.setenv("COLUMNS", "80")

    def run(*arguments: str) -> tuple[str, str]:
        monkeypatch.setattr(sys, "argv", ["explib", "evidence", *arguments])
        capsys.readouterr()
        with pytest.raises(SystemExit):
            main()
        said = capsys.readouterr()
        return said.out, said.err

    return run


@pytest.mark.usefixtures("measured")
def test_the_table_fits_a_terminal_and_keeps_votes_apart(explib: Callable[..., tuple[str, str]]) -> None:
    out, _ = explib()
    assert "Uplift of the library over serving nothing: +" in out
    [line] = [line for line in out.splitlines() if line.startswith("e2")]
    assert "1/0" in line
    assert max(map(len, out.splitlines())) <= 80


@pytest.mark.usefixtures("measured")
def test_json_and_table_rest_on_the_same_numbers(explib: Callable[..., tuple[str, str]]) -> None:
    found = json.loads(explib("--json")[0])
    shown = explib()[0]
    assert f"{found['uplift']['lift']['mean']:+.3f}" in shown
    assert found["experiences"][1]["votes"] == {"up": 1, "down": 0}


@pytest.mark.usefixtures("measured")
@pytest.mark.parametrize(("name", "start"), [("lifts.png", b"\x89PNG"), ("lifts.svg", b"<?xml")])
def test_a_picture_is_drawn(explib: Callable[..., tuple[str, str]], tmp_path: Path, name: str, start: bytes) -> None:
    out, err = explib("--plot", str(tmp_path / name))
    assert (out, err) == (f"drawn to {tmp_path / name}\n", "")
    assert (tmp_path / name).read_bytes().startswith(start)


def test_an_empty_library_is_drawn_too(explib: Callable[..., tuple[str, str]], tmp_path: Path) -> None:
    out, _ = explib("--plot", str(tmp_path / "empty.png"))
    assert out.startswith("drawn to")


def test_another_ending_is_refused_before_anything_is_read(explib: Callable[..., tuple[str, str]]) -> None:
    _, err = explib("--plot", "lifts.gif")
    assert err == "explib: 'lifts.gif' ends neither in .png nor in .svg: name the picture so.\n"


def test_without_matplotlib_the_error_says_how_to_install_it(
    explib: Callable[..., tuple[str, str]], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(sys.modules, "matplotlib", None)
    _, err = explib("--plot", str(tmp_path / "lifts.png"))
    assert "pip install 'explib[plot]'" in err


@pytest.mark.usefixtures("measured")
async def test_json_the_status_tool_and_the_page_tell_the_same_numbers() -> None:
    async with open_store(Settings().database_url) as store:
        library = await store.libraries.get("default")
        learned = (Operation("ADD", "because", content="When the parcel is heavy, weigh it twice."),)
        await store.revisions.commit(Proposal(library, "learned", "learner", "contrast", learned))
        for _ in range(5):  # recorded, and perhaps not counted yet
            store.retrievals.record_behind(library, drawn(True, False))
        await store.retrievals.flush()
    async with Client(build_server(Settings(), "off")) as client:
        status = LibraryStatus.model_validate((await client.call_tool("library_status", {})).structured_content)
        [page] = (await client.read_resource("experience://default/e1")).contents
    found = json.loads(await asyncio.to_thread(_json))
    first, *_ = found["experiences"]
    assert isinstance(page, TextResourceContents)
    assert first["served"] == 50 + 5
    assert f"Served {first['served']} times, {first['rewarded']} of them rewarded." in page.text
    assert f"Lift {_span(first['lift'])}, P(helps) {first['helps']:.3f}, from {first['rewards']} rewards" in page.text
    assert page.text.split("Lift")[1].splitlines()[0].endswith(f": {first['label']}.")
    assert (
        status.uplift == f"{_span(found['uplift']['lift'])}, {found['uplift']['label']}; 30% of retrievals are held out"
    )
    assert status.evidence == dict(Counter(each["label"].partition(":")[0] for each in found["experiences"]))
    assert status.revisions_tried == found["trials"] == {"running": 1}
    assert status.revision == found["revision"]


def _json() -> str:
    command = [sys.executable, "-m", "explib_server", "evidence", "--json"]
    return subprocess.run(command, capture_output=True, text=True, check=True, timeout=60).stdout


def _span(lift: dict[str, float]) -> str:
    return f"{lift['mean']:+.3f} ({lift['low']:+.3f} to {lift['high']:+.3f})"
