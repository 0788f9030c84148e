"""The use cases of the product: serve experiences, store attempts, take rewards. `compose` puts its parts together."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import replace
from typing import TYPE_CHECKING

from explib.errors import SHOWN_NAMES, InvalidTask, NotAllowed, TooLarge, UnknownLibrary, UnknownRetrieval
from explib.evidence.signatures import verify
from explib.ids import owner_mark
from explib.models.libraries import Library
from explib.models.submissions import Attempt, Grade, RawSubmission, Receipt, Signature
from explib.models.trajectories import RewardSource
from explib.retrieval.retriever import MAX_TASK_CHARACTERS, Retriever, Served
from explib.settings.program import Settings
from explib.storage.store import Store
from explib.text.redaction import redact
from explib.text.words import says_something, storable
from explib.tracing import span
from explib_learner.lifecycle import Lifecycle
from explib_server.auth.callers import current_caller
from explib_server.auth.connections import current_connection
from explib_server.preparation import prepared
from explib_server.projects import Project
from explib_server.projects.folder import current_project
from explib_server.projects.state import remember_folder
from explib_server.telemetry.logs import announce

if TYPE_CHECKING:
    from explib_server.compose import Learning

TEXT_LIMITS = {
    "task": MAX_TASK_CHARACTERS,
    "answer": 100_000,
    "ground_truth": 100_000,
    "feedback": 100_000,
    "retrieval_id": 100,
    "group": 1_000,
    "agent": 1_000,
    "model": 1_000,
    "idempotency_key": 1_000,
}
"""Most characters of each text beside the trajectory, which has its own limit."""
UNSIGNED = "reward stored; unsigned, so it is not counted as evidence in this library"


class Application:
    """An open experience library: what the MCP server, the importer and the command line act through."""

    def __init__(self, settings: Settings, store: Store, retriever: Retriever, learning: Learning) -> None:
        self.settings = settings
        self.store = store
        self.experiences = retriever
        self.learning = learning
        self.lifecycle = Lifecycle(store)
        self._on_submission: list[Callable[[], None]] = []

    @property
    def project(self) -> Project:
        """The project that the current work is for. The library that a client of the service is set to stands alone."""
        own = current_connection().library
        return current_project(self.settings if own is None else self.settings.model_copy(update={"library": own}))

    async def library(self, name: str | None = None) -> Library:
        """The named library, or the project's, within reach; where nobody has made that yet, it is made.

        Who only reads makes none: an empty one that is nowhere stands for it, and standard error says so. Raises
        UnknownLibrary and NotAllowed.
        """
        caller, project = current_caller(), self.project
        library_name = storable(caller.library(name, project.library))
        try:
            return await self.store.libraries.get(library_name)
        except UnknownLibrary as error:
            access = self.store.database.access
            if library_name not in {project.library, self.settings.library}:
                if caller.libraries is None:
                    raise
                raise caller.not_made_yet(library_name) from error
            if access == "create":
                return await self._made(library_name, project)
            unmade = await self._unmade(library_name, project)
            if access != "read":
                raise UnknownLibrary(unmade) from error
            announce(unmade)
            return Library(0, library_name, self.settings.library_defaults(), 0, 0.0)

    async def _unmade(self, name: str, project: Project) -> str:
        """What makes a library that there isn't yet, and which there are. Raises InvalidLibraryName."""
        await self.store.libraries.find(name)
        of = f" of {project.root}" if project.root is not None and name == project.library else ""
        known = ", ".join([library.name for library in await self.store.libraries.all()][:SHOWN_NAMES])
        return (
            f"There is no library {name}{of} yet: it is made when an agent first works with it (`explib attach "
            f"CLIENT`) or attempts are imported (`explib import`). Known: {known or 'none yet'} (--library)."
        )

    async def _made(self, name: str, project: Project) -> Library:
        if project.root is not None and name == project.library:
            remember_folder(name, project.root)
        return await self.store.libraries.ensure(name, self.settings.library_defaults())

    async def farther_layers(self, library: Library) -> list[Library]:
        """The libraries that are served after this one, nearest first; none where it is not the project's own."""
        caller, (nearest, *names) = current_caller(), self.project.layers
        if library.name != nearest:
            return []
        found = [await self.store.libraries.find(name) for name in names if caller.reaches(name)]
        return [layer for layer in found if layer is not None]

    async def libraries(self) -> list[Library]:
        """Every library within the caller's reach, by name."""
        caller = current_caller()
        return [library for library in await self.store.libraries.all() if caller.reaches(library.name)]

    async def fetch(
        self,
        library: Library,
        task: str,
        limit: int | None = None,
        session: str | None = None,
        tools: Iterable[str] = (),
        *,
        alone: bool = False,
    ) -> Served:
        """The experiences for a task; the task is redacted before the retrieval is recorded. Raises InvalidInput.

        With those of the project's other layers where the library is the project's, unless it is wanted `alone`.
        `tools`: names of the tools at hand. A `session` that asks the same again before it submits anything gets the
        same answer.
        """
        _check_size("task", task)
        with span("fetch", library=library.name) as seen:
            owner, plain = current_caller().subject, self.clean(task)
            farther = [] if alone else await self.farther_layers(library)
            served = await self.experiences.serve(library, plain, limit, session, owner, tools, farther)
            if library.settings.past_success and served.nothing_fits:
                from explib_server.render.past_success import past_success

                served = replace(served, text=await past_success(self.store, library, plain) or served.text)
            seen.set_attributes(
                {"explib.revision": served.retrieval.revision, "explib.served": len(served.experiences)}
            )
        return served

    async def submit(self, library: Library, raw: RawSubmission, session: str | None = None) -> Receipt:
        """Parse, redact and store an attempt. Durable when it returns. Raises InvalidInput, NotFound, Conflict.

        An attempt that names no retrieval belongs to the one that its `session` last made for the task: many clients
        show their model only the text of an answer.
        """
        if not says_something(raw.task):
            raise InvalidTask
        for name in TEXT_LIMITS:
            _check_size(name, getattr(raw, name))
        owner = current_caller().subject
        if raw.retrieval_id is not None and owner is not None and not raw.retrieval_id.endswith(owner_mark(owner)):
            raise UnknownRetrieval
        clean = await prepared(raw, self.settings.max_trajectory_bytes, personal=self.settings.redact_personal)
        retrieval_id = clean.retrieval_id or self.experiences.open_retrieval(library, clean.task, session)
        if retrieval_id is not None:
            await self.store.retrievals.awaited(library, retrieval_id)
        submission = replace(clean, submitter=current_caller().submitter, owner=owner, open_retrieval_id=retrieval_id)
        with span("submit", library=library.name) as seen:
            receipt = await self.store.trajectories.submit(library, submission)
            seen.set_attributes({"explib.trajectory": receipt.trajectory_id, "explib.duplicate": receipt.duplicate})
            if retrieval_id is not None and not receipt.duplicate:
                self.experiences.submitted(retrieval_id)
            self._stored(receipt)
        return _noted(receipt, library, counts=submission.reward is None)

    async def report_reward(
        self,
        attempt: Attempt,
        reward: float,
        feedback: str | None,
        signature: str | None = None,
        source: RewardSource = "agent",
    ) -> Receipt:
        """Give or correct a reward, signed by the environment or not; the door says its source. Durable on return.

        Raises InvalidInput (InvalidSignature too), NotFound and RewardConflict.
        """
        _check_size("feedback", feedback)
        caller, trajectories = current_caller(), self.store.trajectories
        library, trajectory_id = await trajectories.locate(
            trajectory_id=attempt.trajectory_id, retrieval_id=attempt.retrieval_id, within=caller.libraries
        )
        text, redactions = (None, 0) if feedback is None else self._redacted(feedback)
        checked = None if signature is None else await self._verified(library, attempt, reward, signature)
        if checked is None:
            await self._check_own(library, trajectory_id)
        grade = Grade(reward, text, caller.subject, checked, source)
        receipt = await trajectories.report_reward(library, trajectory_id, grade)
        self._stored(receipt)
        return _noted(replace(receipt, redactions=redactions), library, counts=signature is not None)

    async def _verified(self, library: Library, attempt: Attempt, reward: float, signature: str) -> Signature:
        keys = await self.store.tokens.reward_keys(library.name)
        attempt_id = attempt.trajectory_id or attempt.retrieval_id or ""
        return verify(signature, keys, attempt_id, reward, self.store.clock())

    async def _check_own(self, library: Library, trajectory_id: str) -> None:
        """Raises NotAllowed for a token that grades what another one submitted, unless a person holds it."""
        caller = current_caller()
        if caller.subject is None or caller.is_person:
            return
        [attempt] = await self.store.trajectories.heads(library, [trajectory_id])
        if attempt.submitter != caller.subject:
            raise NotAllowed(
                f"{trajectory_id} was submitted with another token: its holder may grade it, a token of scope curate, "
                "or the environment by a signature."
            )

    def clean(self, text: str) -> str:
        """The text fit to be stored, without secrets."""
        return self._redacted(text)[0]

    def _redacted(self, text: str) -> tuple[str, int]:
        clean, counts = redact(storable(text), personal=self.settings.redact_personal)
        return clean, counts.total()

    def _stored(self, receipt: Receipt) -> None:
        for layer in receipt.scored:
            self.experiences.rewarded(layer)
            self.lifecycle.rewarded(layer)
        for notify in self._on_submission:
            notify()

    def on_submission(self, notify: Callable[[], None]) -> None:
        """Call `notify` after every stored submission or reward of this process."""
        self._on_submission.append(notify)


def _noted(receipt: Receipt, library: Library, *, counts: bool) -> Receipt:
    """The receipt, with a note about a reward that is no evidence here."""
    if counts or not library.settings.signed_rewards_only:
        return receipt
    return replace(receipt, note="; ".join(filter(None, (receipt.note, UNSIGNED))))


def _check_size(name: str, text: str | None) -> None:
    limit = TEXT_LIMITS[name]
    if text is not None and len(text) > limit:
        raise TooLarge(f"{name} has {len(text):,} characters; the limit is {limit:,}. Shorten it.")
