"""The one error tree. Every message says what to do next.

    ExplibError
    ├── InvalidInput            what the caller gave cannot be used
    │   ├── InvalidTask, InvalidReward, InvalidTrajectory, InvalidLibraryName, InvalidSetting
    │   ├── InvalidSignature
    │   ├── OperationRefused    a person's change that the library cannot take
    │   └── TooLarge
    ├── NotFound                what the caller named does not exist
    │   ├── UnknownLibrary, UnknownTrajectory, UnknownRetrieval, UnknownExperience, UnknownRevision
    │   ├── UnknownAnalysis,
    │       UnknownToken, UnknownProposal
    ├── Conflict                somebody else was first
    │   ├── RevisionConflict, LeaseLost, IdempotencyConflict, RewardConflict
    ├── StorageError            the database cannot be used
    │   ├── NotADatabase, DatabaseTooNew, SchemaMismatch, StorageFull
    │   └── DatabaseUnavailable, of which NoDatabase
    ├── ModelError              a model call did not give a usable answer
    │   ├── ModelUnavailable    the endpoint failed: worth another try later
    │   ├── ModelAnswerInvalid  it answered, but not in the agreed form; AnswerCutOff: its tokens did not do
    │   ├── PromptTooLong       the request does not fit the model's context
    │   └── ModelMisconfigured  key, name or address are wrong: no use trying again
    ├── NotAllowed              the access token is not good for this
    ├── AnswerPending           an attached agent is asked, and has not answered yet
    ├── BudgetExceeded          the daily token budget is spent
    └── PromptFileError         a prompt file has unknown or missing placeholders

Imports nothing of ours. A class's docstring is its default message.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator

SHOWN_NAMES = 20
"""In one message."""


class ExplibError(Exception):
    """Something went wrong in the experience library."""

    def __init__(self, message: str | None = None) -> None:
        super().__init__(message or (type(self).__doc__ or "").strip())


def leaves(error: BaseException) -> Iterator[BaseException]:
    """The errors inside a group, at any depth; of one that is no group, itself."""
    if isinstance(error, BaseExceptionGroup):
        for inner in error.exceptions:
            yield from leaves(inner)
    else:
        yield error


class InvalidInput(ExplibError):
    """The input cannot be used."""


class InvalidTask(InvalidInput):
    """The task is empty: pass the text that the agent was asked to do."""


class InvalidReward(InvalidInput):
    """The reward must be a finite number in the library's range."""


class InvalidTrajectory(InvalidInput):
    """The trajectory must be text, a list of messages (of any common API) or a list of steps."""


class InvalidLibraryName(InvalidInput):
    """A library's name is 1 to 63 characters of a-z, 0-9, '.', '_' and '-', and starts with a letter or digit."""


class InvalidSetting(InvalidInput):
    """A setting has a value that cannot be used."""


class InvalidSignature(InvalidInput):
    """The signature fits no reward key of this library: sign exactly this id and this reward with a key that is good
    now (`explib token list`), see `explib token sign --help`."""


class TooLarge(InvalidInput):
    """The input is over its limit."""


class OperationRefused(InvalidInput):
    """The library cannot take this change."""


class NotFound(ExplibError):
    """What was named does not exist."""


class UnknownLibrary(NotFound):
    """There is no such library."""

    @classmethod
    def among(cls, name: str, known: Iterable[str]) -> UnknownLibrary:
        """Says which libraries there are for whom it is told."""
        names = list(known)
        more = f" and {len(names) - SHOWN_NAMES} more" if len(names) > SHOWN_NAMES else ""
        listed = ", ".join(names[:SHOWN_NAMES]) + more if names else "none yet"
        return cls(f"There is no library {name[:80]!r}. Known: {listed}. Pass one of these, or leave `library` out.")


class UnknownTrajectory(NotFound):
    """There is no such trajectory: pass the trajectory_id that submit_trajectory returned."""


class UnknownRetrieval(NotFound):
    """There is no such retrieval: pass the retrieval_id that get_experiences returned, or leave it out."""


class UnknownExperience(NotFound):
    """There is no such experience."""


class UnknownRevision(NotFound):
    """There is no such revision."""

    @classmethod
    def beyond(cls, library: str, newest: int, named: object) -> UnknownRevision:
        """Says which revisions the library has."""
        has = f"revisions 1 to {newest}" if newest > 1 else "revision 1 only" if newest else "no revisions yet"
        return cls(
            f"Library {library!r} has {has}, so there is no {str(named)[:40]!r}: see history (`explib history`)."
        )


class UnknownToken(NotFound):
    """There is no such token: `explib token list` shows the ids of all."""


class UnknownProposal(NotFound):
    """There is no such proposal: list what waits with list_experiences."""


class UnknownAnalysis(NotFound):
    """No step waits under this call_id (any more): call next_analysis, which hands out what is to be answered now."""


class Conflict(ExplibError):
    """Somebody else was first."""


class RevisionConflict(Conflict):
    """The library has moved on to another revision: read it again and retry."""


class LeaseLost(Conflict):
    """Another worker holds the lease now: nothing was written."""


class IdempotencyConflict(Conflict):
    """This idempotency_key was used for another trajectory: use a new key for new content."""


class RewardConflict(Conflict):
    """This trajectory is stored with another reward: correct it with report_reward."""


class StorageError(ExplibError):
    """The database cannot be used."""


class NotADatabase(StorageError):
    """The file is not a database: point EXPLIB_DATABASE_URL at another file."""


class DatabaseTooNew(StorageError):
    """The database was written by a newer explib: upgrade this program."""


class SchemaMismatch(StorageError):
    """The database's tables are not those that this explib works with: run `explib db upgrade`."""


class DatabaseUnavailable(StorageError):
    """The database cannot be opened or written: check the folder, its permissions and EXPLIB_DATABASE_URL."""


class NoDatabase(DatabaseUnavailable):
    """There is no database yet."""


class StorageFull(StorageError):
    """The disk is full: free some space and submit again; nothing was acknowledged that is not stored."""


class ModelError(ExplibError):
    """The model gave no usable answer."""


class ModelUnavailable(ModelError):
    """The model's endpoint did not answer: check that it is running, and that EXPLIB_MODEL_BASE_URL is its address."""


class ModelAnswerInvalid(ModelError):
    """The model's answer does not have the agreed form."""


class AnswerCutOff(ModelAnswerInvalid):
    """The answer was cut off at its limit of tokens, thoughts included: raise EXPLIB_MODEL_ANSWER_TOKENS."""


class PromptTooLong(ModelError):
    """The request does not fit the model's context: set EXPLIB_MODEL_CONTEXT to what the model really takes."""


class ModelMisconfigured(ModelError):
    """The endpoint refused the request: check EXPLIB_MODEL, EXPLIB_MODEL_BASE_URL and EXPLIB_MODEL_API_KEY."""


class NotAllowed(ExplibError):
    """The access token is not good for this: ask whoever runs the server for another."""


class AnswerPending(ExplibError):
    """An attached agent has not answered yet: next_analysis hands out what is asked."""


class BudgetExceeded(ExplibError):
    """The daily token budget is spent: learning goes on at midnight UTC, or raise EXPLIB_TOKEN_BUDGET_PER_DAY."""


class PromptFileError(ExplibError):
    """A prompt file does not have the placeholders that its step fills."""
