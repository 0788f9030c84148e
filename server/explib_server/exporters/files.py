"""Writing an export into files: whole ones of ours, or a section of one that people write, too."""

from __future__ import annotations

import re
import secrets
import stat
from contextlib import suppress
from pathlib import Path

from explib.errors import InvalidInput

_BEGIN = "<!-- explib:begin {library} -->"
_END = "<!-- explib:end {library} -->"
_BOM = b"\xef\xbb\xbf"


def marked(library: str, text: str) -> str:
    """The text as a library's section, between its markers."""
    return f"{_BEGIN.format(library=library)}\n{text}{_END.format(library=library)}\n"


def put_section(path: Path, library: str, section: str) -> bool:
    """Put a library's section in place of its last one, else at the end; whether the file changed by it.

    The rest of the file stays as it is, byte for byte. Raises InvalidInput where the markers are broken.
    """
    before = _read(path)
    newline = b"\r\n" if b"\r\n" in before else b"\n"
    written = section.encode().replace(b"\n", newline)
    begin, end = (mark.format(library=library).encode() for mark in (_BEGIN, _END))
    found = re.findall(re.escape(begin) + b"|" + re.escape(end), before)
    if found == [begin, end]:
        head, _, rest = before.partition(begin)
        tail = rest.partition(end)[2]
        return _replace(path, before, head + written.removesuffix(newline) + tail)
    if found:
        raise InvalidInput(
            f"{path} has {len(found)} markers of the section {library!r} where it needs {begin.decode()} and then "
            f"{end.decode()}, once each: nothing was written. Mend or remove them, then export again."
        )
    gap = b"" if not before or before == _BOM else newline if before.endswith(b"\n") else newline * 2
    return _replace(path, before, before + gap + written)


def put_file(path: Path, text: str, mark: str = "") -> bool:
    """Put the text in place of the file; whether that changed it.

    Raises InvalidInput where what is there doesn't hold the mark: somebody else wrote it.
    """
    before = _read(path)
    if before and mark.encode() not in before:
        raise InvalidInput(
            f"{path} was not written by this export: nothing was written. Move it away, or name another."
        )
    return _replace(path, before, text.encode())


def project_root(folder: Path) -> Path:
    """The repository that a folder stands in, else the folder."""
    folder = folder.resolve()
    return next((each for each in (folder, *folder.parents) if (each / ".git").exists()), folder)


def _read(path: Path) -> bytes:
    try:
        content = path.read_bytes()
        content.decode()
    except FileNotFoundError:
        return b""
    except UnicodeDecodeError as error:
        raise InvalidInput(f"{path} is no text in UTF-8: nothing was written. Save it as UTF-8 first.") from error
    except OSError as error:
        raise _failed(path, error) from error
    return content


def _replace(path: Path, before: bytes, after: bytes) -> bool:
    """Whole or not at all; a link stays one."""
    if before == after:
        return False
    target = path.resolve()
    new = target.with_name(f".{target.name}.{secrets.token_hex(4)}.new")
    try:
        target.parent.mkdir(parents=True, exist_ok=True)
        new.write_bytes(after)
        if target.exists():
            new.chmod(stat.S_IMODE(target.stat().st_mode))
        new.replace(target)
    except OSError as error:
        with suppress(OSError):  # on a read-only medium it was never there
            new.unlink(missing_ok=True)
        raise _failed(path, error) from error
    return True


def _failed(path: Path, error: OSError) -> InvalidInput:
    return InvalidInput(
        f"{path} cannot be written ({error.strerror or error}): it is as it was. Check the permissions of it and its "
        "folder, or name another with --output."
    )
