from __future__ import annotations

import asyncio
import random
from collections.abc import Sequence

import pytest
from library.evidence_cases import attempt, drawn, misstatements, recorded, same
from sqlalchemy import select, text

from explib.evidence.ledger import HOLDOUT, CounterKey, Counters, Delta, experience_key
from explib.models.libraries import Library, LibrarySettings
from explib.models.retrievals import Retrieval
from explib.models.submissions import Grade
from explib.storage.evidence import accounts as evidence
from explib.storage.evidence import batches as counting
from explib.storage.evidence.batches import SHARE, count
from explib.storage.evidence.counters import continue_record
from explib.storage.evidence.pairs import Pair
from explib.storage.maintenance.check import check
from explib.storage.store import Store, open_store
from explib.storage.tables.evidence import submitter_evidence

E1, E2 = experience_key("e1", 1), experience_key("e2", 1)


@pytest.fixture(params=["sqlite", "postgresql"])
def engine(request: pytest.FixtureRequest) -> str:
    return str(request.param)


async def held(store: Store, library: Library, key: CounterKey = E1) -> Counters:
    await store.evidence.count_all(library)
    return (await store.evidence.of(library, [key]))[key]


async def test_a_retrieval_counts_as_not_reported_until_its_reward_comes(store: Store, library: Library) -> None:
    retrieval = await recorded(store, library, drawn(True, False))
    assert (await held(store, library)).served == 1
    assert (await held(store, library, E2)).served == 0
    assert (await held(store, library)).missing.s == pytest.approx(0.5 * (0 - retrieval.reporting))
    receipt = await store.trajectories.submit(library, attempt(retrieval, 1.0))
    assert receipt.scored
    after = await held(store, library)
    assert after.sums.s == pytest.approx(0.5 * (1.0 - retrieval.baseline))
    assert after.missing.s == pytest.approx(0.5 * (1 - retrieval.reporting))
    assert (after.sums.n, after.missing.n, after.rewarded) == (1, 1, 1)
    assert (await held(store, library, E2)).rewarded == 0


async def test_a_reward_that_comes_later_is_entered_then(store: Store, library: Library) -> None:
    retrieval = await recorded(store, library, drawn(True))
    receipt = await store.trajectories.submit(library, attempt(retrieval))
    assert not receipt.scored
    assert (await held(store, library)).sums.n == 0
    graded = await store.trajectories.report_reward(library, receipt.trajectory_id, Grade(1.0))
    assert graded.scored
    assert (await held(store, library)).sums.n == 1


async def test_a_planned_pair_counts_once_by_its_difference_and_needs_no_attempt(
    store: Store, library: Library
) -> None:
    pairs = [
        Pair(f"run/{number}", "a task", 1, (("e1", 1, number % 2 == 0), ("e2", 1, True)), (0.75, 0.25))
        for number in range(3)
    ]
    await recorded(store, library, drawn(True))
    assert await store.retrievals.enter_pairs(library, pairs[:2]) == 2
    assert await store.retrievals.enter_pairs(library, pairs) == 1
    one, other = await held(store, library, E1), await held(store, library, E2)
    assert (one.sums.w, one.sums.n) == (3 / 4, 3)
    assert one.sums.lift == pytest.approx((0.5 - 0.5 + 0.5) / 3)
    assert other.sums.lift == pytest.approx(0.5)
    assert other.sums.v == pytest.approx(3 * 0.125**2)
    assert (await store.evidence.totals(library)).rewards == 3
    assert await store.evidence.newest_surprises(library, 10) == []
    assert await misstatements(store) == []
    assert await check(store.database) == []


async def test_the_same_reward_twice_is_entered_once(store: Store, library: Library) -> None:
    retrieval = await recorded(store, library, drawn(True))
    first = await store.trajectories.submit(library, attempt(retrieval, 1.0))
    once = await held(store, library)
    again = await store.trajectories.submit(library, attempt(retrieval, 1.0))
    reported = await store.trajectories.report_reward(library, first.trajectory_id, Grade(1.0))
    assert not again.scored
    assert not reported.scored
    assert await held(store, library) == once


async def test_a_correction_takes_the_old_reward_back(store: Store, library: Library) -> None:
    retrieval = await recorded(store, library, drawn(True, False))
    receipt = await store.trajectories.submit(library, attempt(retrieval, 1.0))
    right = await held(store, library)
    await store.trajectories.report_reward(library, receipt.trajectory_id, Grade(0.0))
    wrong = await held(store, library)
    assert wrong.sums.s == pytest.approx(0.5 * (0.0 - retrieval.baseline))
    assert (wrong.sums.n, wrong.missing, wrong.rewarded) == (1, right.missing, 1)
    await store.trajectories.report_reward(library, receipt.trajectory_id, Grade(1.0))
    assert same(await held(store, library), right)


