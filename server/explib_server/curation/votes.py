"""A vote by whoever calls: its reason cleaned and bounded, then cast; the same for the tool and the command line."""

from __future__ import annotations

from explib.evidence.votes import VOTERS
from explib.models.libraries import Library
from explib.storage.revisions.votes import Cast
from explib.text.words import storable
from explib_server.application import Application
from explib_server.curation.reading import cleaned_reason

VOTER_CHARACTERS = 200
"""Of a voter's name: as many as are stored."""


async def cast_vote(
    application: Application, library: Library, experience_id: str, voter: str, up: bool, reason: str | None
) -> Cast:
    """Cast it; the reason is kept without secrets and on one line. Raises TooLarge and UnknownExperience."""
    if reason is not None:
        reason = cleaned_reason(reason, personal=application.settings.redact_personal) or None
    return await application.store.votes.cast(
        library, experience_id, storable(voter)[:VOTER_CHARACTERS], up=up, reason=reason
    )


def outcome_text(cast: Cast) -> str:
    """The result of a vote, in two sentences."""
    experience = cast.experience
    return f"Counted: {experience.id} has {cast.tally} (version {experience.version}). {outcome(cast)}"


def outcome(cast: Cast) -> str:
    """What the votes come to, in a sentence."""
    experience, tally = cast.experience, cast.tally
    if cast.revision is not None:
        decided = "no longer served" if experience.status == "retired" else "active"
        return f"It is {decided} from revision {cast.revision} on."
    if tally.verdict == "rejected" and experience.status != "retired":
        return "It stays because a person pinned it: ask them to retire it."
    if tally.verdict == "open":
        return f"It is retired at {VOTERS} different voters down and none up, active at {VOTERS} up."
    return f"It is {experience.status} already."
