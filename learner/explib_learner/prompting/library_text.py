"""How experiences and evidence are shown to a model."""

from __future__ import annotations

from collections.abc import Sequence

from explib.models.experiences import Experience
from explib.models.revisions import Operation
from explib.text.words import estimate_tokens, number_of, terms
from explib_learner.prompting.fences import fenced

_NONE = "(none)"


def experiences_text(experiences: Sequence[Experience]) -> str:
    """The experiences with ids and support, fenced, or `(none)`."""
    return fenced("lessons", "\n".join(map(_line, experiences))) if experiences else _NONE


def closest(experiences: Sequence[Experience], task: str, budget: int) -> tuple[Experience, ...]:
    """The experiences within `budget` tokens, those first that share most terms with the task; in their own order."""
    if sum(estimate_tokens(_line(experience)) for experience in experiences) <= budget:
        return tuple(experiences)
    wanted = set(terms(task))
    ranked = sorted(experiences, key=lambda experience: -len(wanted.intersection(terms(experience.content))))
    chosen: set[str] = set()
    for experience in ranked:
        budget -= estimate_tokens(_line(experience))
        if budget < 0:
            break
        chosen.add(experience.id)
    return tuple(experience for experience in experiences if experience.id in chosen)


def objective_text(objective: str) -> str:
    """The library's objective, fenced, or what stands for none."""
    return fenced("objective", objective) if objective.strip() else "(nothing is said: any task of its agents)"


def learning_objective_text(learning_objective: str) -> str:
    """What the library's lessons should be about, fenced, or what stands for nothing said."""
    if not learning_objective.strip():
        return "(nothing is said: whatever decides results)"
    return fenced("learning-objective", learning_objective)


def counts(operation: Operation) -> tuple[int, int]:
    """How many attempts bear a proposal out and how many contradict it."""
    supporting = sum(citation.stance == "for" for citation in operation.citations)
    return supporting, len(operation.citations) - supporting


def _line(experience: Experience) -> str:
    support = experience.support
    evidence = f"for {support.supporting} in {number_of(support.groups, 'group')}, against {support.contradicting}"
    return f"[{experience.id}] ({experience.status}; {evidence}) {experience.content}"
