"""`explib attach`: put the server and its hooks into a client's configuration, or take them out."""

from __future__ import annotations

import shutil
import sys
from collections.abc import Iterator
from typing import TYPE_CHECKING, Annotated

import typer

from explib_server.cli.run import say
from explib_server.cli.serve import Tools
from explib_server.clients.learning import LearnWith
from explib_server.clients.places import ClientName, Scope, this_machine
from explib_server.hooks.spool import Spool

if TYPE_CHECKING:  # what edits files is imported when it runs
    from explib_server.clients.changes import Change
    from explib_server.clients.installation import Installation, Wishes


def attach(
    client: Annotated[ClientName, typer.Argument(help="Whose configuration is changed.")],
    url: Annotated[str | None, typer.Option(help="Attach to a server over HTTP at this address.")] = None,
    token: Annotated[str | None, typer.Option(help="Its bearer token (`explib token create`).")] = None,
    name: Annotated[str, typer.Option(help="The entry's name.")] = "explib",
    library: Annotated[str | None, typer.Option(help="EXPLIB_LIBRARY of the entry.")] = None,
    database_url: Annotated[str | None, typer.Option(help="EXPLIB_DATABASE_URL of the entry.")] = None,
    tools: Annotated[
        Tools, typer.Option(help="learn: also the analysis tools; all: also those for curating.")
    ] = Tools.agent,
    scope: Annotated[Scope, typer.Option(help="Every project of yours, or this folder.")] = Scope.user,
    no_hooks: Annotated[
        bool, typer.Option("--no-hooks", help="Only the server: nothing is recalled or kept by itself.")
    ] = False,
    allow: Annotated[bool, typer.Option("--allow", help="Our reading tools run unasked.")] = False,
    status_line: Annotated[
        bool, typer.Option("--status-line", help="`explib status --line` in Claude Code's status line, if it has none.")
    ] = False,
    learn_with: Annotated[
        LearnWith | None, typer.Option(help="Who may read your sessions to find lessons; default: asked once.")
    ] = None,
    instructions: Annotated[
        bool, typer.Option("--instructions", help="The bullets of this folder's CLAUDE.md, AGENTS.md … as lessons.")
    ] = False,
    show: Annotated[bool, typer.Option("--print", help="Only show what would be written.")] = False,
    as_link: Annotated[bool, typer.Option("--link", help="Print a one-click link (cursor, vscode).")] = False,
    remove: Annotated[bool, typer.Option("--remove", help="Take out what was put in.")] = False,
) -> None:
    """Attach the experience library to a client: merges its configuration, with a backup, and changes nothing else."""
    from explib_server.clients.catalogue import link
    from explib_server.clients.entries import attachment
    from explib_server.clients.installation import Installation, Wishes

    attached = attachment(name, url, token, library, database_url, tools.value)
    if as_link:
        say(link(client, attached))
        return
    installation = Installation(client, this_machine(), scope, attached)
    if remove:
        for line in _removed(installation, show):
            say(line)
        return
    wishes = Wishes(hooks=not no_hooks and url is None, allow=allow, status_line=status_line)
    if show:
        _show(installation, wishes)
        return
    reader = _reader(learn_with) if url is None else None
    for line in _attached(installation, wishes):
        say(line)
    if url is None:
        _keep_answers(tools)
    if reader is not None:
        from explib_server.clients.guidance import expectation

        say(expectation(reader))
    if instructions:
        from explib_server.cli.instructions import adopt

        adopt()


def _show(installation: Installation, wishes: Wishes) -> None:
    fragments = installation.fragments(wishes)
    for path, text in fragments.items():
        say(text if len(fragments) == 1 else f"# {path}\n{text}\n")
    changes = installation.attaching(wishes)
    for change in changes:
        written = "would be merged into it" if change.needed else "is in it already"
        typer.echo(f"{change.path}: this {written}; nothing was written.", err=True)
    if any(change.private for change in changes):
        typer.echo("The token or password above is not masked: mind who sees it.", err=True)


