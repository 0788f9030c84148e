"""Whether a lesson recommends only what attempts did: what isn't borne out by them waits for a person.

A lesson's strategy is cut into clauses. A clause that finds out, asks or waits needs no attempts. Every name in it
(command, tool, path, address) and every consequential act (deleting, paying, sharing, installing, switching checks off,
changing rights) must occur in the agent's own deeds of `WITNESSES` attempts that followed the lesson and won. What is
none of these must at least be spoken of there: unknown advice isn't harmless advice. Words stand for it, or, where a
lesson says in other words what a deed is, nearness in meaning; that is enough for no name and no flagged clause.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import TypeAlias

from explib.models.trajectories import Attempt
from explib_learner.checks.clauses import Clause, clauses, condition_and_strategy
from explib_learner.checks.deeds import Deed, deeds_of, said_deed, stems_of
from explib_learner.checks.lexicon import lexicon, plain_words
from explib_learner.checks.names import Name, addresses_in, names_in

WITNESSES = 2
"""Attempts that followed a lesson and won which must have done what it says."""
SPOKEN = 0.5
"""Share of a clause's words that one attempt's deeds must have."""
FLAGGED = 0.75
"""The same for a clause that leaves a check out, lets anyone in, or the like."""
DONE = 0.3
"""Share of the other words of a clause with a consequential act that the deed must have which is that act."""
JOINED = 0.5
"""The same, where the words of the task count too."""
NEAR = 0.25
"""Cosine from which a clause speaks of a deed. Measured with wordllama: clauses and deeds of other lessons reach it in
2 of 100 pairs, those of the same lesson in 4 of 5."""
SAME_OBJECT = 0.4
"""The same for a clause with a consequential act and a deed which is that act."""
SAME = 0.5
"""Cosine from which a call does what a clause says though none of its words names that kind of act."""
NAMED_OTHERWISE = frozenset({"share", "run"})
"""Kinds of acts that tools name in many ways. To delete, pay, grant, skip or hide is always called so."""
_QUOTED_CHARACTERS = 60
_OBJECT_CHARACTERS = 40
_INSIDE_CHARACTERS = 4
_TO_ACT = re.compile(r"\bto\s+$")
_DETERMINED = re.compile(r"\b(?:the|a|an|its|their|his|her|your|any|each|every|this|that)\s+$")
_PRONOUN = re.compile(r"^(?:(?:never|not|don't|do not) )?[\w-]+ (?:it|them|this|these)\b")
_MEANS = re.compile(r" by (?=[\w-]{3,}ing\b)")
_TO_LISTENER = re.compile(
    r"^(?:give|tell|show) (?:(?:the|your) )?(?:passenger|customer|user|caller|guest|client|buyer|patient|tenant|student"
    r"|traveller|them|him|her)s?\b"
)
"""Whom an agent's words are for is not said in them."""
_PLACEHOLDER = re.compile(r"<[\w .-]+>|\{\w+\}|…|\.\.\.")
_PARTS = re.compile(r"[^\s'\"=,;|&()]+")


@dataclass(frozen=True, slots=True)
class Witness:
    """An attempt that followed a lesson and won."""

    deeds: tuple[Deed, ...]
    read: str
    """What its tools answered, in small letters and without backticks."""
    asked: frozenset[str]
    """Stems of its task: an act's object is often named there alone."""
    stems: frozenset[str]
    """Of all its deeds."""


@dataclass(frozen=True, slots=True)
class Grounds:
    """What stands behind a lesson."""

    missing: str = ""
    """What of it the attempts did not do; empty: nothing."""
    consequential: bool = False
    """It needs attempts that did the same: it isn't only about finding out, asking and waiting."""


Nearness: TypeAlias = Callable[[str, Deed], float]
"""Cosine of a clause's text and a deed."""


def by_words_alone(_clause: str, _deed: Deed) -> float:
    """No nearness in meaning, whatever the texts."""
    return 0.0


def witness_of(attempt: Attempt) -> Witness:
    """Read an attempt for what its agent did."""
    read = "\n".join(step.text for step in attempt.steps if step.role == "tool")
    deeds = deeds_of(attempt)
    return Witness(
        deeds=deeds,
        read=plain_words(read).replace("`", "'"),
        asked=stems_of(plain_words(attempt.trajectory.task)),
        stems=frozenset().union(*(deed.stems for deed in deeds)),
    )


def asked_by(said: str) -> Witness:
    """A person's words, as if what they ask for had been done: they know what they want."""
    told = said_deed(said)
    return Witness((told,), "", frozenset(), told.stems)


