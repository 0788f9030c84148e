from __future__ import annotations

import hashlib
import hmac

import pytest
from hypothesis import given
from hypothesis import strategies as st

from explib.errors import InvalidSignature, RewardConflict
from explib.evidence.signatures import AHEAD_SECONDS, sign, verify
from explib.models.libraries import Library
from explib.models.submissions import Grade, Signature, Submission
from explib.models.trajectories import Step
from explib.storage.store import Store

NOW = 1_800_000_000
KEYS = {"k_1": "explib_one", "k_2": "explib_two"}
REWARDS = st.floats(0, 1)


def test_the_form_is_the_documented_one() -> None:
    text = f"explib-reward-v1\nt_1\n0.500000\n{NOW}"
    by_hand = f"{NOW}.{hmac.new(b'explib_one', text.encode(), hashlib.sha256).hexdigest()}"
    assert sign("explib_one", "t_1", 0.5, NOW) == by_hand
    assert verify(by_hand, KEYS, "t_1", 0.5, NOW) == Signature("k_1", NOW)


@given(st.sampled_from(sorted(KEYS)), st.text(max_size=40), REWARDS, st.integers(0, NOW))
def test_what_a_good_key_signed_is_accepted(key: str, attempt: str, reward: float, at: int) -> None:
    assert verify(sign(KEYS[key], attempt, reward, at), KEYS, attempt, reward, NOW) == Signature(key, at)


@given(REWARDS, REWARDS, st.integers(0, NOW), st.integers(1, 9))
def test_another_attempt_reward_time_or_key_is_refused(reward: float, other: float, at: int, off: int) -> None:
    good = sign("explib_one", "t_1", reward, at)
    moved = f"{at + off}.{good.partition('.')[2]}"
    attempts = [(good, "t_2", reward), (moved, "t_1", reward), (sign("explib_x", "t_1", reward, at), "t_1", reward)]
    if f"{other:.6f}" != f"{reward:.6f}":
        attempts.append((good, "t_1", other))
    for signature, attempt, claimed in attempts:
        with pytest.raises(InvalidSignature):
            verify(signature, KEYS, attempt, claimed, NOW + off)


@pytest.mark.parametrize(
    "signature", ["", "good", f"{NOW}.", f"{NOW}.{'A' * 64}", f"-1.{'a' * 64}", f"{NOW}.{'a' * 63}"]
)
def test_another_form_is_refused_and_says_how_to_sign(signature: str) -> None:
    with pytest.raises(InvalidSignature, match="explib token sign"):
        verify(signature, KEYS, "t_1", 0.5, NOW)


def test_a_signature_from_the_future_is_refused() -> None:
    early = sign("explib_one", "t_1", 1.0, NOW + AHEAD_SECONDS + 1)
    with pytest.raises(InvalidSignature, match="clock"):
        verify(early, KEYS, "t_1", 1.0, NOW)


def signed(reward: float, at: int) -> Grade:
    return Grade(reward, signature=Signature("k_1", at))


async def submitted(store: Store, library: Library, reward: float | None) -> str:
    submission = Submission("a task", (Step("assistant", "done"),), reward=reward, submitter="agent")
    return (await store.trajectories.submit(library, submission)).trajectory_id


async def reward_of(store: Store, library: Library, identity: str) -> float:
    return (await store.trajectories.get(library, identity)).reward


async def test_a_signed_reward_is_corrected_only_by_a_later_signed_one(store: Store, library: Library) -> None:
    identity = await submitted(store, library, 1.0)
    await store.trajectories.report_reward(library, identity, signed(0.0, 10))
    with pytest.raises(RewardConflict, match="only a signed one corrects it"):
        await store.trajectories.report_reward(library, identity, Grade(1.0))
    with pytest.raises(RewardConflict, match="sign the correction again"):
        await store.trajectories.report_reward(library, identity, signed(1.0, 10))
    assert await reward_of(store, library, identity) == 0.0
    await store.trajectories.report_reward(library, identity, signed(0.5, 11))
    assert await reward_of(store, library, identity) == 0.5


async def test_signing_a_reward_that_is_stored_already_is_no_news_for_the_learner(
    store: Store, library: Library
) -> None:
    identity = await submitted(store, library, 1.0)
    first = await store.trajectories.report_reward(library, identity, signed(1.0, 10))
    again = await store.trajectories.report_reward(library, identity, signed(1.0, 10))
    assert (first.duplicate, again.duplicate) == (False, True)
    assert first.group.graded_version == 1
    with pytest.raises(RewardConflict):
        await store.trajectories.report_reward(library, identity, Grade(0.0))