async def test_attempts_under_one_retrieval_count_once_by_their_mean(store: Store, library: Library) -> None:
    retrieval = await recorded(store, library, drawn(True))
    for reward, agent in ((1.0, "a"), (0.0, "b"), (0.5, "c")):
        await store.trajectories.submit(library, attempt(retrieval, reward, agent))
    found = await held(store, library)
    assert found.sums.n == 1
    assert found.sums.s == pytest.approx(0.5 * (0.5 - retrieval.baseline))
    assert (await store.evidence.totals(library)).rewards == 1


async def test_the_baseline_is_fixed_when_the_retrieval_is_recorded(store: Store, library: Library) -> None:
    first = await recorded(store, library, drawn(True))
    for number in range(6):
        await store.trajectories.submit(library, attempt(first, 1.0, agent=f"a{number}"))
    later, elsewhere = [await recorded(store, library, drawn(True, task=task)) for task in (first.task, "another")]
    assert (await store.retrievals.get(library, first.id)).baseline == 0.5
    assert later.baseline > elsewhere.baseline > 0.5


async def test_rewards_count_as_shares_of_the_librarys_range(store: Store) -> None:
    library = await store.libraries.ensure("wide", LibrarySettings(reward_min=-10.0, reward_max=10.0))
    retrieval = await recorded(store, library, drawn(True))
    await store.trajectories.submit(library, attempt(retrieval, 10.0))
    assert (await held(store, library)).sums.s == pytest.approx(0.25)
    assert (await store.retrievals.get(library, retrieval.id)).reward == 1.0


async def test_a_held_out_retrieval_teaches_about_the_library_only(store: Store, library: Library) -> None:
    without = await recorded(store, library, drawn(False, False, holdout=0.05, held_out=True))
    with_it = await recorded(store, library, drawn(True, False, holdout=0.05))
    await store.trajectories.submit(library, attempt(without, 0.0))
    assert (await held(store, library)).sums.n == 0
    assert (await held(store, library, HOLDOUT)).sums.n == 1
    await store.trajectories.submit(library, attempt(with_it, 1.0))
    assert (await held(store, library)).sums.n == 1
    assert (await held(store, library, HOLDOUT)).sums.s == pytest.approx(
        -0.95 * (0 - without.baseline) + 0.05 * (1 - with_it.baseline)
    )


async def test_what_certainly_was_served_teaches_nothing(store: Store, library: Library) -> None:
    retrieval = drawn(True)
    [serving] = retrieval.servings
    certain = type(retrieval)(retrieval.id, "a task", 1, (type(serving)("e1", 1, 1.0, 1.0, True),), 0.0)
    await store.trajectories.submit(library, attempt(await recorded(store, library, certain), 1.0))
    found = await held(store, library)
    assert (found.sums.w, found.sums.n, found.served, found.rewarded) == (0.0, 0, 1, 1)


async def test_each_submitters_rewards_are_held_apart(store: Store, library: Library) -> None:
    for reward, who in ((1.0, "ann"), (0.0, "bob"), (1.0, "ann")):
        retrieval = await recorded(store, library, drawn(True))
        await store.trajectories.submit(library, attempt(retrieval, reward, submitter=who))
    columns = (submitter_evidence.c.submitter, submitter_evidence.c.n, submitter_evidence.c.s > 0)
    async with store.database.read() as connection:
        found = await connection.execute(select(*columns).where(submitter_evidence.c.subject == E1[1]))
        assert sorted(map(tuple, found)) == [("ann", 2, True), ("bob", 1, False)]
    assert await store.evidence.submitters(library) == 2


async def test_only_signed_rewards_are_evidence_where_the_library_says_so(store: Store) -> None:
    library = await store.libraries.ensure("strict", LibrarySettings(signed_rewards_only=True))
    retrieval = await recorded(store, library, drawn(True))
    receipt = await store.trajectories.submit(library, attempt(retrieval, 1.0))
    assert not receipt.scored
    assert (await held(store, library)).sums.n == 0


async def test_libraries_have_their_own_evidence(store: Store, library: Library) -> None:
    other = await store.libraries.ensure("other", LibrarySettings())
    retrieval = await recorded(store, library, drawn(True))
    await recorded(store, other, drawn(True))
    await store.trajectories.submit(library, attempt(retrieval, 1.0))
    assert (await held(store, other)).sums.n == 0
    assert (await store.evidence.since(other, 0, 1)) == {}