def grounds_of(
    lesson: str,
    winners: Sequence[str],
    witnesses: Mapping[str, Witness],
    nearness: Nearness = by_words_alone,
    told: Witness | None = None,
    others: Sequence[str] = (),
) -> Grounds:
    """What of a lesson neither the attempts `winners`, which followed it and won, did, nor a person `told`.

    What a tool asked for may also have been read by `others` that show the same without having followed it.
    """
    behind = [witnesses[name] for name in winners if name in witnesses]
    condition, strategy = condition_and_strategy(lesson)
    needs = [_name_need(name) for name in addresses_in(condition)]
    for clause in clauses(strategy):
        needs += _needs(clause, condition, nearness)
    around = [*behind, *(witnesses[name] for name in others if name in witnesses)]
    done = {
        need.what: (told and need.is_done(told)) or _seen(behind, need.is_done) or _seen(around, need.is_read)
        for need in needs
    }
    borne_out = any(done.values())
    missing = (need.what for need in needs if not done[need.what] and (need.is_specific or not borne_out))
    return Grounds("; ".join(dict.fromkeys(missing)), bool(needs))


@dataclass(frozen=True, slots=True)
class Need:
    """What a clause needs attempts to have done."""

    what: str
    """In words, from the lesson."""
    is_done: Callable[[Witness], bool]
    is_specific: bool = True
    """A name, a consequential act, or a flagged clause; other words pass beside what is borne out."""
    is_read: Callable[[Witness], bool] = lambda _: False
    """Whether a tool's answer in an attempt bears it out as well."""


def _needs(clause: Clause, condition: str, nearness: Nearness) -> list[Need]:
    """What must be found in attempts before the clause may be recommended."""
    if clause.presupposed and not clause.is_flagged:
        return [_name_need(name) for name in addresses_in(clause.text)]
    if clause.negated:
        return _needs_of_forbidding(clause, condition)
    if clause.is_flagged:
        nearness = by_words_alone
    named = [_name_need(name) for name in names_in(clause.text)]
    kinds = _acts_of(clause)
    if kinds and not clause.is_flagged and (means := _MEANS.search(clause.plain)):
        return [*named, *_needs_of_means(clause, means.span(), kinds, condition)]
    if kinds:
        return [*named, *(_act_need(clause, kind, nearness) for kind in kinds)]
    if clause.is_harmless or (named and not clause.is_flagged):
        return named
    return [*named, *_word_needs(clause, condition, nearness, is_specific=clause.is_flagged)]


def _needs_of_forbidding(clause: Clause, condition: str) -> list[Need]:
    """To forbid an act is fine; not to tell, ask or check is an act, unless it keeps what is others' secret."""
    addresses = [_name_need(name) for name in addresses_in(clause.text)]
    told = f"{plain_words(condition)} {clause.plain}" if _PRONOUN.search(clause.plain) else clause.plain
    if clause.leaves_out and not lexicon().secrets.search(told):
        return [*addresses, *_word_needs(clause, condition, by_words_alone, is_specific=True)]
    return addresses


def _needs_of_means(clause: Clause, by: tuple[int, int], kinds: Sequence[str], condition: str) -> list[Need]:
    """An act by means of another: the other must be borne out, and of the first only that such an act was done."""
    effect, way = clause.plain[: by[0]], clause.plain[by[1] :]
    caused = [kind for kind in kinds if lexicon().acts[kind].search(effect)]
    return [
        *(_act_need(clause, kind, by_words_alone, anything=True) for kind in caused),
        *_needs(Clause(way, way), condition, by_words_alone),
    ]


def _acts_of(clause: Clause) -> list[str]:
    """The kinds of consequential acts that it tells to do: of a clause that asks those at its beginning or after to."""
    kinds = []
    for kind, pattern in lexicon().acts.items():
        matches = [each for each in pattern.finditer(clause.plain) if not _is_noun(clause.plain, each)]
        if clause.is_harmless:
            matches = [match for match in matches if not match.start() or _TO_ACT.search(clause.plain[: match.start()])]
        if matches and (clause.is_flagged or not _on_plain_object(clause, matches[0].end())):
            kinds.append(kind)
    return kinds


def _is_noun(plain: str, match: re.Match[str]) -> bool:
    """Whether what looks like an act is a thing: the e-mail address, a transfer."""
    return _DETERMINED.search(plain[: match.start()]) is not None


def _on_plain_object(clause: Clause, at: int) -> bool:
    return lexicon().plain_objects.search(clause.plain[at:][:_OBJECT_CHARACTERS]) is not None


