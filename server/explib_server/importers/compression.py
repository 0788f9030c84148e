"""Files as their bytes are meant: gzip, bzip2, xz and Zstandard are read through, told by their first bytes."""

from __future__ import annotations

import bz2
import codecs
import gzip
import io
import lzma
import sys
import zlib
from typing import IO

if sys.version_info >= (3, 14):
    import zipfile

    from compression import zstd
else:
    from backports import zstd
    from backports.zstd import zipfile

DAMAGED = (EOFError, zlib.error, lzma.LZMAError, zstd.ZstdError, zipfile.BadZipFile)
"""What damaged compression raises beside OSError."""
_MARKS = (
    (codecs.BOM_UTF8, "utf-8-sig"),
    (codecs.BOM_UTF32_LE, "utf-32"),
    (codecs.BOM_UTF32_BE, "utf-32"),
    (codecs.BOM_UTF16_LE, "utf-16"),
    (codecs.BOM_UTF16_BE, "utf-16"),
)

__all__ = ["DAMAGED", "decompressed", "encoding_of", "zipfile", "zstd"]


def decompressed(raw: IO[bytes]) -> IO[bytes]:
    """The content of a file, whether it is compressed or not."""
    begins = raw.read(6)
    raw.seek(0)
    if begins.startswith(b"\x1f\x8b"):
        return io.BufferedReader(gzip.GzipFile(fileobj=raw))
    if begins.startswith(b"\x28\xb5\x2f\xfd"):
        return io.BufferedReader(zstd.ZstdFile(raw))
    if begins.startswith(b"BZh"):
        return bz2.BZ2File(raw)
    return lzma.LZMAFile(raw) if begins.startswith(b"\xfd7zXZ") else raw


def encoding_of(begins: bytes) -> str:
    """The encoding of a text by its first bytes: its mark, or the zeros that UTF-16 has between ASCII letters."""
    for mark, encoding in _MARKS:
        if begins.startswith(mark):
            return encoding
    if len(begins) >= 2 and begins[0] and not begins[1]:
        return "utf-16-le"
    return "utf-16-be" if len(begins) >= 2 and begins[1] and not begins[0] else "utf-8"
