"""Images, sounds, films and files, which are kept as a mark in words."""

from __future__ import annotations

from collections.abc import Mapping

from explib.trajectories.values import first

_KINDS = ("image", "audio", "video", "file", "document", "screenshot")
_MIME_KEYS = ("mimeType", "mime_type", "mediaType", "media_type")
_CARRIERS = ("inlineData", "inline_data", "fileData", "file_data")
_SHAPES = {
    "image": ("image", "image_url"),
    "audio": ("audio", "input_audio"),
    "video": ("video",),
    "document": ("document",),
    "file": ("file", *_CARRIERS),
}
"""Keys that tell the kind of a part which does not declare it."""


def media_mark(part: Mapping[str, object]) -> str | None:
    """`[image]`, `[audio]`, … for a part that is one, with its transcript where it has one; None for other parts."""
    kind = _kind(part)
    if kind is None:
        return None
    transcript = part.get("transcript")
    return transcript if isinstance(transcript, str) and transcript else f"[{kind}]"


def _kind(part: Mapping[str, object]) -> str | None:
    declared = str(part.get("type") or part.get("modality") or "").lower()
    if declared in ("blob", "uri"):
        declared = f"{part.get('modality', '')} {first(part, _MIME_KEYS)} file"
    mime = _mime(part) if declared == "file" or not declared else ""
    for kind in _KINDS:
        if kind in declared and not (kind == "file" and mime):
            return "image" if kind == "screenshot" else kind
    if mime:
        major = mime.split("/")[0]
        return major if major in ("image", "audio", "video") else "file"
    if declared:
        return None
    return next(
        (kind for kind, keys in _SHAPES.items() if any(isinstance(part.get(key), Mapping) for key in keys)), None
    )


def _mime(part: Mapping[str, object]) -> str:
    inner = first(part, _CARRIERS)
    mime = first(inner if isinstance(inner, Mapping) else part, _MIME_KEYS)
    return mime if isinstance(mime, str) else ""
