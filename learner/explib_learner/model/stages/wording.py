"""Putting believed decisions into sentences, all in one call."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from explib.models.libraries import LibrarySettings
from explib.text.words import limit_problem
from explib_learner.analyst import Wording
from explib_learner.checks.injection import injection_in
from explib_learner.model.asker import Asker, Checked
from explib_learner.model.forms import SentencesAnswer
from explib_learner.prompting.fences import fenced
from explib_learner.prompting.files import PromptFile

PLACEHOLDERS = frozenset({"max_words", "decisions"})


async def sentences(
    asker: Asker, prompt: PromptFile, library: LibrarySettings, wordings: Sequence[Wording]
) -> dict[str, str]:
    """A sentence by decision id, for those that got one that can be taken. Raises what `Asker.settle` raises."""
    labelled = {f"L{at + 1}": wording for at, wording in enumerate(wordings)}
    lines = "\n".join(_line(label, wording) for label, wording in labelled.items())
    values = {"max_words": str(library.max_words), "decisions": fenced("decisions", lines)}
    question = asker.question("wording", prompt, SentencesAnswer, values)
    return await asker.settle(question, SentencesAnswer, lambda answer: _checked(answer, labelled, library), tries=0)


def _line(label: str, wording: Wording) -> str:
    options = {option.letter: option.text for option in wording.decision.options}
    others = "; or ".join(text for letter, text in options.items() if letter != wording.letter)
    return f"{label}: when {wording.decision.situation} | better: {options[wording.letter]} | others did: {others}"


def _checked(
    answer: SentencesAnswer, labelled: Mapping[str, Wording], library: LibrarySettings
) -> Checked[dict[str, str]]:
    texts: dict[str, str] = {}
    problems: list[str] = []
    for sentence in answer.sentences:
        text = " ".join(sentence.text.split())
        wording = labelled.get(sentence.label)
        if wording is None or not text:
            continue
        problem = limit_problem(text, library.max_words) or injection_in(text)
        if problem is None:
            texts[wording.decision.id] = text
        else:
            problems.append(f"{sentence.label}: {problem}")
    return Checked(texts, tuple(problems))