def _removed(installation: Installation, show: bool) -> Iterator[str]:
    """A line for each file, said as soon as it is changed."""
    changes = installation.removing()
    needed = [change for change in changes if change.needed]
    if not needed:
        where = f"{installation.client.servers}.{installation.attachment.name}"
        yield f"{changes[0].path} has no {where}: nothing was changed."
        return
    for change in needed:
        if show:
            yield f"Ours would be taken out of {change.path}; nothing was written."
        elif change.apply():
            yield _outcome(change)
    if not show:
        Spool().detach(installation.name.value)
        yield f"Start {installation.client.title} again: until then it has the server."


def _outcome(change: Change) -> str:
    if change.content is None:
        return f"{change.path} held nothing else and is gone."
    if change.restores:
        return f"Everything of ours is out of {change.path}, which is as it was before."
    return f"Everything of ours is out of {change.path}{_backup(change)}."


def _attached(installation: Installation, wishes: Wishes) -> Iterator[str]:
    """A line for each file, said as soon as it is changed; then what is to be known."""
    from explib_server.clients.guidance import guidance

    client, attached = installation.client, installation.attachment
    where = f"{client.servers}.{attached.name} ({attached.url or ' '.join(attached.command)})"
    entry, *further = installation.attaching(wishes)
    changed = entry.apply()
    if changed:
        yield _entry_written(entry, where, installation)
    for change in further:
        if change.apply():
            changed = True
            yield f"Hooks are {'in' if wishes.hooks else 'out of'} {change.path}{_backup(change)}."
    if changed:
        yield from guidance(installation, wishes)
    else:
        yield f"{entry.path} has {where} already: nothing was changed."


def _keep_answers(tools: Tools) -> None:
    """What the client asks first is answered at once from the first session on."""
    from explib_server.service.answers import keep

    try:
        keep(tools.value)
    except OSError as error:
        typer.echo(f"The first session will wait a little longer for the tools: {error}.", err=True)


def _entry_written(change: Change, where: str, installation: Installation) -> str:
    """The file that holds the entry, and what is to be known about it."""
    commit = ": don't commit it" if installation.scope is Scope.project else ""
    secret = f" It holds a secret, so only you may read it (mode 0600){commit}." if change.private else ""
    entry_note = installation.client.entry(installation.attachment).note
    note = f" {entry_note}" if entry_note else ""
    dropped = f" Taken out of it: {', '.join(change.dropped)}." if change.dropped else ""
    return f"{where} is in {change.path}{_backup(change)}.{secret}{note}{dropped}"


def _backup(change: Change) -> str:
    from explib_server.clients.files import backup_of

    kept = change.before is not None and change.needed and change.backup
    return f", which is kept as it was in {backup_of(change.path).name}" if kept else ""


def _reader(choice: LearnWith | None) -> LearnWith:
    """Who reads sessions from now on: as the option says, else as was said before, else the answer of the person."""
    from explib_server.clients.learning import learning_with, reader
    from explib_server.program import load_settings

    settings = load_settings()
    if choice is None:
        choice = reader(settings)
        if choice is not None:
            return choice
        if not _at_a_terminal():
            return LearnWith.statistics
        choice = _asked()
    change = learning_with(choice, settings)
    if change.apply():
        say(f"Who reads your sessions is in {change.path}{_backup(change)}.")
    return choice


def _at_a_terminal() -> bool:
    return sys.stdin.isatty()


def _asked() -> LearnWith:
    """The answer of the person. A program that isn't installed is not offered."""
    from explib_server.clients.learning import COST, READERS

    offered = [who for who in LearnWith if who not in {LearnWith.claude, LearnWith.codex} or shutil.which(who.value)]
    say(f"Who may read your sessions to find lessons in them? A model that reads them takes {COST}.")
    for who in offered:
        say(f"  {who:<10} {READERS[who]}")
    while (answer := typer.prompt("Choose", default=LearnWith.statistics.value)) not in offered:
        say(f"{answer} is none of them.")
    return LearnWith(answer)