def _name_need(name: Name) -> Need:
    written = plain_words(_PLACEHOLDER.sub(" ", name.text)).strip()
    asked = name.is_asked and not any(pattern.search(written) for pattern in lexicon().acts.values())
    return Need(
        f"`{name.text[:_QUOTED_CHARACTERS]}`",
        lambda witness: _named(witness, written),
        is_read=lambda witness: (name.is_plain or asked) and _contains(witness.read, written),
    )


def _act_need(clause: Clause, kind: str, nearness: Nearness, *, anything: bool = False) -> Need:
    stems = stems_of(lexicon().acts[kind].sub(" ", clause.plain))
    quoted = repr(clause.text[:_QUOTED_CHARACTERS])

    anything = anything or (_PRONOUN.search(clause.plain) is not None and not clause.is_flagged)
    least = JOINED if clause.is_flagged else DONE
    told = _told_to_listener(clause) if kind == "share" else frozenset()

    def done(witness: Witness) -> bool:
        acts = [deed for deed in witness.deeds if kind in deed.acts]
        return (
            any(
                anything
                or _share(stems, deed.stems) >= least
                or _share(stems, deed.stems | witness.asked) >= JOINED
                or nearness(clause.text, deed) >= SAME_OBJECT
                for deed in acts
            )
            or any(bool(told) and not deed.is_call and told <= deed.stems for deed in witness.deeds)
            or any(
                kind in NAMED_OTHERWISE and deed.is_call and nearness(clause.text, deed) >= SAME
                for deed in witness.deeds
            )
        )

    return Need(quoted, done)


def _told_to_listener(clause: Clause) -> frozenset[str]:
    """Stems of what the agent is to tell whom it talks to, which is no secret; none where it tells somebody else."""
    told = None if clause.is_flagged or lexicon().secrets.search(clause.plain) else _TO_LISTENER.match(clause.plain)
    return stems_of(clause.plain[told.end() :]) if told else frozenset()


def _word_needs(clause: Clause, condition: str, nearness: Nearness, *, is_specific: bool) -> list[Need]:
    """Its words, and for a pronoun those of the condition; of a clause of nothing but small words the whole."""
    quoted = repr(clause.text[:_QUOTED_CHARACTERS])
    refers = _PRONOUN.search(clause.plain) is not None and not is_specific
    stems = stems_of(clause.plain)
    wider = stems | stems_of(plain_words(condition)) if refers else stems
    if not stems and set(clause.plain.split()) <= lexicon().small_words and not is_specific:
        return []
    if not wider:
        return [Need(quoted, lambda witness: any(clause.plain in deed.text for deed in witness.deeds), is_specific)]
    least = FLAGGED if is_specific else SPOKEN

    def done(witness: Witness) -> bool:
        return any(_spoken(words, witness) >= least for words in {stems, wider}) or any(
            nearness(clause.text, deed) >= NEAR for deed in witness.deeds
        )

    return [Need(quoted, done, is_specific)]


def _spoken(stems: frozenset[str], witness: Witness) -> float:
    """The share of stems in a witness's deeds, also inside longer words: `logrotate` rotates."""
    if not stems:
        return 0.0
    inside = (stem for stem in stems - witness.stems if len(stem) >= _INSIDE_CHARACTERS)
    found = len(stems & witness.stems) + sum(any(stem in deed.text for deed in witness.deeds) for stem in inside)
    return found / len(stems)


def _share(stems: frozenset[str], spoken: frozenset[str]) -> float:
    return len(stems & spoken) / len(stems) if stems else 1.0


def _seen(behind: Sequence[Witness], is_done: Callable[[Witness], bool]) -> bool:
    count = 0
    for witness in behind:
        count += is_done(witness)
        if count >= WITNESSES:
            return True
    return False


def _named(witness: Witness, written: str) -> bool:
    """Whether one deed has the name, or all the words of a command."""
    parts = _PARTS.findall(written)
    return any(
        _contains(deed.text, written) or all(_contains(deed.text, part) for part in parts) for deed in witness.deeds
    )


def _contains(text: str, part: str) -> bool:
    """Whether a text has the part, not only inside a longer word."""
    at = text.find(part)
    while at >= 0:
        before, behind = text[at - 1 : at], text[at + len(part) : at + len(part) + 1]
        if not (before.isalnum() and part[:1].isalnum()) and not (behind.isalnum() and part[-1:].isalnum()):
            return True
        at = text.find(part, at + 1)
    return False
