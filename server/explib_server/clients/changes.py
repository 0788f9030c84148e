"""Changing a client's file: planned on the whole, then written at once; and given back as it was."""

from __future__ import annotations

import codecs
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path

from explib.errors import InvalidInput
from explib_server.clients import files
from explib_server.clients.pieces import Piece, members
from explib_server.clients.values import Format, Json, Keys, Remove, Step, after, has

MARK = "\ufeff"


@dataclass(frozen=True, slots=True)
class Change:
    """The content of one file before and after."""

    path: Path
    before: bytes | None
    content: bytes | None
    """None: no file."""
    private: bool = False
    dropped: tuple[str, ...] = ()
    """Settings that the entry had before and has no longer, by their place, e.g. `env.EXPLIB_LIBRARY`."""
    backup: bool = True
    """Whether `before` is copied first: it is worth keeping, and no older copy is worth more."""
    restores: bool = False
    """`content` is that of the copy, which is put back."""

    @property
    def needed(self) -> bool:
        """True if the file has to be written or deleted."""
        return self.content != self.before

    def apply(self) -> bool:
        """Write it; whether anything changed, be it only who may read the file."""
        if not self.needed:
            return self.private and self.before is not None and files.make_private(self.path)
        if self.content is None or self.restores:
            files.give_back(self.path, self.before or b"", copy=self.restores)
        else:
            files.replace(self.path, self.before, self.content, self.private, self.backup)
        return True


@dataclass(frozen=True, slots=True)
class Part:
    """A piece, and whether attaching puts it in (True), takes it out (False) or leaves it as it is (None)."""

    piece: Piece
    wanted: bool | None


@dataclass(frozen=True, slots=True)
class Target:
    """A client's file and everything of ours that may stand in it."""

    path: Path
    format: Format
    parts: tuple[Part, ...]

    def alone(self) -> str:
        """The text of a file that holds nothing but what is wanted."""
        return self._put(b"", self._wanted())[0].decode().rstrip("\n")

    def has_ours(self) -> bool:
        """True if something of ours is in the file, or that cannot be told."""
        return self._holds_ours(files.read(self.path) or b"")

    def putting(self, private: bool, advice: str) -> Change:
        """The change that puts in what is wanted. Raises InvalidInput, with advice, where that can't be."""
        unwanted = [part.piece for part in self.parts if part.wanted is False]
        cleared = self._taking(unwanted, advice)
        path, before = cleared.path, cleared.before
        older = before is not None and self._holds_ours(before) and files.read(files.backup_of(path)) is not None
        if not self._wanted():
            return replace(cleared, backup=not older)
        with _left_as_it_was(path, advice):
            content, dropped = self._put(cleared.content or b"", self._wanted())
        if content == (before or b""):
            return Change(path, before, before, private)
        return Change(path, before, content, private, dropped, backup=not older)

    def taking(self, advice: str) -> Change:
        """The change that takes all of ours out: the file as it was, where nothing else has changed since."""
        return self._taking([part.piece for part in self.parts], advice)

    def _taking(self, pieces: Sequence[Piece], advice: str) -> Change:
        path = self.path.resolve()
        before = files.read(path)
        if before is None:
            return Change(path, None, None)
        copy = files.read(files.backup_of(path))
        original = self._original(copy)
        with _left_as_it_was(path, advice):
            left = self._taken(before, original, pieces)
        if left == before:
            return Change(path, before, before)
        if left == original or left == self._there_and_back(original, before):
            return Change(path, before, original, restores=original is not None and original == copy)
        return Change(path, before, left)

    def _original(self, copy: bytes | None) -> bytes | None:
        """The file before anything of ours was in it; None: there was none."""
        if copy is None or not self._holds_ours(copy):
            return copy
        try:
            stripped = self._taken(copy, None, self._ours())
        except (InvalidInput, UnicodeDecodeError):
            return copy
        return None if stripped == self._there_and_back(None, copy) else stripped

    def _wanted(self) -> list[Piece]:
        return [part.piece for part in self.parts if part.wanted]

    def _ours(self) -> list[Piece]:
        return [part.piece for part in self.parts]

    def _put(self, content: bytes, pieces: Sequence[Piece]) -> tuple[bytes, tuple[str, ...]]:
        mark, text = _decoded(content)
        gone: list[Keys] = []
        for piece in pieces:
            steps = list(piece.put(self.format.plain(text)))
            gone += [step.keys[2:] for step in steps if isinstance(step, Remove) and step.keys[0] != "hooks"]
            text = stepped(self.format, text, steps)
        return (mark + text).encode(), tuple(".".join(map(str, keys)) for keys in gone if keys)

    def _taken(self, content: bytes, original: bytes | None, pieces: Sequence[Piece]) -> bytes:
        """Without these, and without what they stood in, where that was not there before and is empty."""
        mark, text = _decoded(content)
        for piece in pieces:
            text = stepped(self.format, text, list(piece.take(self.format.plain(text))))
        if mark + text == content.decode():
            return content
        before = self.format.plain(_decoded(original or b"")[1])
        for keys in sorted({keys for piece in pieces for keys in piece.containers}, key=len, reverse=True):
            if not has(before, keys) and self.format.is_bare(text, keys):
                text = self.format.changed(text, Remove(keys))
        return (mark + text).encode()

    def _holds_ours(self, content: bytes) -> bool:
        """True where something of ours is in it, or that cannot be told."""
        try:
            document = self.format.plain(_decoded(content)[1])
            return any(_steps(piece.take(document)) for piece in self._ours())
        except (InvalidInput, UnicodeDecodeError):
            return True

    def _there_and_back(self, original: bytes | None, attached: bytes) -> bytes | None:
        """The original after what is attached was put in and taken out again; None where that cannot be done."""
        try:
            document = self.format.plain(_decoded(attached)[1])
            present = [each for each in self._ours() if _steps(each.take(document)) or not _steps(each.put(document))]
            return self._taken(self._put(original or b"", present)[0], original, self._ours())
        except (InvalidInput, UnicodeDecodeError):
            return None


