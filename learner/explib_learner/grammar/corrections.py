"""What the person said against the agent's way in the middle of an attempt: the strongest statement there is."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from explib.models.decisions import Decision, Option
from explib.models.trajectories import Attempt, Step
from explib.trajectories.feedback import correction_in
from explib_learner.grammar.commands import command_text, commands
from explib_learner.grammar.files import path_in
from explib_learner.grammar.keys import canonical, id_of
from explib_learner.grammar.reading import words_of
from explib_learner.grammar.records import json_of
from explib_learner.writing.templates import code

_LONGEST = 400
"""Characters of a turn that is one correction; longer ones are new tasks."""
_QUOTED_WORDS = 28
_RULE = re.compile(
    r"\b(?:never(?! ?mind)|always|do not|don'?t|must not|mustn'?t|from now on|next time|instead of|rather than"
    r"|in future|(?:every|each|all) [^.!?]{1,60}\b(?:needs?|must|ha(?:s|ve) to|gets?)"
    r"|nie(?:mals)?|immer|nicht|stattdessen|künftig|jamais|toujours|nunca|siempre)\b",
    re.IGNORECASE,
)
_NO = re.compile(
    r"\s*(?:no|nope|nein|non|wrong|stop|wait|not like that|that'?s (?:not|wrong))\b[\s,.:;!–—-]+(.*)",
    re.IGNORECASE | re.DOTALL,
)
_DIRECTIVE = re.compile(
    r"\b(?:use|run|put|keep|write|call|name|rename|move|add|remove|make|take|redo|undo|revert|again|instead|not"
    r"|nimm|utilise|usa)\b",
    re.IGNORECASE,
)
_REDO = re.compile(r"\s*(?:please )?(?:redo|undo|revert|do (?:it|that|this) (?:again|over))\b", re.IGNORECASE)
_UNSURE = re.compile(
    r"\b(?:i (?:\w+ )?(?:don['’]?t|do not|never|am not|can['’]?t|won['’]?t)|i(?:['’]ve| have) (?:always|never)"
    r"|we (?:don['’]?t|do not) (?:have|need|want|know)"
    r"|no (?:thanks|thank you|problem|worries|that'?s (?:all|it|fine)))\b",
    re.IGNORECASE,
)
_NOT_A_PERSON = re.compile(
    r"\s*(?:<[\w-]+[ >]|\[(?:tool|system|image|request)|```|observation:|tool result|exit code)", re.IGNORECASE
)
_ALIKE = 0.5


@dataclass(frozen=True, slots=True)
class Correction:
    """A decision named by a person, quoted as its reason: a candidate that is served and shown for approval."""

    decision: Decision
    """Option a is what the person asked for."""
    quote: str
    said_in: tuple[str, ...]
    """Ids of the attempts in which it was said."""
    files: tuple[str, ...]
    """Files that the agent had in hand when it was said."""


@dataclass(frozen=True, slots=True)
class _Said:
    trajectory_id: str
    quote: str
    tools: tuple[str, ...]
    files: frozenset[str]
    words: frozenset[str]


def corrections(attempts: Sequence[Attempt]) -> list[Correction]:
    """What people corrected, said in most attempts first; alike sayings are one."""
    clusters: list[list[_Said]] = []
    for attempt in attempts:
        for said in _sayings(attempt):
            home = next((cluster for cluster in clusters if _same(cluster[0], said)), None)
            if home is None:
                clusters.append([said])
            else:
                home.append(said)
    found = [_correction(cluster) for cluster in clusters]
    return sorted(found, key=lambda correction: -len(correction.said_in))


def corrects(text: str) -> bool:
    """Tell a correction by its form: a rule ("never …"), a refusal with what to do, or the wish for a redo."""
    if not text.strip() or len(text) > _LONGEST or _NOT_A_PERSON.match(text) or json_of(text) is not None:
        return False
    if text.rstrip().endswith("?") or _UNSURE.search(text):
        return False
    refused = _NO.match(text)
    if refused is not None and _DIRECTIVE.search(refused[1]) and len(refused[1].split()) > 1:
        return True
    return _REDO.match(text) is not None or (_RULE.search(text) is not None and len(text.split()) > 2)


def _sayings(attempt: Attempt) -> Iterator[_Said]:
    acted: list[Step] = []
    for step in attempt.steps:
        if step.role == "assistant":
            acted.append(step)
        elif step.role == "user" and acted and corrects(step.text):
            yield _said(attempt.trajectory.id, step.text, acted)
    afterwards = correction_in(attempt.trajectory.feedback)
    if afterwards is not None and acted and corrects(afterwards):
        yield _said(attempt.trajectory.id, afterwards, acted)


def _said(trajectory_id: str, text: str, acted: Sequence[Step]) -> _Said:
    words = text.split()
    quote = " ".join(words[:_QUOTED_WORDS]) + (" …" if len(words) > _QUOTED_WORDS else "")
    calls = [call for step in acted[-3:] for call in step.calls]
    tools: list[str] = []
    for call in calls:
        shell = command_text(call.arguments)
        tools.extend(command.name for command in commands(shell)) if shell is not None else tools.append(call.name)
    texts = [value for call in calls for value in call.arguments.values() if isinstance(value, str)]
    files = frozenset(found for text in texts if (found := path_in(text)) is not None)
    return _Said(trajectory_id, quote, tuple(dict.fromkeys(tools)), files, frozenset(words_of(text)))


def _same(one: _Said, two: _Said) -> bool:
    common = len(one.words & two.words)
    alike = common / max(len(one.words | two.words), 1)
    return alike >= _ALIKE or (alike >= _ALIKE / 2 and not one.files.isdisjoint(two.files))


def _correction(cluster: Sequence[_Said]) -> Correction:
    first = cluster[0]
    files = sorted(set().union(*(said.files for said in cluster)))
    key = canonical(["said", sorted(first.words)])
    place = f"you work on {code(files[0])} or the like" if files else "you do such work"
    said = first.quote.replace("“", '"').replace("”", '"').rstrip(".!")
    decision = Decision(
        id=id_of(key, "p"),
        key=key,
        source="person",
        situation=place,
        options=(Option("a", f"do as the person said: “{said}”"), Option("b", "do as you would otherwise")),
        tools=first.tools,
    )
    return Correction(decision, first.quote, tuple(dict.fromkeys(said.trajectory_id for said in cluster)), tuple(files))
