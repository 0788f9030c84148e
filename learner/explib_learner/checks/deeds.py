"""What an agent did in an attempt: its calls with their arguments, its edits and commands, and what it said itself.

What tools answered and what people said is no deed of the agent's.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from explib.models.json_value import Json
from explib.models.trajectories import Attempt, Step, ToolCall
from explib_learner.checks.lexicon import lexicon, plain_words, words_of_name

MAX_CHARACTERS = 4_000
"""Of one argument or text."""
MAX_DEEDS = 400
_SENTENCE = re.compile(r"(?<=[.!?。!?])\s+|\n+")
_WORD = re.compile(r"[^\W\d_]+(?:'[^\W\d_]+)?")
_ENDINGS = re.compile(r"(?:ations?|ings?|edly|ed|ies|es|s|e|er|ers|ions?|ly|ments?|en|t)$")
_UNSPACED = re.compile("[\u0e00-\u0fff\u1780-\u17ff\u3041-\u30ff\u3400-\u9fff\uac00-\ud7a3]+")
_STEM = 5
_SAME = {
    same: words.split()[0]
    for words in ("edit change modify update adjust rewrite", "run bash shell execute start", "mail message letter")
    for same in words.split()
}
"""Words for one kind of step, under the first of them."""
_EMPTY = frozenset(
    "the a an and or of to in on at by for from with without as is are was were be been it its this that these those "
    "them they their then than so if when first before after again also only all any each every other own same such "
    "not no never do does don't you your he she his her who what which how up out off over into one two more most "
    "please instead always must should may can will there here where while because about as well customer customers "
    "user users client clients person people caller agent der die das den dem ein eine und oder zu von mit im am auf "
    "le la les un une des et ou de du en el los las y o que il lo gli i e di da per uno una os as um uma het een van "
    "op и в на с не что".split()
)


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
    steps: list[Deed] = []
    for deed in _deeds(attempt):
        if len(steps) == MAX_DEEDS:
            break
        steps.append(deed)
    return tuple(steps)


def _deeds(attempt: Attempt) -> Iterator[Deed]:
    for step in attempt.steps:
        if step.role == "assistant":
            yield from _of_step(step)
    if attempt.trajectory.answer:
        yield from _said(attempt.trajectory.answer)


def _of_step(step: Step) -> Iterator[Deed]:
    yield from _said(step.text)
    for call in step.calls:
        yield _called(call)


def _said(text: str) -> Iterator[Deed]:
    words = lexicon()
    for sentence in _SENTENCE.split(text[:MAX_CHARACTERS]):
        plain = plain_words(sentence)
        if plain.strip():
            negated = words.negated_before.search(plain) or words.negated_behind.search(plain)
            acts = frozenset() if negated else _acts(plain)
            yield Deed(plain, stems_of(plain), acts, is_call=False)


def _called(call: ToolCall) -> Deed:
    values = [text[:MAX_CHARACTERS] for text in _texts(call.arguments)]
    written = " ".join((call.name, *values))
    plain = plain_words(" ".join((written, *map(words_of_name, (call.name, *values)))))
    return Deed(plain_words(written), stems_of(plain), _acts(plain), is_call=True)


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
    return (word for word in _WORD.findall(without) if len(word) > 2 and word not in _EMPTY)


def _stem(word: str) -> str:
    word = _SAME.get(word, word)
    stem = _ENDINGS.sub("", word)
    return (stem if len(stem) > 2 else word)[:_STEM]
