from __future__ import annotations

import asyncio
import re
from dataclasses import replace

from learner.model_cases import attempt, batch_of, graded, parts_on
from learner.scripted_endpoint import Asked, Reply, answers, text_of

from explib.models.decisions import Code, CodebookEntry, Decision, GradedAttempt, Option, Verdict
from explib.models.groups import GroupAttempts
from explib.models.json_value import Json
from explib_learner.analysis import Analyser, Analysis
from explib_learner.analyst import Analyst
from explib_learner.grammar.namer import GrammarParts
from explib_learner.repair import BEST, WORST, doubtful

OPTIONS = (Option("a", "ask first"), Option("b", "go on"))
KNOWN = Decision("d1", "work comes: ask first | go on", "model", "work comes", OPTIONS)
LIKELY = Verdict("d1", "unknown", 0.6, "a", 0.5, 0.4, 0.6, 1.0, 10, 10, 0, 20, 10)
MISREAD = ("t43", "t48")


def rewarded(number: int) -> GroupAttempts:
    """Those with an odd number asked first, and won."""
    said = f"I ask about {number}." if number % 2 else f"I go on with {number}."
    return graded(attempt(f"t{number:02d}", number % 2 + 0.01 * (number % 3), said, group=f"t{number:02d}", at=number))


async def codes_of(*, twice: bool) -> tuple[Analysis, list[Asked]]:
    """What a run learns whose first reading has two letters wrong; `twice`: with a second look."""
    sheets: list[Asked] = []

    def script(asked: Asked) -> Reply:
        text = text_of(asked)
        if "name the points" in text:
            return answers({"points": []})
        sheets.append(asked)
        told: list[Json] = []
        for label, number in re.findall(r'of="(A\d+)">.*?(?:ask about|go on with) (\d+)', text, re.DOTALL):
            wrong = len(sheets) == 1 and f"t{int(number):02d}" in MISREAD
            told.append(f"{label} D1{'ab'[(int(number) % 2 == 0) ^ wrong]}")
        return answers({"codes": told})

    async with parts_on(script, concurrency=1) as (parts, _):
        analyst = Analyst("model", (parts,), (parts,), GrammarParts(), 16, rereader=parts if twice else None)
        groups = [rewarded(number) for number in range(50)]
        codes = [Code("d1", f"t{number:02d}", "ba"[number % 2]) for number in range(40)]
        batch = batch_of(*groups[40:], earlier=groups[:40], codebook=[CodebookEntry(KNOWN, LIKELY)], codes=codes)
        return await Analyser(analyst).analyse(batch), sheets


async def test_codes_that_fit_badly_are_told_once_more_and_blind() -> None:
    once, twice = await asyncio.gather(codes_of(twice=False), codes_of(twice=True))
    letters = {code.trajectory_id: code.letter for code in twice[0].codebook.codes}
    assert [letters[name] for name in MISREAD] == ["a", "b"]
    assert len(twice[1]) == len(once[1]) + 1
    second = text_of(twice[1][-1])
    assert "reward" not in second
    assert len(re.findall(r'of="A\d+"', second)) == WORST + BEST
    effects = [each.codebook.entries[0].verdict for each, _ in (once, twice)]
    assert effects[0] is not None
    assert effects[1] is not None
    assert effects[0].effect < 0.95 < effects[1].effect


def test_only_likely_decisions_of_the_coder_are_doubted() -> None:
    class Words:
        def codes(self, decision: Decision) -> bool:
            return decision.source == "model"

    codes = [Code(name, f"t{at:02d}", "ab"[at % 2]) for at in range(20) for name in ("d1", "d2", "d3")]
    attempts = [GradedAttempt(f"t{at:02d}", float(at % 2 == 0) if at != 7 else 1.0) for at in range(20)]
    entries = [
        CodebookEntry(KNOWN, LIKELY),
        CodebookEntry(replace(KNOWN, id="d2"), replace(LIKELY, decision_id="d2", inclusion=0.01)),
        CodebookEntry(replace(KNOWN, id="d3", source="grammar"), replace(LIKELY, decision_id="d3", effect=0.0)),
    ]
    doubted = doubtful(Words(), entries, codes, attempts)  # type: ignore[arg-type]
    assert "t07" in doubted
    assert len(doubted) == WORST + BEST
    assert all(decisions == [KNOWN] for decisions in doubted.values())
    assert not doubtful(Words(), entries[1:], codes, attempts)  # type: ignore[arg-type]
