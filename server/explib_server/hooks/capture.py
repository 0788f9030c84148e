"""Capture: the turns of sessions become attempts, as soon as a hook tells of them, and what no hook told of later.

The spool is the queue. An event stays in it until its turns are stored, so that nothing is lost where the service or
the machine ends in between; the store takes a turn once, whoever brings it how often.
"""

from __future__ import annotations

import asyncio
import logging
import time
from collections import OrderedDict, deque
from collections.abc import Awaitable, Mapping
from contextlib import suppress
from pathlib import Path

from explib.errors import Conflict, InvalidInput, NotFound, StorageError
from explib.tasks import set_within
from explib_learner.model.command_chat import FOLDER_PREFIX
from explib_server.application import Application
from explib_server.hooks.afterwards import Afterwards
from explib_server.hooks.spool import Spool, read_event
from explib_server.hooks.whose import folder_of, project_of_event
from explib_server.importers.intake import Intake
from explib_server.importers.records import BadRecord, Record
from explib_server.importers.sessions.places import CLIENTS, check_session, session_paths
from explib_server.importers.sessions.transcripts import FORMATS, Transcript
from explib_server.importers.sources import ImportRun, Source
from explib_server.importers.tally import Tally
from explib_server.projects.state import is_off

log = logging.getLogger(__name__)
LOOK_SECONDS = 60.0
"""Between two looks into the spool while no hook tells of anything."""
SETTLE_SECONDS = 2.0
"""How old an event is when its transcript is read: Copilot CLI calls the hook before it has written all of the turn."""
LATE_SECONDS = 3_600.0
"""How long a transcript that isn't there may still come."""
MOST_OPEN = 100
"""Sessions whose transcripts are read on from where they were left."""
QUIET_SECONDS = 600.0
"""A session whose transcript is older is not in the middle of a turn."""
OVER = ("session-end", "interrupt")
"""Events after which the agent does no more, though its last turn has no end."""
LEAST_SESSION = 8
"""Characters of a session's id by which its file is told from others."""
MARGIN_SECONDS = 5.0
"""Clocks of file systems differ a little."""
KEPT_BY = {"copilot": "events.jsonl"}
"""Of a client whose folders hold sessions of other programs too: the name of its own files."""


class Capture:
    """What takes up the spool of one open database."""

    def __init__(self, application: Application, settle_seconds: float = SETTLE_SECONDS) -> None:
        self._application = application
        self._settle_seconds = settle_seconds
        self._spool = Spool()
        self._told = asyncio.Event()
        self._unspooled: deque[Mapping[str, object]] = deque(maxlen=MOST_OPEN)
        self._open: OrderedDict[Path, Transcript] = OrderedDict()
        self._afterwards = Afterwards(application)
        self._begun: deque[Mapping[str, object]] = deque(maxlen=MOST_OPEN)

    def begin(self, event: Mapping[str, object]) -> None:
        """A session begins in a folder: look at what became of earlier ones of its project."""
        self._begun.append(event)
        self._told.set()

    def wake(self, event: Mapping[str, object] | None = None) -> None:
        """Something is in the spool; `event`: could not be put there."""
        if event is not None:
            self._unspooled.append(event)
        self._told.set()

    async def run(self) -> None:
        """Take up what comes, and first what was missed. Ends when it is cancelled."""
        await self._guarded(self.sweep())
        await self._guarded(self._afterwards.look_everywhere())
        while True:
            self._told.clear()
            await self._guarded(self.take_up())
            await self._guarded(self._look())
            if await set_within(self._told, LOOK_SECONDS):
                await asyncio.sleep(self._settle_seconds)

    async def _guarded(self, work: Awaitable[None]) -> None:
        try:
            await work
        except Exception:  # the outermost loop: what is in the spool waits for the next look
            log.exception("what hooks told could not be taken up; trying again in %g s", LOOK_SECONDS)

    async def take_up(self) -> None:
        """Store the turns of every event that waits. Raises StorageError, with which it waits on."""
        while self._unspooled:
            told = self._unspooled.popleft()
            if not await self._take(told, None):
                _give_up(told)
        for path in await asyncio.to_thread(self._spool.waiting):
            event = await asyncio.to_thread(read_event, path)
            if event is not None and 0 <= time.time() - _moment(event) < self._settle_seconds:
                self._told.set()  # look again
                continue
            if event is None and path.exists():
                log.warning("%s is no event of a hook, and goes", path)
            if event is None or await self._done(event, path):
                path.unlink(missing_ok=True)

    async def sweep(self) -> None:
        """Take up the sessions of attached clients that changed since the last look. Raises StorageError."""
        for client, since in list(self._spool.attached()):
            begun = time.time()
            for path in await asyncio.to_thread(_changed, client, since - MARGIN_SECONDS):
                await self._take({"client": client, "transcript": str(path), "at": begun}, None)
            with suppress(OSError):  # then the next look goes over the same sessions again
                self._spool.swept(client, begun)

    async def _look(self) -> None:
        while self._begun:
            settings = self._application.settings
            await self._afterwards.look(await asyncio.to_thread(project_of_event, self._begun.popleft(), settings))

    async def _done(self, event: Mapping[str, object], path: Path) -> bool:
        """Tell whether an event needs no other look. A defect that it meets does not hold up the others."""
        try:
            return await self._take(event, path)
        except StorageError:
            raise
        except Exception:
            log.exception("session %s of %s could not be read", event.get("session"), event.get("client"))
            return _is_late(event)

    async def _take(self, event: Mapping[str, object], kept: Path | None) -> bool:
        """Store the turns that an event tells of; False where its transcript may still come."""
        path = await asyncio.to_thread(_transcript_path, event, kept)
        if path is None:
            if late := _is_late(event):
                _give_up(event)
            return late
        try:
            await self._store(path, event)
        except InvalidInput as error:
            log.warning("session %s of %s was not captured: %s", event.get("session"), event.get("client"), error)
        except BaseException:
            self._open.pop(path, None)  # read on from where nothing was stored yet
            raise
        return True

    async def _store(self, path: Path, event: Mapping[str, object]) -> None:
        """Store the turns that are new in a transcript, or that its newest words grade. Raises ExplibError."""
        if not event.get("messages"):  # it is not our own file
            await asyncio.to_thread(check_session, path)
        attempts = (await self._opened(path, str(event.get("client")))).attempts()
        while (found := await asyncio.to_thread(next, attempts, None)) is not None:
            if isinstance(found, BadRecord):
                log.warning("%s of %s was left out: %s", found.position, event.get("client"), found.reason)
            elif found.has_ended or event.get("event") in OVER or _is_quiet(path):
                settings = self._application.settings
                project = await asyncio.to_thread(project_of_event, event, settings, found.folder)
                if project.captured and not _is_learners(found.folder) and not await _was_off(event, found):
                    await self._submit(found, project.library)

    async def _opened(self, path: Path, client: str) -> Transcript:
        """The transcript, read up to where it was left."""
        transcript = self._open.pop(path, None)
        if transcript is None:
            written_by = await asyncio.to_thread(_format_of, path)
            transcript = Transcript(path, written_by or client)
        self._open[path] = transcript
        if len(self._open) > MOST_OPEN:
            self._open.popitem(last=False)
        return transcript

    async def _submit(self, record: Record, library_name: str) -> None:
        """Store a turn, or correct what was stored of it. What the store refuses is told; other errors are raised."""
        try:
            await Intake(self._application, library_name, Tally()).bring(record)
        except (InvalidInput, Conflict, NotFound) as error:
            log.warning("%s was not captured: %s", record.position, error)


