"""A library as it was read for a change, and the texts that come with one."""

from __future__ import annotations

from dataclasses import dataclass, replace

from explib.errors import OperationRefused, RevisionConflict, TooLarge
from explib.evidence.votes import REASON_CHARACTERS
from explib.models.experiences import Experience
from explib.models.libraries import Library
from explib.models.revisions import Operation
from explib.text.redaction import redact
from explib.text.words import storable
from explib_learner.checks.operations import OperationCheck


@dataclass(frozen=True, slots=True)
class Reading:
    """What one try of a change read of a library."""

    library: Library
    experiences: dict[str, Experience]
    """Those that the change names and those that are like its new text, retired ones too."""

    def named(self, experience_id: str, expected_version: int | None = None) -> Experience:
        """The experience, not retired and at the expected version. Raises OperationRefused and RevisionConflict."""
        experience = self.experiences[experience_id]
        if expected_version is not None and experience.version != expected_version:
            raise RevisionConflict(
                f"Conflict: {experience_id} is at version {experience.version} now, not {expected_version}, and reads "
                f"{experience.content!r}. Read it, then call again with expected_version {experience.version}."
            )
        if experience.status == "retired":
            raise OperationRefused(
                f"{experience_id} was retired in revision {experience.updated_revision}: add its text again, or revert "
                "to a revision before that one."
            )
        return experience

    def checked(self, operation: Operation) -> Operation:
        """The operation, if its text may be in this library. Raises OperationRefused."""
        served = [experience for experience in self.experiences.values() if experience.status != "retired"]
        uncited = replace(operation, citations=())  # what it rests on was checked when it was proposed
        problem = OperationCheck(served, {}, self.library.settings).reason_against_edit(uncited)
        if problem is not None:
            raise OperationRefused(f"Rejected: {problem.rstrip('.')}. Change the text and try again.")
        return operation


def on_one_line(text: str) -> str:
    """A text on one line, as experiences and reasons are kept."""
    return " ".join(storable(text).split())


def cleaned_reason(reason: str, *, personal: bool) -> str:
    """A reason on one line and without secrets. Raises TooLarge."""
    if len(reason) > REASON_CHARACTERS:
        raise TooLarge(f"The reason has {len(reason):,} characters; the limit is {REASON_CHARACTERS}. Shorten it.")
    return on_one_line(redact(storable(reason), personal=personal)[0])


def check_unchanged(before: Experience, now: Experience, advice: str = "Read it again and retry.") -> None:
    """Raises RevisionConflict where somebody else has changed the text or retired it."""
    if (before.version, before.content) != (now.version, now.content) or now.status == "retired":
        state = "was retired" if now.status == "retired" else f"is at version {now.version} and reads {now.content!r}"
        raise RevisionConflict(f"Conflict: {now.id} {state} since you read it. {advice}")
