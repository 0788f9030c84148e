"""Rate and concurrency limits: a bucket of requests and two kinds of slots for each key, in bounded memory."""

from __future__ import annotations

from collections import Counter, OrderedDict
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Literal, TypeAlias

from explib.text.words import number_of

Kind: TypeAlias = Literal["request", "stream"]
MAX_KEYS = 10_000
"""Keys whose rate is remembered; of more, the one that has been quiet longest starts afresh."""
MINUTE = 60.0


class TooMany(Exception):
    """Over a limit; `seconds` until it is worth another try."""

    def __init__(self, message: str, seconds: float) -> None:
        super().__init__(message)
        self.seconds = seconds


@dataclass(frozen=True, slots=True)
class Allowance:
    """The limits of one key; None: no limit."""

    per_minute: int | None
    requests: int | None
    streams: int | None

    def slots(self, kind: Kind) -> int | None:
        """The number of requests or streams at once."""
        return self.streams if kind == "stream" else self.requests


class Limits:
    """Counts requests by key. `clock` gives seconds that only grow."""

    def __init__(self, clock: Callable[[], float]) -> None:
        self._clock = clock
        self._buckets: OrderedDict[str, tuple[float, float]] = OrderedDict()
        self._taken: Counter[tuple[str, Kind]] = Counter()

    def spend(self, key: str, allowance: Allowance) -> None:
        """Count one request: a minute's worth may come at once, then they come at their rate. Raises TooMany."""
        if allowance.per_minute is None:
            return
        now, most = self._clock(), float(allowance.per_minute)
        left, since = self._buckets.pop(key, (most, now))
        left = min(most, left + (now - since) * most / MINUTE)
        enough = left >= 1
        self._buckets[key] = (left - 1 if enough else left, now)
        while len(self._buckets) > MAX_KEYS:
            self._buckets.popitem(last=False)
        if not enough:
            most_said = number_of(allowance.per_minute, "request")
            raise TooMany(
                f"More than {most_said} a minute (EXPLIB_REQUESTS_PER_MINUTE): wait, then go on.",
                (1 - left) * MINUTE / most,
            )

    @contextmanager
    def slot(self, key: str, kind: Kind, allowance: Allowance) -> Iterator[None]:
        """Hold one of the key's places while the body runs. Raises TooMany."""
        place, most = (key, kind), allowance.slots(kind)
        if most is not None and self._taken[place] >= most:
            raise TooMany(f"More than {number_of(most, kind)} at once: let one end, then try again.", 1.0)
        self._taken[place] += 1
        try:
            yield
        finally:
            self._taken[place] -= 1
            if not self._taken[place]:
                del self._taken[place]