async def test_only_what_changed_is_read_again(store: Store, library: Library) -> None:
    one = await recorded(store, library, drawn(True, False))
    other = await recorded(store, library, drawn(False))
    await store.trajectories.submit(library, attempt(one, 1.0))
    tick = (await store.evidence.totals(library)).tick
    assert set(await store.evidence.since(library, 0, tick)) >= {E1, E2}
    await store.trajectories.submit(library, attempt(other, 1.0))
    changed = await store.evidence.since(library, tick, tick + 1)
    assert E1 in changed
    assert E2 not in changed


async def test_a_correction_is_a_change_too(store: Store, library: Library) -> None:
    retrieval, other = [await recorded(store, library, drawn(*served)) for served in ((True, False), (True,))]
    receipt = await store.trajectories.submit(library, attempt(retrieval, 1.0))
    await store.trajectories.submit(library, attempt(other, 1.0))
    tick = (await store.evidence.totals(library)).tick
    assert await store.evidence.since(library, tick, tick) == {}
    await store.trajectories.report_reward(library, receipt.trajectory_id, Grade(0.0))
    assert {E1, E2} <= set(await store.evidence.since(library, tick, tick + 1))


async def test_after_very_many_rewards_all_accounts_are_read(
    store: Store, library: Library, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(evidence, "MOST_TICKS", 1)
    for served in ((True, False), (True,), (False,)):
        await store.trajectories.submit(library, attempt(await recorded(store, library, drawn(*served)), 1.0))
    tick = (await store.evidence.totals(library)).tick
    assert E2 not in await store.evidence.since(library, tick - 1, tick)
    assert await store.evidence.since(library, tick - 2, tick) == await store.evidence.since(library, -1, tick)


async def test_a_version_that_goes_on_with_anothers_record_is_read_again(store: Store, library: Library) -> None:
    await store.trajectories.submit(library, attempt(await recorded(store, library, drawn(True)), 1.0))
    tick = (await store.evidence.totals(library)).tick
    database = store.database
    await database.write(lambda connection: continue_record(connection, database, library, "e1", (1, 2)))
    now = (await store.evidence.totals(library)).tick
    changed = await store.evidence.since(library, tick, now)
    assert changed[experience_key("e1", 2)] == changed[E1] == await held(store, library)
    assert await store.evidence.since(library, now, now) == {}


async def test_any_number_of_accounts_and_experiences_can_be_named(store: Store, library: Library) -> None:
    await store.trajectories.submit(library, attempt(await recorded(store, library, drawn(True)), 1.0, submitter="ann"))
    names = [f"e{number}" for number in range(1, 40_001)]
    keys = [experience_key(name, 1) for name in names]
    accounts = await store.evidence.of(library, keys)
    assert [key for key in keys if accounts[key].rewarded] == [E1]
    assert await store.evidence.experiences(library, names, "me") == []


async def test_whatever_is_recorded_counted_and_reported_in_whatever_order_the_accounts_are_those_of_the_records(
    store: Store, library: Library, url: str
) -> None:
    """Two processes' stores, repeated submissions and corrections at once."""
    dice = random.Random(3)
    async with open_store(url) as other:
        both = (store, other)
        drawings = [
            drawn(*(dice.random() < 0.5 for _ in range(4)), task=f"task {n % 3}", holdout=0.2) for n in range(40)
        ]
        known = [await recorded(both[n % 2], library, each) for n, each in enumerate(drawings[:30])]
        assert await misstatements(store) == []

        async def report(through: Store, number: int) -> None:
            receipt = await through.trajectories.submit(library, attempt(known[number], agent=f"a{dice.randrange(2)}"))
            await through.trajectories.report_reward(library, receipt.trajectory_id, Grade(dice.random()))

        async def more(through: Store, number: int) -> None:
            await recorded(through, library, drawings[number])
            await count(through.database, library.id)

        reports = [report(dice.choice(both), dice.randrange(30)) for _ in range(120)]
        await asyncio.gather(*reports, *(more(dice.choice(both), number) for number in range(30, 40)))
        assert await misstatements(other) == []
    totals = await store.evidence.totals(library)
    rewarded = [await store.retrievals.get(library, each.id) for each in known]
    assert totals.rewards == sum(each.reward is not None for each in rewarded)
    assert totals.reward_total == pytest.approx(sum(each.reward or 0.0 for each in rewarded))


async def waiting(store: Store, library: Library, many: int) -> list[Retrieval]:
    """Retrievals that are recorded and not yet counted, after enough that are."""
    for _ in range(many):
        store.retrievals.record_behind(library, drawn(True, False))
    await store.retrievals.flush()
    await store.evidence.count_all(library)
    new = [drawn(True, False) for _ in range(many // SHARE - 1)]
    for each in new:
        store.retrievals.record_behind(library, each)
    await store.retrievals.flush()
    assert (await store.evidence.totals(library)).counted == many
    return [await store.retrievals.get(library, each.id) for each in new]


async def test_a_reward_may_come_before_its_retrieval_is_counted(store: Store, library: Library) -> None:
    first, *_ = await waiting(store, library, 20)
    before = (await store.evidence.of(library, [E1]))[E1]
    await store.trajectories.submit(library, attempt(first, 1.0))
    rewarded = (await store.evidence.of(library, [E1]))[E1]
    assert (rewarded.sums.n, rewarded.rewarded) == (1, 1)
    assert rewarded.missing == before.missing
    assert await misstatements(store) == []
    assert (await held(store, library)).served == 24
    assert await misstatements(store) == []


async def test_a_reward_that_comes_while_its_retrieval_is_being_counted_is_not_lost(
    store: Store, library: Library, monkeypatch: pytest.MonkeyPatch
) -> None:
    first, second, *_ = await waiting(store, library, 20)
    await store.trajectories.submit(library, attempt(first, 0.0))
    add_up = counting.added_up

    async def late(found: Sequence[Sequence[object]]) -> dict[CounterKey, Delta]:
        await store.trajectories.submit(library, attempt(second, 1.0))
        return await add_up(found)

    monkeypatch.setattr(counting, "added_up", late)
    await count(store.database, library.id)
    assert (await store.evidence.totals(library)).counted == 24
    assert await misstatements(store) == []


async def test_several_that_count_at_once_count_once(store: Store, library: Library, url: str) -> None:
    await waiting(store, library, 40)
    async with open_store(url) as other:
        await asyncio.gather(*(count(each.database, library.id) for each in (store, other, store, other)))
    assert (await held(store, library)).served == 49
    assert await misstatements(store) == []


async def test_what_waits_to_be_counted_is_never_more_than_a_quarter_of_what_is(store: Store, library: Library) -> None:
    for _ in range(60):
        store.retrievals.record_behind(library, drawn(True))
        await store.retrievals.flush()
        await store.evidence.count_due(library)
        totals = await store.evidence.totals(library)
        assert totals.retrievals - totals.counted <= totals.counted / SHARE
    assert totals.counted < totals.retrievals


async def test_a_record_that_fails_is_not_counted(store: Store, library: Library) -> None:
    twice = drawn(True)
    await recorded(store, library, twice)
    store.retrievals.record_behind(library, twice)
    await store.retrievals.flush()
    assert (await held(store, library)).served == 1
    assert (await store.evidence.totals(library)).retrievals == 1


@pytest.mark.parametrize(
    ("damage", "says"),
    [
        ("UPDATE evidence SET n = n + 1 WHERE kind = 'experience'", "1/experience/e1/1"),
        ("UPDATE evidence SET missing_s = 0.0 WHERE subject = 'shortlist'", "1/library/shortlist/0"),
        ("UPDATE evidence_totals SET rewards = 2", "1/totals"),
        ("UPDATE submitter_evidence SET submitter = 'eve' WHERE subject = 'e1'", "1/experience/e1/1 of ann"),
        ("UPDATE trajectories SET retrieval_id = NULL", "1/r_"),
    ],
)
async def test_the_check_of_a_database_finds_evidence_that_its_records_do_not_make(
    store: Store, library: Library, damage: str, says: str
) -> None:
    retrieval = await recorded(store, library, drawn(True, holdout=0.1))
    await store.trajectories.submit(library, attempt(retrieval, 1.0, submitter="ann"))
    await store.evidence.count_all(library)
    assert await check(store.database) == []
    await store.database.write(lambda connection: connection.execute(text(damage)))
    [found] = await check(store.database)
    assert found.examples[0].startswith(says)


async def test_what_is_recorded_is_counted_behind_it_when_enough_waits(store: Store, library: Library) -> None:
    await waiting(store, library, 20)
    for _ in range(2):
        store.retrievals.record_behind(library, drawn(True))
        await store.retrievals.close()
    assert (await store.evidence.totals(library)).counted == 25
    assert await misstatements(store) == []
