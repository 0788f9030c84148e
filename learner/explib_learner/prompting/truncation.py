"""Cutting a transcript to a budget: the middle of long tool results goes first, never the end of everything.

In this order, each only as far as is needed: the middle of long tool results, the middle of other long texts, steps
from the middle, and at last the texts of the first and the last step.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace

from explib.text.words import estimate_tokens, number_of

LEAST_TOKENS = 400
"""The smallest budget that is kept: the heads of the pinned pieces and the remarks on what was left out."""

FLOOR = 200
"""Characters that a text keeps before steps are left out, if nothing else is said."""
_CHARACTERS_PER_TOKEN = 4
"""At most so many: more characters than this are over a budget without counting."""
_HEAD_SHARE = 0.6
_REMARK_LENGTH = 40


@dataclass(frozen=True, slots=True)
class Piece:
    """One step of a transcript: a short head that stays, and a body that may be cut."""

    head: str
    body: str
    bulk: bool = False
    """A tool's result: cut before anything else."""
    pinned: bool = False
    """Never left out: first and last step, answer, feedback."""

    @property
    def text(self) -> str:
        """Head and body as the model reads them."""
        return f"{self.head} {self.body}" if self.body else self.head


def clipped(text: str, characters: int) -> str:
    """The text, or its beginning and end around a remark, where that is shorter."""
    if len(text) <= characters + _REMARK_LENGTH:
        return text
    head = int(characters * _HEAD_SHARE)
    tail = len(text) - (characters - head)
    left_out = f"[{tail - head} characters left out]" if characters >= FLOOR else "…"
    return f"{text[:head]} {left_out} {text[tail:]}"


def clipped_to_tokens(text: str, tokens: int) -> str:
    """The text with as much of its middle left out as is needed."""
    if fits((Piece("", text),), tokens):
        return text
    return _longest(len(text), 0, tokens, lambda size: (Piece("", clipped(text, size)),))[0].body


def total_tokens(pieces: Sequence[Piece]) -> int:
    """About how many tokens the pieces have together, each on a line of its own."""
    return sum(estimate_tokens(piece.text) + 1 for piece in pieces)


def fits(pieces: Sequence[Piece], budget: int) -> bool:
    """Whether the pieces have at most `budget` tokens; cheap where they have far more."""
    characters = sum(len(piece.text) for piece in pieces)
    return characters <= budget * _CHARACTERS_PER_TOKEN and total_tokens(pieces) <= budget


def cut(pieces: Sequence[Piece], budget: int, floor: int = FLOOR) -> tuple[Piece, ...]:
    """The pieces within `budget` tokens (at least LEAST_TOKENS), in the order of the module's rule.

    Texts keep `floor` characters before steps are left out.
    """
    kept = tuple(pieces)
    if fits(kept, budget):
        return kept
    longest = max(len(piece.body) for piece in kept)
    results = _longest(longest, floor, budget, lambda size: _clip(kept, size, only_bulk=True))
    if fits(results, budget):
        return results
    texts = _longest(longest, floor, budget, lambda size: _clip(results, size))
    if fits(texts, budget):
        return texts
    steps = sum(not piece.pinned for piece in texts)
    fewer = _longest(steps, 0, budget, lambda count: _without_middle(texts, steps - count))
    if fits(fewer, budget):
        return fewer
    return _longest(floor, 0, budget, lambda size: _clip(fewer, size))


def _longest(most: int, least: int, budget: int, made: Callable[[int], tuple[Piece, ...]]) -> tuple[Piece, ...]:
    """What is made with the largest size that fits, else with the least."""
    low, high = least, max(most, least)
    while low < high:
        middle = (low + high + 1) // 2
        if fits(made(middle), budget):
            low = middle
        else:
            high = middle - 1
    return made(low)


def _clip(pieces: tuple[Piece, ...], size: int, only_bulk: bool = False) -> tuple[Piece, ...]:
    return tuple(
        replace(piece, body=clipped(piece.body, size)) if piece.bulk or not only_bulk else piece for piece in pieces
    )


def _without_middle(pieces: tuple[Piece, ...], count: int) -> tuple[Piece, ...]:
    """Without `count` of the pieces that are not pinned, from their middle, and a remark in their place."""
    loose = [at for at, piece in enumerate(pieces) if not piece.pinned]
    first = (len(loose) - count) // 2
    gone = set(loose[first : first + count])
    if not gone:
        return pieces
    remark = Piece(f"[{number_of(count, 'step')} left out]", "", pinned=True)
    silent = gone - {loose[first]}
    return tuple(remark if at == loose[first] else piece for at, piece in enumerate(pieces) if at not in silent)
