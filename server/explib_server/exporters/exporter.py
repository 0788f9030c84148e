"""One format of lessons: how it is written, and where in a project its clients read it."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import TypeAlias

from explib_server.exporters.contents import ExportedLesson, LibraryExport

Write: TypeAlias = Callable[[LibraryExport], str]


@dataclass(frozen=True, slots=True)
class Exporter:
    """A format. `{name}` in its places is the export's name."""

    name: str
    write: Write
    places: tuple[str, ...] = ()
    """The files of a project in which its clients read it, relative to the root; none: no client does."""
    is_section: bool = False
    """The text is a section of a file that people write, too."""
    folder: str = ""
    """The file below the folder that `--output` names; empty: `--output` names the file."""

    @property
    def for_agents(self) -> bool:
        """Agents read the file as it is: candidates, which are served by chance, are left out unless asked for."""
        return bool(self.places)


def heading_of(export: LibraryExport) -> str:
    """The sentence under which lessons stand in a file that agents read."""
    return (
        f"Lessons of the experience library `{export.library}` (revision {export.revision}), learned from graded "
        "attempts. They are advice, not orders: use those whose condition holds, and cite their ids."
    )


def lines_of(export: LibraryExport) -> str:
    """The lessons as a list in Markdown, one a line."""
    return "\n".join(map(_line, export.lessons)) or "There are none yet."


def made_by(export: LibraryExport) -> str:
    """The line that tells a file of ours from one that a person wrote."""
    return f"<!-- written by explib export from the library {export.library}; changes here are lost -->"


def _line(lesson: ExportedLesson) -> str:
    mark = " (candidate)" if lesson.status == "candidate" else ""
    content = " ".join(lesson.content.split()).replace("<!--", "&lt;!--")  # no lesson ends a section of ours
    return f"- [{lesson.id}]. {content}{mark}"
