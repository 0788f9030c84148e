"""How a library's purposes are shown to a model."""

from __future__ import annotations

from explib_learner.prompting.fences import fenced


def objective_text(objective: str) -> str:
    """The library's objective, fenced, or what stands for none."""
    return fenced("objective", objective) if objective.strip() else "(nothing is said: any task of its agents)"


def learning_objective_text(learning_objective: str) -> str:
    """What the library's lessons should be about, fenced, or what stands for nothing said."""
    if not learning_objective.strip():
        return "(nothing is said: whatever decides results)"
    return fenced("learning-objective", learning_objective)
