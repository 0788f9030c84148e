"""What stands between an analyst's proposals and a library: each is kept as it is, or refused with a plain reason."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import cached_property

from explib.models.experiences import Experience
from explib.models.libraries import LibrarySettings
from explib.models.revisions import Operation, Refusal
from explib.models.trajectories import Attempt
from explib.text.redaction import redact
from explib.text.words import limit_problem, normalise_task, terms
from explib_learner.checks.injection import injection_in
from explib_learner.checks.leaks import leaked
from explib_learner.checks.private_values import private_value, words_of_tools
from explib_learner.prompting.transcripts import number

DUPLICATE_SIMILARITY = 0.85
"""Share of common terms (Jaccard) from which two lessons are the same."""

_WITH_CONTENT = ("ADD", "MODIFY", "MERGE")
_WITH_EVIDENCE = ("ADD", "MODIFY")
_QUOTED_CHARACTERS = 80
_MARKER = "[redacted:"


def check_operations(
    operations: Sequence[Operation],
    experiences: Sequence[Experience],
    attempts_by_id: Mapping[str, Attempt],
    settings: LibrarySettings,
) -> tuple[tuple[Operation, ...], tuple[Refusal, ...]]:
    """Sort proposals into those that may be applied and those that are refused, with the reason; none is changed.

    `experiences` are those of the library that are not retired; `attempts_by_id` holds every attempt that may be cited
    (where a group is in it, whole groups). The answers and ground truths of the cited groups' attempts must not be in a
    lesson.
    """
    check = OperationCheck(experiences, attempts_by_id, settings)
    kept: list[Operation] = []
    refused: list[Refusal] = []
    for operation in operations:
        reason = check.reason_against(operation, kept)
        if reason is None:
            kept.append(operation)
        else:
            refused.append(Refusal(operation, reason))
    return tuple(kept), tuple(refused)


def similarity(one: str, other: str) -> float:
    """The share of terms that two texts have in common (Jaccard), 0 to 1."""
    left, right = set(terms(one)), set(terms(other))
    return len(left & right) / len(left | right) if left or right else 0.0


class OperationCheck:
    """The state of one check: the library, the evidence, and what must not be given away."""

    def __init__(
        self,
        experiences: Sequence[Experience],
        attempts: Mapping[str, Attempt],
        settings: LibrarySettings,
    ) -> None:
        self._experiences = {experience.id: experience for experience in experiences}
        self._attempts = attempts
        self._settings = settings

    def reason_against(self, operation: Operation, kept: Sequence[Operation]) -> str | None:
        """The first reason to refuse the operation, or None."""
        return (
            self._wrong_shape(operation)
            or self._wrong_evidence(operation)
            or self._wrong_content(operation)
            or self._repeated(operation, kept)
        )

    def worth_repairing(self, operation: Operation) -> str | None:
        """The first reason to refuse that other words or other evidence would do away with, or None."""
        return self._wrong_shape(operation) or self._wrong_evidence(operation) or self._wrong_content(operation)

    def reason_against_edit(self, operation: Operation) -> str | None:
        """The first reason to refuse what a person asks for, who needs no attempts to cite, or None."""
        return self._wrong_shape(operation) or self._wrong_content(operation) or self._repeated(operation, ())

    def _wrong_shape(self, operation: Operation) -> str | None:
        kind, content = operation.kind, (operation.content or "").strip()
        if kind in _WITH_CONTENT and not content:
            return f"{kind} needs a text, and it is empty"
        if kind not in _WITH_CONTENT and content:
            return f"{kind} takes no text, and it has one"
        if kind == "ADD":
            return "ADD takes no experience, and it names one" if operation.target or operation.merged else None
        if not operation.target:
            return f"{kind} must name an experience, and it names none"
        unknown = [name for name in (operation.target, *operation.merged) if name not in self._experiences]
        if unknown:
            return f"the library has no experience {', '.join(unknown)} (or it is retired)"
        if kind == "MERGE":
            names = (operation.target, *operation.merged)
            return None if len(names) > 1 and len(set(names)) == len(names) else "MERGE needs two different experiences"
        return f"{kind} takes one experience, and it names more" if operation.merged else None

    def _wrong_evidence(self, operation: Operation) -> str | None:
        cited = [citation.trajectory_id for citation in operation.citations]
        unknown = [name for name in cited if name not in self._attempts]
        if unknown:
            return f"it cites {', '.join(unknown)}, which is none of the attempts"
        if operation.kind not in _WITH_EVIDENCE:
            return None
        if not cited:
            return "it cites no attempts: a lesson must rest on attempts that differ in reward"
        rewards = {reward for name in cited if (reward := self._attempts[name].trajectory.reward) is not None}
        if len(rewards) == 1 and not operation.speaks_for_itself:
            return f"all attempts that it cites have reward {number(rewards.pop())}: nothing shows that it matters"
        return None

    def _wrong_content(self, operation: Operation) -> str | None:
        content = operation.content
        if content is None:
            return None
        too_long = limit_problem(content, self._settings.max_words)
        if too_long is not None:
            return too_long
        _, secrets = redact(content)
        if secrets:
            return f"it has a secret in it ({', '.join(sorted(secrets))})"
        order = injection_in(content)
        if order is not None:
            return f"lessons are data, not orders: {order}"
        leak = self._leak(operation, content)
        if leak is not None:
            return f"it gives an answer away: {leak[:_QUOTED_CHARACTERS]!r}"
        value = self._private_value(operation, content)
        if value is not None:
            return f"it keeps a value of one task: {value[:_QUOTED_CHARACTERS]!r}; say what kind of thing it is instead"
        return None

    def _leak(self, operation: Operation, content: str) -> str | None:
        groups = self._cited_groups(operation)
        read = [each.trajectory for each in self._attempts.values() if not groups or each.trajectory.group_id in groups]
        answers = [answer for each in read for answer in (each.ground_truth, each.answer) if answer]
        said = {*(each.task for each in read), *self._said_before(operation)}
        return leaked(content, dict.fromkeys(answers), said)

    def _private_value(self, operation: Operation, content: str) -> str | None:
        cited = self._cited_groups(operation)
        tasks: dict[str, list[str]] = {}
        for attempt in self._attempts.values():
            group = attempt.trajectory.group_id
            asked = (step.text for step in attempt.steps if step.role == "user" and group in cited)
            tasks.setdefault(group, []).extend((attempt.trajectory.task, *asked))
        return private_value(content, tasks, (*self._said_before(operation), *self._words_of_tools))

    @cached_property
    def _words_of_tools(self) -> tuple[str, ...]:
        """Each once: the same prompts, tools and fields stand in nearly every attempt."""
        return tuple(dict.fromkeys(words_of_tools(self._attempts.values())))

    def _cited_groups(self, operation: Operation) -> set[str]:
        return {self._attempts[citation.trajectory_id].trajectory.group_id for citation in operation.citations}

    def _said_before(self, operation: Operation) -> list[str]:
        """The lessons that the operation names."""
        return [self._experiences[name].content for name in operation.named]

    def _repeated(self, operation: Operation, kept: Sequence[Operation]) -> str | None:
        content = operation.content
        if content is None:
            return None
        own = {operation.target, *operation.merged}
        if operation.kind == "MODIFY" and operation.target:
            current = self._experiences[operation.target]
            same_text = normalise_task(current.content) == normalise_task(content)
            if same_text and operation.status in {None, current.status}:
                return f"it changes nothing in {operation.target}"
        for experience in self._experiences.values():
            if experience.id not in own and similarity(content, experience.content) >= DUPLICATE_SIMILARITY:
                return f"it says the same as {experience.id}"
        for other in kept:
            if other.content and similarity(content, other.content) >= DUPLICATE_SIMILARITY:
                return f"it says the same as another proposal of this batch: {other.content[:_QUOTED_CHARACTERS]!r}"
        return None