def _transcript_path(event: Mapping[str, object], kept: Path | None) -> Path | None:
    """The transcript of an event: the one it names, its own file, or the session's where the client keeps them."""
    if event.get("messages"):
        return kept
    named, session = str(event.get("transcript") or ""), str(event.get("session") or "")
    if named:
        return Path(named) if Path(named).is_file() else None
    client = str(event.get("client"))
    if client not in CLIENTS or len(session) < LEAST_SESSION:
        return None
    return next((path for _, path in reversed(session_paths([client])) if session in str(path)), None)


def _changed(client: str, since: float) -> list[Path]:
    """The sessions of a client that changed since then."""
    if client not in CLIENTS:  # one that runs another's hooks
        return []
    own = KEPT_BY.get(client)
    return [path for changed, path in session_paths([client]) if changed >= since and own in (None, path.name)]


def _format_of(path: Path) -> str | None:
    """The client that wrote a transcript, whichever ran the hook; None while that can't be told."""
    source = Source(path, path.name, ImportRun())
    return next((name for name, known in FORMATS.items() if known.recognises(source)), None)


def _is_quiet(path: Path) -> bool:
    """Tell that a session's agent is not at work."""
    return time.time() - path.stat().st_mtime > QUIET_SECONDS


async def _was_off(event: Mapping[str, object], record: Record) -> bool:
    """Tell a turn at some moment of which its folder was switched off: it stays out when that is on again."""
    folder = folder_of(event, record.folder)
    return folder is not None and await asyncio.to_thread(lambda: is_off(folder.resolve(), record.span))


def _is_learners(folder: str | None) -> bool:
    """Tell a session of an agent that works for the learner (EXPLIB_MODEL_COMMAND): it must not teach itself."""
    return folder is not None and Path(folder).name.startswith(FOLDER_PREFIX)


def _give_up(event: Mapping[str, object]) -> None:
    log.warning("session %s of %s has no transcript: it is not captured", event.get("session"), event.get("client"))


def _is_late(event: Mapping[str, object]) -> bool:
    return time.time() - _moment(event) > LATE_SECONDS


def _moment(event: Mapping[str, object]) -> float:
    at = event.get("at")
    return float(at) if isinstance(at, int | float) else 0.0
