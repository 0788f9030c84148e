"""Budgets and prices of model calls."""

from __future__ import annotations

import re
from dataclasses import dataclass, replace

from explib.errors import InvalidInput

_BUDGET = re.compile(r"([\d.]+)\s*(usd|\$|tok|ktok|mtok)", re.IGNORECASE)
_TOKENS = {"tok": 1, "ktok": 1_000, "mtok": 1_000_000}


@dataclass(frozen=True, slots=True)
class Spent:
    """Tokens, and US dollars where their price is known."""

    tokens: int = 0
    usd: float | None = 0.0
    """None: some of it has no known price."""

    def __add__(self, other: Spent) -> Spent:
        priced = None if self.usd is None or other.usd is None else self.usd + other.usd
        return Spent(self.tokens + other.tokens, priced)

    def __str__(self) -> str:
        money = "price not known" if self.usd is None else f"${self.usd:.2f}"
        return f"{self.tokens:,} tokens, {money}" if self.tokens or self.usd else "no tokens"


@dataclass(frozen=True, slots=True)
class Budget:
    """The most that a run may spend: tokens or US dollars."""

    tokens: int | None = None
    usd: float | None = None

    def covers(self, spent: Spent) -> bool:
        """Whether it does for all of this; money of unknown price is not covered."""
        if self.usd is not None:
            return spent.usd is not None and spent.usd <= self.usd
        return self.tokens is None or spent.tokens <= self.tokens

    def __str__(self) -> str:
        return f"${self.usd:g}" if self.usd is not None else f"{self.tokens:,} tokens"


def read_budget(text: str) -> Budget:
    """A budget as it is typed: 5usd, 2Mtok, 500ktok. Raises InvalidInput."""
    found = _BUDGET.fullmatch(text.strip())
    try:
        amount = float(found[1]) if found else 0.0
    except ValueError:
        amount = 0.0
    if found is None or amount <= 0:
        raise InvalidInput(f"--budget {text!r} is no budget: write for example 5usd or 2Mtok.")
    unit = found[2].lower()
    return Budget(usd=amount) if unit in {"usd", "$"} else Budget(tokens=round(amount * _TOKENS[unit]))


def usd_of(model: str, tokens_in: int, tokens_out: int) -> float | None:
    """The list price of a model's tokens; None where it is not known. `model` is `provider/name`, or a name.

    Nothing has a price without the extra `practice`.
    """
    if not tokens_in and not tokens_out:
        return 0.0
    try:
        from genai_prices import Usage, calc_price
    except ModuleNotFoundError:
        return None

    provider, _, name = model.partition("/")
    try:
        usage = Usage(input_tokens=tokens_in, output_tokens=tokens_out)
        return float(calc_price(usage, model_ref=name or provider, provider_id=provider if name else None).total_price)
    except LookupError:
        return None


def rollouts_cost(number: int, each: Spent) -> Spent:
    """So many times the same."""
    return replace(each, tokens=each.tokens * number, usd=None if each.usd is None else each.usd * number)
