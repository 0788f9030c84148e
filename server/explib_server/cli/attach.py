"""`explib attach`: put the server into a client's configuration, or take it out."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

import typer

from explib_server.cli.run import say
from explib_server.cli.serve import Tools
from explib_server.clients.places import ClientName, Scope, this_machine

if TYPE_CHECKING:  # what edits files is imported when it runs
    from explib_server.clients.catalogue import Client
    from explib_server.clients.changes import Change
    from explib_server.clients.entries import Attachment


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
    show: Annotated[bool, typer.Option("--print", help="Only show what would be written.")] = False,
    as_link: Annotated[bool, typer.Option("--link", help="Print a one-click link (cursor, vscode).")] = False,
    remove: Annotated[bool, typer.Option("--remove", help="Take the entry out.")] = False,
) -> None:
    """Attach the experience library to a client: merges its configuration, with a backup, and changes nothing else."""
    from explib_server.clients.catalogue import CLIENTS, link
    from explib_server.clients.changes import attaching, removing
    from explib_server.clients.entries import attachment

    attached = attachment(name, url, token, library, database_url, tools.value)
    if as_link:
        say(link(client, attached))
        return
    target = CLIENTS[client]
    path = target.file(this_machine(), scope)
    change = removing(target, path, name) if remove else attaching(target, path, attached)
    where = f"{target.servers}.{name}"
    if remove:
        say(_removed(change, where, target, show))
    elif show:
        _show(target, attached, change)
    else:
        say(_attached(change, where, target, attached, scope))


def _show(client: Client, attached: Attachment, change: Change) -> None:
    from explib_server.clients.changes import shown_entry

    say(shown_entry(client, attached))
    written = "would be merged into it" if change.needed else "is in it already"
    warning = "\nThe token or password above is not masked: mind who sees it." if change.private else ""
    typer.echo(f"{change.path}: this {written}; nothing was written.{warning}", err=True)


def _removed(change: Change, where: str, client: Client, show: bool) -> str:
    if show and change.needed:
        return f"{where} would be taken out of {change.path}; nothing was written."
    if not change.needed or not change.apply():
        return f"{change.path} has no {where}: nothing was changed."
    return (
        f"{where} is out of {change.path}{_backup(change)}.\nStart {client.title} again: until then it has the server."
    )


def _attached(change: Change, where: str, client: Client, attached: Attachment, scope: Scope) -> str:
    entry = client.entry(attached)
    runs = attached.url or " ".join(attached.command)
    if not change.apply():
        return f"{change.path} has {where} ({runs}) already: nothing was changed."
    warning = " It holds a secret, so only you may read it (mode 0600)" if change.private else ""
    commit = ": don't commit it." if change.private and scope is Scope.project else "." if change.private else ""
    note = f" {entry.note}" if entry.note else ""
    note += f" Taken out of it: {', '.join(change.dropped)}." if change.dropped else ""
    return f"{where} ({runs}) is in {change.path}{_backup(change)}.{warning}{commit}{note}\n{client.next_step}"


def _backup(change: Change) -> str:
    from explib_server.clients.files import backup_of

    return f", which is kept as it was in {backup_of(change.path).name}" if change.before and change.needed else ""
