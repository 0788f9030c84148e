"""The evidence of a library as a terminal shows it, readable at 80 columns."""

from __future__ import annotations

from rich.console import Group, RenderableType
from rich.table import Table
from rich.text import Text

from explib.evidence.belief import FEWEST_SUBMITTERS
from explib.evidence.interval import Interval
from explib.storage.evidence.following import NEWEST
from explib.text.words import number_of
from explib_server.render.evidence import UNKNOWN, ExperienceEvidence, LibraryEvidence, uplift_text
from explib_server.render.following import mean_text

AS_LEARNED = "served as learned"
STYLES = {"proven": "green", "likely helps": "green", "proven to harm": "red", "likely harms": "red"}


def evidence_view(found: LibraryEvidence) -> RenderableType:
    """A heading, what is known of the library, and a table of its experiences, the best first."""
    lines: list[RenderableType] = [
        Text(f"{found.library}, revision {found.revision}", style="bold"),
        Text(f"{number_of(found.retrievals, 'retrieval')}, {found.rewards:,} with a reward{_reported_by(found)}"),
        Text.assemble("Uplift of the library over serving nothing: ", uplift_text(found.uplift)),
        Text(f"Revisions tried: {_tried(found)}"),
        *(Text(f"  revision {each.revision} rolled back: {each.reason}", style="dim") for each in found.rolled_back),
    ]
    if found.unclaimed:
        lines.append(Text(f"{found.unclaimed[0].upper()}{found.unclaimed[1:]}.", style="yellow"))
    if not found.experiences:
        return Group(*lines, Text("no experiences yet"))
    note = (
        "Lift: change of the expected reward, with an interval that holds however often you look. "
        "Rewards: of tasks for which it was shortlisted, served or withheld by chance. Votes: up/down. "
        "Label: what is settled; else how many more rewards that takes, or how the lesson was learned that is served."
    )
    lines += ["", _table(found), Text(note, style="dim")]
    if any(each.following.seen for each in found.experiences):
        seen = (
            f"Seen: of the newest {NEWEST:,} attempts that name a retrieval, those whose retrieval served it. "
            "Met: of these, those that are coded at its decision. Followed, otherwise: what they did there, and the "
            "mean reward of those that have one. Nobody drew who follows, so this tells no cause: the lift does."
        )
        lines += ["", _ways(found), Text(seen, style="dim")]
    return Group(*lines)


def _reported_by(found: LibraryEvidence) -> str:
    if found.submitters < 2:
        return ""
    crowd = found.submitters >= FEWEST_SUBMITTERS
    return f" from {found.submitters} submitters" + (", each of whom counts once" if crowd else "")


def _tried(found: LibraryEvidence) -> str:
    return ", ".join(f"{count} {state}" for state, count in sorted(found.trials.items())) or "none yet"


def _table(found: LibraryEvidence) -> Table:
    table = Table(box=None, pad_edge=False, padding=(0, 1), header_style="bold")
    for name in ("id", "status"):
        table.add_column(name, no_wrap=True)
    for name in ("served", "rewards", "lift", "P(helps)", "votes"):
        table.add_column(name, justify="right", no_wrap=True)
    table.add_column("label", ratio=1)
    for each in sorted(found.experiences, key=_best_first):
        votes = f"{each.votes.up}/{each.votes.down}" if each.votes.up or each.votes.down else ""
        helps = "" if each.helps is None else f"{each.helps:.3f}"
        label = Text(_short(each.label), style=STYLES.get(each.label, "" if each.lift else "dim"))
        counts = (f"{each.served:,}", f"{each.rewards:,}")
        table.add_row(each.id, each.status, *counts, _lift(each.lift), helps, votes, label)
    return table


def _ways(found: LibraryEvidence) -> Table:
    """From being served to what came of it, of each lesson that was seen."""
    table = Table(box=None, pad_edge=False, padding=(0, 1), header_style="bold")
    table.add_column("id", no_wrap=True)
    for name in ("served", "seen", "met", "followed", "mean reward", "otherwise", "mean reward"):
        table.add_column(name, justify="right", no_wrap=True)
    for each in sorted(found.experiences, key=_best_first):
        way = each.following
        sides = [cell for side in (way.followed, way.otherwise) for cell in (f"{side.attempts:,}", mean_text(side))]
        if way.seen:
            table.add_row(each.id, f"{each.served:,}", f"{way.seen:,}", f"{way.met:,}", *sides)
    return table


def _short(label: str) -> str:
    """`~2,100 more` for `not known yet: about 2,100 more rewards`, `as learned (seen once)` for what is unmeasured."""
    if label.startswith(AS_LEARNED):
        return label.removeprefix("served ").partition(";")[0]
    unknown = label.removeprefix(UNKNOWN)
    return label if unknown == label else unknown.replace("about ", "~").removesuffix(" rewards")


def _lift(lift: Interval | None) -> str:
    return "" if lift is None else f"{lift.mean:+.2f} ({lift.low:+.2f} {lift.high:+.2f})"


def _best_first(each: ExperienceEvidence) -> tuple[bool, float, int]:
    return each.status == "retired", -(0.5 if each.helps is None else each.helps), int(each.id[1:])