def own_file(path: Path, mark: str, text: str | None) -> Change:
    """The change of a file that is ours as a whole and begins with `mark`; None: it goes.

    Raises InvalidInput where another file has its name.
    """
    before = files.read(path)
    if before is not None and not before.startswith(mark.encode()):
        if text is None:
            return Change(path, before, before)
        raise InvalidInput(f"{path} is not ours and is as it was: give it another name, or use --no-hooks.")
    return Change(path, before, None if text is None else text.encode(), backup=False)


def stepped(format_: Format, text: str, steps: Sequence[Step]) -> str:
    """The text after the steps. Raises InvalidInput where it does not say what it should."""
    wanted = after(format_.plain(text), steps)
    for step in steps:
        text = format_.changed(text, step)
    empty: dict[str, Json] = {
        str(step.keys[0]): {} for step in steps
    }  # an implicit table of TOML goes with its last member
    if {**empty, **members(format_.plain(text))} != {**empty, **members(wanted)}:
        raise InvalidInput("its layout is one that explib does not know how to change")
    return text


def _decoded(content: bytes) -> tuple[str, str]:
    """The byte order mark, if there is one, and the text."""
    text = codecs.decode(content, "utf-8")
    return (MARK, text[1:]) if text.startswith(MARK) else ("", text)


def _steps(steps: Iterable[Step]) -> bool:
    return any(True for _ in steps)


@contextmanager
def _left_as_it_was(path: Path, advice: str) -> Iterator[None]:
    try:
        yield
    except (InvalidInput, UnicodeDecodeError) as error:
        raise InvalidInput(f"{path} cannot be changed and is as it was: {error}. {advice}") from error
