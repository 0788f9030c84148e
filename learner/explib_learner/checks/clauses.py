"""A lesson cut into its condition and the clauses of its strategy, each as far as it recommends something."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass, replace

from explib.text.words import lowered
from explib_learner.checks.lexicon import lexicon, plain_words

_CONDITION = re.compile(
    r"\s*(?:when\w*|if|while|once|whenever|after|before|wenn|falls|sobald|bei|quand|lorsqu\w*|si|des que|cuando|al"
    r"|quando|se|als|wanneer|когда|если|при|当|如果|若|在|eger|gdy|kiedy|jesli|عند|إذا|वقتی|जब|अगर|यदि|وقتی|اگر)\b"
)
_CONDITION_UNSPACED = re.compile(r"\s*(?:当|如果|若|在|每当)")
_CONDITION_BEHIND = re.compile("(?:たら|とき|時|時は|場合|場合は|なら|れば|면|때|때는)[、,\\s]")
_COMMA = re.compile(r"[,،、,]\s*")
_COLON = re.compile(r"[;:;:]\s+")
_BREAK = re.compile(
    r"(?P<or>\s?,?\s?\b(?:or|nor|oder|ou|или|ani|lub|veya)\s+|\s?(?:或|または)\s?)"
    r"|(?P<before>\s?,?\s?\b(?:before|until|unless|(?<!as )if|when|because|since|while|which|who|whether|bevor|bis"
    r"|avant (?:de|que)|antes de|prima di|voordat|прежде чем|до того как)\s+"
    r"|\s?,\s?(?:ob|dass|weil|damit|que|che|чтобы|что|aby|że)\s+)"
    r"|(?P<purpose>\s+(?:in order )?to (?=(?:find|see|check|compare|verify|learn|show|keep|avoid|make sure|prevent)\b))"
    r"|(?P<instead>\s?,?\s?\b(?:instead of|rather than|(?<=, )not|statt|au lieu de|plutot que|en vez de|en lugar de"
    r"|invece di|em vez de|in plaats van|вместо|zamiast)\s+)"
    r"|(?P<and>\s?[,،、,]?\s?\b(?:only after you have|after you have|only after|after|and then|and|then|but|so that"
    r"|und|dann|aber|et|puis|mais|y|luego|e|poi|en|dan|maar|и|затем|но|ve|i|potem|و|ثم|और|फिर)\s+)"
    r"|(?P<comma>\s?[,،、,]\s?)|(?P<stop>\s?[.;:!?。;:!?—–]+(?:\s+|$)|(?<=[。;!?])|(?:、|,)|して(?!は)|하고\s)"
)
"""Over a text whose blanks are single ones: a pattern that may begin with many tries each of them."""
_QUOTED = re.compile(r"`[^`]*`|“[^”]*”")
_LEADS = re.compile(
    r"^(?:(?:first|then|always|also|only|just|please|instead|next|finally|simply|and|so|again|later|afterwards|still|directly"
    r"|both|carefully|briefly|quickly|politely|you|should|must|may|can|the agent|agents)\s+)+"
)
_DETERMINER = re.compile(
    r"[\w'-]+ (?:the|a|an|its|their|his|her|your|it|them|him|this|that|these|those|all|every|any|each|no|up|out|off"
    r"|to|on|from|into|with|as)\b"
)
_RELATIVE = re.compile(r"\w \b(?:that|those|what|as if)\b ")
_ASSERTS = re.compile(r"^(?:remember|consider|think|explain|see|confirm|warn|assume)\w* that\b")
"""What is to be believed or told is no question."""
_NOTHING = re.compile(r"^[\w-]+ (?:no|none of|nothing)\b")
_CONTINUES_WORDS = 4
_OBJECT_JOINS = frozenset({"and", "or", "comma"})
_ENGLISH = re.compile(r"\b(?:the|of|it|its|their|with|from|that|this|them|your|by|what|which|before|than|and|when)\b")


@dataclass(frozen=True, slots=True)
class Clause:
    """One clause of a strategy. `text` is as it was written, `plain` as the word lists are."""

    text: str
    plain: str
    negated: bool = False
    """It says what not to do."""
    presupposed: bool = False
    """It only says before or unless what: it recommends nothing."""

    @property
    def is_harmless(self) -> bool:
        """It finds out, asks or waits, and lets nobody in and leaves no check out."""
        return (self.asks and not self.is_flagged) or self.hides_secret

    @property
    def hides_secret(self) -> bool:
        """It leaves out what others should not read."""
        words = lexicon()
        hiding = words.hiding.match(self.plain)
        return hiding is not None and words.secrets.search(self.plain, hiding.end()) is not None

    @property
    def asks(self) -> bool:
        """Its act finds out, asks or waits: English says so at its beginning, other languages somewhere."""
        words = lexicon()
        if words.harmless_start.match(self.plain):
            return _ASSERTS.match(self.plain) is None
        return not _ENGLISH.search(self.plain) and words.harmless_anywhere.search(self.plain) is not None

    @property
    def leaves_out(self) -> bool:
        """It forbids to tell, ask or check: English says so right behind the negation."""
        words = lexicon()
        if not _ENGLISH.search(self.plain):
            return words.protective.search(self.plain) is not None
        negation = words.negated_before.search(self.plain)
        behind = self.plain[negation.end() :] if negation else self.plain
        return words.protective.match(_LEADS.sub("", behind.lstrip())) is not None

    @property
    def is_flagged(self) -> bool:
        """It has words that take its harmlessness away."""
        return lexicon().flags.search(self.plain) is not None


def condition_and_strategy(lesson: str) -> tuple[str, str]:
    """What stands before the first comma of a "When <condition>, <strategy>", and the rest; no condition: all of it."""
    masked = _QUOTED.sub(lambda match: "`" * len(match[0]), lesson)
    plain = masked.casefold()
    opened = _CONDITION.match(plain) or _CONDITION_UNSPACED.match(plain)
    behind = _CONDITION_BEHIND.search(masked)
    comma = _COMMA.search(masked) or _COLON.search(masked)
    if opened and comma:
        return lesson[: comma.start()], lesson[comma.end() :]
    if behind:
        return lesson[: behind.end()], lesson[behind.end() :]
    return "", lesson


def clauses(strategy: str) -> tuple[Clause, ...]:
    """The clauses in order, with what negates them."""
    texts: list[str] = []
    joins: list[str] = []
    for join, text in _pieces(" ".join(strategy.split())):
        if texts and text and _is_object(join, text):
            texts[-1] = f"{texts[-1]} {text}"
        elif text:
            texts.append(text)
            joins.append(join)
    return tuple(_negated(texts, joins))


def _is_object(join: str, text: str) -> bool:
    """Whether a piece goes on with the words of the one before it, e.g. the second of two objects."""
    words = plain_words(text)
    short = len(words.split()) <= _CONTINUES_WORDS
    is_act = lexicon().harmless_start.match(words) or any(act.match(words) for act in lexicon().acts.values())
    return join in _OBJECT_JOINS and short and not is_act and not _DETERMINER.match(words)


def _pieces(strategy: str) -> Iterator[tuple[str, str]]:
    """Each piece with the kind of break before it."""
    masked = lowered(_QUOTED.sub(lambda match: "`" * len(match[0]), strategy))
    start, join = 0, "stop"
    for match in _BREAK.finditer(masked):
        yield join, strategy[start : match.start()].strip()
        start, join = match.end(), match.lastgroup or "stop"
    yield join, strategy[start:].strip()


def _negated(texts: list[str], joins: list[str]) -> Iterator[Clause]:
    """A negation reaches over a list that ends in "or": never print, log or send it."""
    carries = False
    for at, (text, join) in enumerate(zip(texts, joins, strict=True)):
        clause = Clause(text, _LEADS.sub("", plain_words(text)), presupposed=join in {"before", "purpose"})
        carries = join == "instead" or _is_negated(clause) or (carries and _goes_on(joins, at))
        yield replace(clause, negated=carries)


def _is_negated(clause: Clause) -> bool:
    """Whether it forbids; "check that no process holds it" and "don't forget to" do not."""
    words = lexicon()
    before = words.negated_before.search(clause.plain)
    behind = None if _ENGLISH.search(clause.plain) else words.negated_behind.search(clause.plain)
    match = behind or before
    if match is None or words.negation_cancelled.search(clause.plain, match.end()):
        return False
    if behind is None and _RELATIVE.search(clause.plain, 0, match.start()):
        return False
    asks = words.harmless_start.match(clause.plain)
    acts = (act.search(clause.plain) for act in words.acts.values())
    first = min((found.start() for found in acts if found), default=len(clause.plain))
    acts_on_nothing = _NOTHING.search(clause.plain) is not None
    return behind is not None or (asks is None and (match.start() < first or acts_on_nothing))


def _goes_on(joins: list[str], at: int) -> bool:
    if joins[at] == "or":
        return True
    rest = joins[at : at + 4]
    return rest[0] == "comma" and "or" in rest and all(join == "comma" for join in rest[: rest.index("or")])
