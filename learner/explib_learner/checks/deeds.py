"""What an agent did in an attempt: its calls with their arguments, its edits and commands, and what it said itself.

What tools answered and what people said is no deed of the agent's.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from itertools import islice

from explib.models.json_value import Json
from explib.models.trajectories import Attempt, Step, ToolCall
from explib_learner.checks.clauses import clauses
from explib_learner.checks.lexicon import lexicon, plain_words, words_of_name

MAX_CHARACTERS = 4_000
"""Of one argument or text."""
MAX_DEEDS = 400
_SENTENCE = re.compile(r"(?<=[.!?。!?])\s+|\n+")
_WORD = re.compile(r"(?:[^\W\d_]|[\u0900-\u0dff])+")
_ENDINGS = re.compile(r"(?:ations?|ings?|edly|ed|ies|es|s|e|er|ers|ions?|ly|ments?|en|t)$")
_UNSPACED = re.compile("[\u0e00-\u0fff\u1780-\u17ff\u3041-\u30ff\u3400-\u9fff\uac00-\ud7a3]+")
_STEM = 5
_SAME = {
    same: words.split()[0]
    for words in ("edit change modify update adjust rewrite", "run bash shell execute start", "mail message letter")
    for same in words.split()
}
"""Words for one kind of step, under the first of them."""


@dataclass(frozen=True, slots=True)
class Deed:
    """One call with its arguments, or one sentence of the agent's."""

    text: str
    """Name and arguments as they were, in small letters."""
    stems: frozenset[str]
    acts: frozenset[str]
    """Kinds of consequential acts that it is or speaks of having done."""
    is_call: bool


def deeds_of(attempt: Attempt) -> tuple[Deed, ...]:
    """The deeds of one attempt, in order, its final answer the last."""
    return tuple(islice(_deeds(attempt), MAX_DEEDS))


def _deeds(attempt: Attempt) -> Iterator[Deed]:
    for step in attempt.steps:
        if step.role == "assistant":
            yield from _of_step(step)
    if attempt.trajectory.answer:
        yield from _said(attempt.trajectory.answer)


def said_deed(said: str) -> Deed:
    """What a person told the agent to do, in the words of a lesson that quotes it."""
    plain = plain_words(f"do as the person said: {said}")
    return Deed(plain, stems_of(f"{plain} {words_of_name(plain)}"), _acts(plain), is_call=False)


def _of_step(step: Step) -> Iterator[Deed]:
    yield from _said(step.text)
    for call in step.calls:
        yield _called(call)


def _said(text: str) -> Iterator[Deed]:
    for sentence in _SENTENCE.split(text[:MAX_CHARACTERS]):
        if sentence.strip():
            done = (clause.plain for clause in clauses(sentence) if not clause.negated)
            plain = plain_words(sentence)
            yield Deed(plain, stems_of(plain), frozenset().union(*map(_acts, done)), is_call=False)


def _called(call: ToolCall) -> Deed:
    values = [text[:MAX_CHARACTERS] for text in _texts(call.arguments)]
    written = " ".join((call.name, *values))
    plain = plain_words(" ".join((written, *map(words_of_name, (call.name, *values)))))
    acts = _acts(plain) | (frozenset({"delete"}) if _shortens(call) else frozenset())
    return Deed(plain_words(written), stems_of(plain), acts, is_call=True)


def _shortens(call: ToolCall) -> bool:
    """Whether a call is an edit that takes more away than it puts in: with an old text and a shorter new one."""
    texts = {name.casefold(): value for name, value in call.arguments.items() if isinstance(value, str)}
    old = next((len(value) for name, value in texts.items() if "old" in name), 0)
    new = next((len(value) for name, value in texts.items() if "new" in name), old)
    return new < old


def _texts(value: Json) -> Iterator[str]:
    """Names and values of arguments."""
    if isinstance(value, dict):
        for name, inner in value.items():
            yield name
            yield from _texts(inner)
    elif isinstance(value, list):
        for inner in value:
            yield from _texts(inner)
    elif value is not None:
        yield str(value)


def _acts(plain: str) -> frozenset[str]:
    return frozenset(kind for kind, pattern in lexicon().acts.items() if pattern.search(plain))


def stems_of(plain: str) -> frozenset[str]:
    """The stems of a text's words that say something; pairs of characters where words are written without spaces."""
    stems = {_stem(word) for word in _words(plain)}
    for run in _UNSPACED.findall(plain):
        stems.update(run[at : at + 2] for at in range(max(1, len(run) - 1)))
    return frozenset(stems)


def _words(plain: str) -> Iterable[str]:
    without = _UNSPACED.sub(" ", plain.replace("e-mail", "mail").replace("email", "mail"))
    return (word for word in _WORD.findall(without) if len(word) > 2 and word not in lexicon().small_words)


def _stem(word: str) -> str:
    word = _SAME.get(word, word)
    stem = _ENDINGS.sub("", word)
    return (stem if len(stem) > 2 else word)[:_STEM]
