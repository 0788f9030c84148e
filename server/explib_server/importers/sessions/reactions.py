"""What a person's next words say of the turn before: a correction, the same request again, thanks, or nothing."""

from __future__ import annotations

import re
import tomllib
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from importlib.resources import files
from typing import Literal, TypeAlias

from explib.text.words import normalise_task
from explib.trajectories.feedback import CORRECTED, quoted
from explib.trajectories.results import content_text

Meaning: TypeAlias = Literal["corrects", "asks again", "thanks", "takes over"]

_LONGEST = 600
"""Characters of words that are a reaction; longer ones are a task."""
_QUOTED = 390
"""Characters of the person's words that are told as the reason."""
_FEWEST_WORDS = 4
"""Words of a request that is recognised when it is repeated; in a script without blanks twice as many characters."""
_END = r"(?=$|[\s,.!:;–—，。！、-])"
_STOP = r"(?=\s*(?:$|[,.!:;\n，。！、]))"
_ASKED = re.compile(r"[?？]\s*\S{0,20}\s*$")


_REASONS: Mapping[Meaning, str] = {
    "corrects": CORRECTED,
    "asks again": "The person asked the same again",
    "thanks": "The person's next words accepted it",
    "takes over": "The person's next words took it over",
}


@dataclass(frozen=True, slots=True)
class Reaction:
    """What a person's words say of the turn before them."""

    meaning: Meaning
    words: str

    @property
    def corrects(self) -> bool:
        """Whether the next turn is another attempt at the same."""
        return self.meaning in ("corrects", "asks again")

    @property
    def reward(self) -> float:
        """1 where it was accepted."""
        return float(not self.corrects)

    @property
    def sentence(self) -> str:
        """The evidence, for people."""
        return quoted(_REASONS[self.meaning], self.words)


def reaction(request: str, words: object, answer: str = "") -> Reaction | None:
    """How the words that follow a request take the answer to it; None where they don't say.

    A "no" to a question that the answer ends with is an answer itself.
    """
    said = content_text(words).strip()
    meaning = _meaning(request, said, is_asked=_ASKED.search(answer[-200:]) is not None)
    line = " ".join(said.split())
    return None if meaning is None else Reaction(meaning, line[:_QUOTED] + ("…" if len(line) > _QUOTED else ""))


def _meaning(request: str, said: str, *, is_asked: bool) -> Meaning | None:
    if _repeats(request, said):
        return "asks again"
    if len(said) > _LONGEST:
        return None
    known = _phrases()
    if known.corrects.match(said) or (known.refuses.match(said) and not is_asked):
        return "corrects"
    if known.takes_over.match(said):
        return "takes over"
    return "thanks" if known.thanks.match(said) and not known.but.search(said) else None


def _repeats(request: str, said: str) -> bool:
    """The request stands in the words again, with little else."""
    before, now = normalise_task(request), normalise_task(said)
    if len(now) > 2 * len(before):
        return False
    long = len(before.split()) >= _FEWEST_WORDS or (not before.isascii() and len(before) >= 2 * _FEWEST_WORDS)
    return long and (before in now or set(re.findall(r"\w+", before)) <= set(re.findall(r"\w+", now)))


@dataclass(frozen=True, slots=True)
class _Phrases:
    """The lists of reactions.toml as patterns."""

    refuses: re.Pattern[str]
    corrects: re.Pattern[str]
    thanks: re.Pattern[str]
    takes_over: re.Pattern[str]
    but: re.Pattern[str]


@cache
def _phrases() -> _Phrases:
    written = tomllib.loads(files(__package__).joinpath("reactions.toml").read_text(encoding="utf-8"))
    lead = "|".join(map(_pattern, written["lead"]))
    begin = rf"(?:(?:{lead})(?=$|[\W\u3000-\u9fff])[\s,.!…:;–—，。、-]*){{0,2}}"

    def of(name: str) -> re.Pattern[str]:
        phrases = (_pattern(phrase) for phrases in written[name].values() for phrase in phrases)
        return re.compile(f"{begin}(?:{'|'.join(phrases)})", re.IGNORECASE)

    but = re.compile("|".join(written["but"]), re.IGNORECASE)
    return _Phrases(of("refuses"), of("corrects"), of("thanks"), of("takes_over"), but)


def _pattern(phrase: str) -> str:
    return phrase.replace("END", _END).replace("STOP", _STOP).replace(" ", r"\s+")
