"""The resources: a library as text, one experience with its provenance, one revision. And who completes their names.

Pages are imported when one is asked for: the start of a server must not wait for them.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING

from mcp.server import MCPServer
from mcp.server.mcpserver.exceptions import ResourceNotFoundError
from mcp.types import Completion, CompletionArgument, CompletionContext, PromptReference, ResourceTemplateReference

from explib.errors import ExplibError, NotAllowed, UnknownLibrary, UnknownRevision
from explib_server.mcp.opening import Current, LazyApplication

if TYPE_CHECKING:
    from explib_server.application import Application
    from explib_server.exporters.contents import LibraryExport

MAX_COMPLETIONS = 100
MAX_DIGITS = 9


@contextmanager
def not_found_errors() -> Iterator[None]:
    """Turns what we could not find into MCP's own answer for that."""
    try:
        yield
    except ExplibError as error:
        raise ResourceNotFoundError(str(error)) from error


def add_resources(server: MCPServer[LazyApplication], current: Current) -> None:
    """Register the resource templates and completion; `current` gives the application of the running server."""

    @server.resource(
        "experience://{library}",
        name="library",
        title="Experience library",
        description="Every experience of a library: `[id]. lesson`, and what the attempts say of it.",
        mime_type="text/plain",
    )
    async def library_text(library: str) -> str:
        with not_found_errors():
            application = await current()
            from explib_server.render.decisions import observations
            from explib_server.render.pages import library_page

            target = await application.library(library)
            experiences = await application.store.revisions.experiences(target)
            return library_page(target, experiences, await observations(application.store, target, experiences))

    @server.resource(
        "experience://{library}/{id}",
        name="experience",
        title="Experience with provenance",
        description="One experience (e3) or proposal (p3): its decision, who followed it, their rewards, its history.",
        mime_type="text/markdown",
    )
    async def experience(library: str, id: str) -> str:
        with not_found_errors():
            application = await current()
            from explib_server.render.pages import lesson_page

            return await lesson_page(application, await application.library(library), id)

    @server.resource(
        "experience://{library}/revisions/{n}",
        name="revision",
        title="Revision",
        description="One change of a library: its operations, before and after, cause and cost.",
        mime_type="text/markdown",
    )
    async def revision(library: str, n: str) -> str:
        with not_found_errors():
            application = await current()
            target = await application.library(library)
            if not (n.isdecimal() and len(n) <= MAX_DIGITS):
                raise UnknownRevision.beyond(target.name, target.revision, n)
            from explib_server.render.pages import revision_page

            return revision_page(await application.store.revisions.get(target, int(n)))

    _add_skills(server, current)
    _add_completion(server, current)


def _add_skills(server: MCPServer[LazyApplication], current: Current) -> None:
    """The proven lessons of each library as an Agent Skill: an index, and a SKILL.md for each."""

    @server.resource(
        "skill://index.json",
        name="skills",
        title="Skills",
        description="Libraries with proven lessons as Agent Skills: name, description and address of each.",
        mime_type="application/json",
    )
    async def index() -> str:
        from explib_server.exporters.skill import index_of

        return index_of(await _proven(await current()))

    @server.resource(
        "skill://{name}/SKILL.md",
        name="skill",
        title="Skill of a library",
        description="The proven lessons of a library as an Agent Skill; see skill://index.json.",
        mime_type="text/markdown",
    )
    async def skill(name: str) -> str:
        from explib_server.exporters.skill import EXPORTER

        found = next((export for export in await _proven(await current()) if export.name == name), None)
        if found is None:
            raise ResourceNotFoundError(f"There is no skill {name[:80]!r}: read skill://index.json.")
        return EXPORTER.write(found)


async def _proven(application: Application) -> list[LibraryExport]:
    """The proven lessons of every library within the caller's reach that has some."""
    from explib_server.exporters.contents import Only, contents

    exports = [await contents(application.store, each, Only.proven) for each in await application.libraries()]
    return [export for export in exports if export.lessons]


def _add_completion(server: MCPServer[LazyApplication], current: Current) -> None:
    @server.completion()
    async def complete(
        _reference: PromptReference | ResourceTemplateReference,
        argument: CompletionArgument,
        context: CompletionContext | None,
    ) -> Completion | None:
        given = (context.arguments or {}) if context else {}
        values = await _values(await current(), argument.name, given)
        matching = [value for value in values if value.startswith(argument.value)]
        return Completion(
            values=matching[:MAX_COMPLETIONS], total=len(matching), has_more=len(matching) > MAX_COMPLETIONS
        )


async def _values(application: Application, name: str, given: dict[str, str]) -> list[str]:
    if name == "library":
        return [library.name for library in await application.libraries()]
    if name not in {"id", "n"}:
        return []
    try:
        library = await application.library(given.get("library"))
    except (UnknownLibrary, NotAllowed):
        return []
    if name == "id":
        return [experience.id for experience in await application.store.revisions.experiences(library)]
    return [str(number) for number in range(library.revision, 0, -1)]
