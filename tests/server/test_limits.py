"""Rates, requests at once and open streams, by an injected clock."""

from __future__ import annotations

import pytest
from clock import Clock

from explib_server.auth.limits import MAX_KEYS, Allowance, Limits, TooMany

SIXTY = Allowance(per_minute=60, requests=2, streams=1)
NO_LIMIT = Allowance(None, None, None)


def test_a_minutes_worth_may_come_at_once_and_then_one_a_second() -> None:
    clock = Clock()
    limits = Limits(clock)
    for _ in range(60):
        limits.spend("a", SIXTY)
    with pytest.raises(TooMany, match="60 requests a minute") as told:
        limits.spend("a", SIXTY)
    assert told.value.seconds == pytest.approx(1.0)
    limits.spend("b", SIXTY)
    clock.now += told.value.seconds
    limits.spend("a", SIXTY)
    with pytest.raises(TooMany):
        limits.spend("a", SIXTY)


def test_a_refused_request_costs_nothing_and_quiet_fills_the_bucket_no_further_than_full() -> None:
    clock = Clock()
    limits = Limits(clock)
    for _ in range(60):
        limits.spend("a", SIXTY)
    for _ in range(1_000):
        with pytest.raises(TooMany):
            limits.spend("a", SIXTY)
    clock.now += 10_000
    for _ in range(60):
        limits.spend("a", SIXTY)
    with pytest.raises(TooMany):
        limits.spend("a", SIXTY)


def test_places_are_counted_for_each_key_and_kind_and_given_back() -> None:
    limits = Limits(Clock())
    with limits.slot("a", "request", SIXTY), limits.slot("a", "request", SIXTY), limits.slot("a", "stream", SIXTY):
        with pytest.raises(TooMany, match="More than 2 requests at once"), limits.slot("a", "request", SIXTY):
            pass
        with pytest.raises(TooMany, match="More than 1 stream at once"), limits.slot("a", "stream", SIXTY):
            pass
        with limits.slot("b", "stream", SIXTY):
            pass
    with pytest.raises(ZeroDivisionError), limits.slot("a", "stream", SIXTY):
        _ = 1 / 0
    with limits.slot("a", "stream", SIXTY):
        pass


def test_no_limit_is_no_limit() -> None:
    limits = Limits(Clock())
    for _ in range(10_000):
        limits.spend("a", NO_LIMIT)
    with limits.slot("a", "request", NO_LIMIT), limits.slot("a", "request", NO_LIMIT):
        pass


def test_memory_is_bounded_and_the_quietest_key_is_forgotten_first() -> None:
    limits = Limits(Clock())
    once = Allowance(1, None, None)
    limits.spend("quiet", once)
    limits.spend("busy", once)
    for number in range(MAX_KEYS - 1):
        with pytest.raises(TooMany):
            limits.spend("busy", once)
        limits.spend(f"passer-by {number}", once)
    limits.spend("quiet", once)
    with pytest.raises(TooMany):
        limits.spend("busy", once)
