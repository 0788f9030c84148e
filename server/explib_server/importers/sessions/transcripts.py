"""The transcript of a session that goes on: it is read again at each end of a turn, and only what is new."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

from explib.errors import InvalidInput
from explib_server.importers.documents import parse
from explib_server.importers.drafts import complete
from explib_server.importers.records import BadRecord, Draft, Options, Record
from explib_server.importers.scores import Scores
from explib_server.importers.sessions import claude_code, codex, copilot, gemini, opencode
from explib_server.importers.sessions.reading import Reader, SessionFormat
from explib_server.importers.sessions.turns import Session
from explib_server.importers.sources import ImportRun, Source

FORMATS: Mapping[str, SessionFormat] = {
    known.name: known for known in (claude_code.FORMAT, codex.FORMAT, gemini.FORMAT, opencode.FORMAT, copilot.FORMAT)
}
"""By the names of the clients."""


@dataclass(slots=True)
class Transcript:
    """The transcript of one session of a client. It holds the last turn, never the whole session.

    What is no whole line yet is left for the next reading.
    """

    path: Path
    client: str
    """A name of FORMATS."""
    _reader: Reader | None = None
    _read: int = 0
    """Bytes that were taken in."""

    def attempts(self) -> Iterator[Record | BadRecord]:
        """The turns that are new or are known better since the last reading, in their order.

        The person's next words may tell the reward of the turn before; the last turn may not have ended
        (`Record.has_ended`). Raises InvalidInput where there is no such client, and where the file can't be read.
        """
        for found in self._drafts():
            if isinstance(found, BadRecord):
                yield found
                continue
            try:
                yield complete(found, str(self.path), Options(), Scores())
            except InvalidInput as error:
                yield BadRecord(found.position, str(error))

    def _drafts(self) -> Iterator[Draft | BadRecord]:
        known = FORMATS.get(self.client)
        if known is None:
            raise InvalidInput(f"There is no client {self.client!r} whose sessions are read: {', '.join(FORMATS)}.")
        if self.path.suffix != ".jsonl":  # one document, written anew each time
            yield from known.read(Source(self.path, self.path.name, ImportRun()))
            return
        try:
            size = self.path.stat().st_size
            if self._reader is None or size < self._read:
                session = Session(known.client.agent, self.path, str(self.path))
                self._reader, self._read = Reader(known.client, session), 0
            yield from self._lines(self._reader)
        except OSError as error:
            raise InvalidInput(f"{self.path} cannot be read ({error.strerror}): check its permissions.") from error
        yield from self._reader.last()

    def _lines(self, reader: Reader) -> Iterator[Draft | BadRecord]:
        with self.path.open("rb") as file:
            file.seek(self._read)
            for line in file:
                document = parse(line.decode("utf-8", "surrogateescape")) if line.strip() else None
                is_bad = isinstance(document, InvalidInput)
                if is_bad and not line.endswith(b"\n"):
                    return
                self._read += len(line)
                if is_bad:
                    yield BadRecord(self.path.name, f"A line is no JSON: {document}.")
                elif isinstance(document, Mapping):
                    yield from reader.take(document)
