"""`explib attempts list|show|delete`: what is stored, and taking out what should not be."""

from __future__ import annotations

import json
from dataclasses import asdict
from typing import Annotated, TypeAlias

import typer

from explib.errors import InvalidInput
from explib.models.trajectories import AttemptFilter, Trajectory
from explib.storage.deletion.attempts import Deleted
from explib.text.words import number_of
from explib_server.application import Application
from explib_server.cli.curation import AuthorOption, by_person
from explib_server.cli.run import JsonOption, LibraryOption, run, say
from explib_server.importers.rewards import pass_if
from explib_server.importers.sessions.places import moment
from explib_server.render.attempts import attempt_line, attempt_page

app = typer.Typer(help="List, show and delete stored attempts.", no_args_is_help=True, add_completion=False)
MOST_LISTED = 1_000_000
GroupOption: TypeAlias = Annotated[str | None, typer.Option(help="Of this group: its id, its key, or its task.")]
RewardOption: TypeAlias = Annotated[str | None, typer.Option(help="With such a reward: '>=0.5', '==0', or none.")]
AgentOption: TypeAlias = Annotated[str | None, typer.Option(help="By this agent or client.")]
ModelOption: TypeAlias = Annotated[str | None, typer.Option(help="By this model.")]
SinceOption: TypeAlias = Annotated[str | None, typer.Option(help="Stored since a date, or in the last 7d, 12h.")]
KeyOption: TypeAlias = Annotated[
    str | None, typer.Option(help="Brought under a key that begins so: import:runs.jsonl:, turn:claude-code:.")
]
IdArgument: TypeAlias = Annotated[str, typer.Argument(metavar="ID", help="For example t_01….")]


@app.command("list")
def list_attempts(
    group: GroupOption = None,
    reward: RewardOption = None,
    agent: AgentOption = None,
    model: ModelOption = None,
    since: SinceOption = None,
    key: KeyOption = None,
    limit: Annotated[int, typer.Option(min=1, max=MOST_LISTED, help="At most this many.")] = 20,
    library: LibraryOption = None,
    as_json: JsonOption = False,
) -> None:
    """List the attempts of a library, newest first."""
    wanted = _filter((), group, reward, agent, model, since, key)

    async def work(application: Application) -> tuple[int, list[Trajectory]]:
        target = await application.library(library)
        return await application.store.trajectories.listed(target, wanted, limit)

    number, found = run(work, "read")
    if as_json:
        say(json.dumps([asdict(each) for each in found], indent=2))
        return
    lines = [attempt_line(each) for each in found]
    more = [f"and {number_of(number - len(found), 'older one')}: see --limit"] if number > len(found) else []
    say("\n".join([*lines, *more]) or ("no attempts yet" if wanted == AttemptFilter() else "no such attempts"))


@app.command("show")
def show_attempt(attempt_id: IdArgument, library: LibraryOption = None, as_json: JsonOption = False) -> None:
    """Show one attempt: its task, steps, calls, results and errors, its reward and who says so."""

    async def work(application: Application) -> str:
        target = await application.library(library)
        attempt = await application.store.trajectories.get(target, attempt_id)
        return json.dumps(asdict(attempt), indent=2) if as_json else attempt_page(attempt)

    say(run(work, "read"))


@app.command("delete")
def delete_attempts(
    ids: Annotated[
        list[str] | None, typer.Argument(metavar="[ID]…", help="These, or those that the options say.")
    ] = None,
    group: GroupOption = None,
    reward: RewardOption = None,
    agent: AgentOption = None,
    model: ModelOption = None,
    since: SinceOption = None,
    key: KeyOption = None,
    with_lessons: Annotated[
        bool, typer.Option("--with-lessons", help="Retire lessons that no attempt speaks for any more.")
    ] = False,
    yes: Annotated[bool, typer.Option("--yes", help="Delete them; without it they are only counted.")] = False,
    author: AuthorOption = None,
    library: LibraryOption = None,
) -> None:
    """Delete attempts for good, with all that rests on them, and rewrite the database's free pages."""
    wanted = _filter(ids or (), group, reward, agent, model, since, key)
    if wanted == AttemptFilter():
        raise InvalidInput("Say which attempts: name ids, or pass --group, --key, --since or another option.")

    async def count(application: Application) -> tuple[str, int]:
        target = await application.library(library)
        return target.name, (await application.store.trajectories.listed(target, wanted, 0))[0]

    async def delete(application: Application) -> tuple[Deleted, str]:
        target = await application.library(library)
        deletions, signed = application.store.deletions, by_person(author, "").signed
        done = await deletions.attempts(target, wanted, signed, lessons=with_lessons)
        return done, await deletions.purge() if done.attempts else ""

    if not yes:
        name, number = run(count, "read")
        raise InvalidInput(
            f"{number_of(number, 'attempt')} of {name} would be deleted for good: pass --yes to delete them. "
            "`explib db backup FILE` keeps a copy of everything first."
        )
    done, rest = run(delete, "existing")
    say("\n".join(filter(None, (*_told(done), rest))))


def _told(done: Deleted) -> list[str]:
    gone = f", {number_of(done.groups, 'group')} gone with them" if done.groups else ""
    lines = [f"{number_of(done.attempts, 'attempt')} deleted{gone}"]
    if done.lessons:
        lines.append(f"these lessons rested on some of them and stay, with what is left: {', '.join(done.lessons)}")
        lines.append("a lesson's own words are in the history, too: `explib experiences show ID`")
    if done.retired:
        lines.append(f"retired, since nothing speaks for them any more: {', '.join(done.retired)}")
    return lines


def _filter(
    ids: list[str] | tuple[str, ...],
    group: str | None,
    reward: str | None,
    agent: str | None,
    model: str | None,
    since: str | None,
    key: str | None,
) -> AttemptFilter:
    ungraded = reward is not None and reward.strip().lower() == "none"
    limit = None if reward is None or ungraded else pass_if(reward, "--reward")
    return AttemptFilter(
        ids=tuple(ids),
        group=group,
        reward=None if limit is None else (limit.sign, limit.limit),
        ungraded=ungraded,
        agent=agent,
        model=model,
        key=key,
        since=None if since is None else moment(since),
    )
