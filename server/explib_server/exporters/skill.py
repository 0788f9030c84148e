"""Agent Skills: a folder with a SKILL.md that clients load when its description fits the task."""

from __future__ import annotations

import json
from collections.abc import Iterable

from explib_server.exporters.contents import LibraryExport
from explib_server.exporters.exporter import Exporter, heading_of, lines_of, made_by

MAX_DESCRIPTION = 1024
"""Characters that a skill's description may have."""
_TOLD = 60
"""Characters of a situation that the description tells."""


def description_of(export: LibraryExport) -> str:
    """The sentence by which a client decides to load it: what the library is for, and situations of its lessons."""
    purpose = export.objective or f"tasks like those of the experience library {export.library}"
    text = f"Lessons learned from graded attempts, for: {' '.join(purpose.split())}. Read before such a task."
    for lesson in export.lessons:
        situation = lesson.content.partition(",")[0]
        if len(situation) > _TOLD or len(text) + len(situation) + 2 > MAX_DESCRIPTION:
            continue
        text += f" {' '.join(situation.split())};"
    shown = "".join(each if each.isprintable() else " " for each in text)  # YAML takes no others
    return shown[:MAX_DESCRIPTION].rstrip(";")


def _write(export: LibraryExport) -> str:
    head = (
        f"name: {export.name}",
        f"description: {_quoted(description_of(export))}",
        f'metadata:\n  library: "{export.library}"\n  revision: "{export.revision}"',
    )
    title = f"# Lessons of {export.library}"
    body = "\n\n".join([made_by(export), title, heading_of(export), lines_of(export)])
    return "---\n" + "\n".join(head) + f"\n---\n\n{body}\n"


def index_of(exports: Iterable[LibraryExport]) -> str:
    """The list of skills over MCP, as JSON."""
    skills = [
        {"name": each.name, "description": description_of(each), "url": f"skill://{each.name}/SKILL.md"}
        for each in exports
    ]
    return json.dumps({"skills": skills}, ensure_ascii=False, indent=1)


def _quoted(text: str) -> str:
    """A YAML string: JSON's are."""
    return json.dumps(text, ensure_ascii=False)


_FILE = "{name}/SKILL.md"
EXPORTER = Exporter("skill", _write, (f".claude/skills/{_FILE}", f".agents/skills/{_FILE}"), folder=_FILE)
