"""Those on call: alerts, hosts and releases, with silences, tickets, a status page and who is woken."""

from __future__ import annotations

from dataclasses import dataclass

from explib.models.json_value import Json
from learning.choices import Option, convention, decoy
from learning.play import Play
from learning.world import ScriptedWorld, tool

TOOLS = {
    "get_alert": tool("Show an alert.", alert="string"),
    "acknowledge": tool("Say that somebody works on an alert.", alert="string"),
    "resolve": tool("End an alert.", alert="string"),
    "silence": tool("Keep an alert quiet.", alert="string", minutes="integer", comment="string?"),
    "get_service": tool("Show a service.", service="string"),
    "get_runbook": tool("Show what to do with a service.", service="string"),
    "list_hosts": tool("Show the hosts of a service.", service="string"),
    "list_releases": tool("Show the releases of a service, newest first.", service="string"),
    "query_metric": tool("Show a number of a service.", service="string", metric="string", minutes="integer?"),
    "drain": tool("Take a host out of the balancer.", host="string"),
    "restart": tool("Restart a host.", host="string", grace_seconds="integer?"),
    "rollback": tool("Go back to a release.", service="string", release="string"),
    "scale": tool("Set how many hosts a service has.", service="string", hosts="integer"),
    "wait": tool("Let time pass.", seconds="integer"),
    "open_ticket": tool(
        "Open a ticket.", title="string", severity="integer", service="string", alert="string?", started="string?",
        labels="string[]?",
    ),
    "page_team": tool("Wake a team.", team="string", text="string"),
    "chat_team": tool("Write to a team.", team="string", text="string"),
    "post_status": tool("Write on the public status page.", component="string", text="string", state="string"),
}  # fmt: skip

# fmt: off
CHOICES = (
    convention("acknowledge_first", "When an alert is worked on",
        Option("first", "acknowledge it before anything is changed", 0.9, "acknowledge"),
        Option("never", "work on it without acknowledging it", 1.0), about="alert|acknowledge", weight=1.2),
    convention("drain_first", "When a host is restarted",
        Option("drain", "drain it before", 0.8, "drain"),
        Option("direct", "restart it at once", 1.0, "at once|directly"), about="restart|drain|host", weight=1.5),
    convention("which_host", "When one of several hosts is restarted",
        Option("memory", "restart the one that uses most memory", 0.8, "memory"),
        Option("oldest", "restart the one that is up longest", 1.0, "uptime|longest"), about="restart|host",
        weight=1.2),
    convention("settle", "When a host was restarted",
        Option("wait", "wait 60 seconds or more before you look", 0.8, r"\bwait"),
        Option("look", "look at once", 1.0, "at once|directly"), about="restart|wait|metric|quer"),
    convention("rollback_target", "When a release is taken back",
        Option("stable", "go back to the newest release that is marked as stable", 0.8, "stable"),
        Option("previous", "go back to the release before", 1.0, "previous|before|second"), about="release|roll",
        weight=1.5),
    convention("silence_length", "When an alert is silenced",
        Option("short", "silence it for 60 minutes at most", 0.8, r"\b60\b|hour|at most|below|short"),
        Option("long", "silence it for hours", 1.0, "hours|long"), about="silence"),
    convention("severity_source", "When a ticket is opened",
        Option("tier", "take the severity from the service's tier", 0.8, "tier|service"),
        Option("alert", "take the severity from the alert's level", 1.0, "alert|level"), about="severity",
        weight=1.5),
    convention("title_form", "When a ticket is opened",
        Option("bracket", "begin its title with the service in brackets", 0.7, "bracket|service"),
        Option("plain", "write a plain title", 1.0, "plain"), about="title"),
    convention("ticket_alert", "When a ticket is opened",
        Option("linked", "name the alert in it", 0.9, r"name the alert|pass .alert"),
        Option("bare", "open it without the alert", 1.0), about="ticket"),
    convention("night_page", "When somebody has to know between 22 and 7 o'clock",
        Option("page", "page the team", 0.8, "page_team|page the|wake"),
        Option("chat", "write in the chat", 1.0, "chat"), about="night|hour|know|page_team|page the", weight=1.2),
    convention("team_source", "When a team is told",
        Option("owner", "tell the team that owns the service", 0.9, "own"),
        Option("alert", "tell the team that the alert names", 1.0, "alert"), about="team"),
    convention("status_large", "When more than 5 % of the requests fail",
        Option("post", "post it on the status page", 0.7, "post_status|post it"),
        Option("quiet", "leave the status page alone", 1.0), about="status|error|fail", weight=1.2),
    convention("scale_step", "When a service gets more hosts",
        Option("double", "double their number", 0.8, "double|twice|× 2|times 2"),
        Option("one", "add one", 1.0, r"\bone\b|\b1\b"), about="scale|more hosts", weight=1.2),
    convention("resolve_last", "When the ticket is opened",
        Option("after", "resolve the alert after it", 0.9, "(?:resolve).*(?:after|then)|ticket.*(?:before|first)"),
        Option("before", "resolve the alert before it", 0.8, "resolve.*(?:before|first)"), about="resolve|alert"),
    decoy("runbook", "Reads the runbook", "no", "yes"),
    decoy("comment", "Comments a silence", "none", "known", "noise at night"),
    decoy("metric_window", "The window of a metric", "default", "5", "15"),
    decoy("labels", "Labels a ticket", "no", "yes"),
)
# fmt: on

SERVICES = ("billing", "search", "login", "media", "checkout", "mailer")
TEAMS = ("payments", "platform", "discovery", "identity")


@dataclass(frozen=True, slots=True)
class Incident:
    """An alert with what hangs on it."""

    alert: str
    service: str
    tier: int
    level: int
    owner: str
    named: str
    started: str
    night: bool
    errors: float


def _incident(play: Play, wish: str) -> Incident:
    """The request, a look at alert and service, and perhaps a word that somebody works on it."""
    draw = play.facts
    alert, service, hour = f"AL-{draw.randint(10000, 99999)}", draw.choice(SERVICES), draw.choice((2, 4, 9, 11, 14, 23))
    tier, level = draw.sample((1, 2, 3, 4), 2)
    owner, named = draw.sample(TEAMS, 2)
    minute, day, errors = draw.randint(0, 59), draw.randint(2, 27), draw.choice((0.6, 1.4, 2.8, 4.1, 5.6, 8.3, 12.5))
    night = hour >= 22 or hour < 7
    started = f"2026-03-{day:02d}T{hour:02d}:{minute:02d}Z"
    play.user(f"Alert {alert} fires for {service}. {wish}")
    shown: dict[str, Json] = {
        "alert": alert, "service": service, "level": level, "team": named, "started": started, "hour": hour,
        "error_percent": errors,
    }  # fmt: skip
    play.call("get_alert", {"alert": alert}, shown)
    play.call("get_service", {"service": service}, {"service": service, "tier": tier, "owner": owner})
    if play.right("acknowledge_first"):
        play.call("acknowledge", {"alert": alert}, {"alert": alert, "state": "acknowledged"})
    if play.takes("runbook") == "yes":
        play.call("get_runbook", {"service": service}, "Look at the hosts, then at the releases.")
    return Incident(alert, service, tier, level, owner, named, started, night, errors)


def _look(play: Play, case: Incident) -> None:
    window = play.takes("metric_window")
    more: dict[str, Json] = {} if window == "default" else {"minutes": int(window)}
    answer: dict[str, Json] = {"metric": "errors", "value": round(play.dice.uniform(0.0, 0.5), 2)}
    play.call("query_metric", {"service": case.service, "metric": "errors", **more}, answer)


def _restart(play: Play, case: Incident) -> None:
    draw = play.facts
    names = [f"{case.service}-{number}" for number in draw.sample(range(10, 99), 3)]
    memory, uptime = draw.sample(range(31, 97), 3), draw.sample(range(2, 80), 3)
    while memory.index(max(memory)) == uptime.index(max(uptime)):
        draw.shuffle(uptime)
    hosts: list[Json] = [
        {"host": name, "memory_percent": used, "uptime_days": days}
        for name, used, days in zip(names, memory, uptime, strict=True)
    ]
    play.call("list_hosts", {"service": case.service}, hosts)
    by = memory if play.right("which_host") else uptime
    host: dict[str, Json] = {"host": names[by.index(max(by))]}
    if play.right("drain_first"):
        play.call("drain", host, {**host, "state": "drained"})
    grace: dict[str, Json] = {"grace_seconds": 30} if play.dice.random() < 0.4 else {}
    play.call("restart", {**host, **grace}, {**host, "state": "up"})
    if play.right("settle"):
        play.call("wait", {"seconds": play.dice.choice((60, 90, 120))}, "ok")
    _look(play, case)


def _roll_back(play: Play, case: Incident) -> None:
    draw = play.facts
    newest = draw.randint(120, 880)
    stable = newest - draw.choice((2, 3))
    releases: list[Json] = [
        {"release": f"r{number}", "stable": number <= stable, "author": draw.choice(("ana", "ben", "cleo"))}
        for number in range(newest, newest - 5, -1)
    ]
    play.call("list_releases", {"service": case.service}, releases)
    target = stable if play.right("rollback_target") else newest - 1
    play.call("rollback", {"service": case.service, "release": f"r{target}"}, {"state": "done"})
    _look(play, case)


def _scale(play: Play, case: Incident) -> None:
    count = play.facts.randint(3, 9)
    play.call("query_metric", {"service": case.service, "metric": "load"}, {"metric": "load", "hosts": count})
    wanted = 2 * count if play.right("scale_step") else count + 1
    play.call("scale", {"service": case.service, "hosts": wanted}, {"service": case.service, "state": "scaled"})
    _look(play, case)


def _silence(play: Play, case: Incident) -> None:
    minutes = play.dice.choice((15, 30, 45, 60) if play.right("silence_length") else (120, 180, 240, 480))
    comment = play.takes("comment")
    more: dict[str, Json] = {} if comment == "none" else {"comment": comment}
    play.call("silence", {"alert": case.alert, "minutes": minutes, **more}, {"state": "silenced"})


def _tell(play: Play, case: Incident, text: str) -> None:
    team = case.owner if play.right("team_source") else case.named
    by_page = play.right("night_page") if case.night else play.dice.random() < 0.3
    play.call("page_team" if by_page else "chat_team", {"team": team, "text": text}, {"sent": True})


def _status(play: Play, case: Incident) -> None:
    posts = play.right("status_large") if case.errors > 5 else play.dice.random() < 0.15
    if posts:
        shown: dict[str, Json] = {"component": case.service, "text": "We are looking into it.", "state": "degraded"}
        play.call("post_status", shown, {"state": "posted"})


def _ticket(play: Play, case: Incident, what: str) -> None:
    title = f"[{case.service}] {what}" if play.right("title_form") else f"{what.capitalize()} in {case.service}"
    severity = case.tier if play.right("severity_source") else case.level
    ticket: dict[str, Json] = {"title": title, "severity": severity, "service": case.service}
    if play.right("ticket_alert"):
        ticket["alert"] = case.alert
    if play.dice.random() < 0.7:
        ticket["started"] = case.started
    if play.takes("labels") == "yes":
        ticket["labels"] = ["night"]
    last = play.right("resolve_last")
    ended: dict[str, Json] = {"alert": case.alert}
    if not last:
        play.call("resolve", ended, {**ended, "state": "resolved"})
    play.call("open_ticket", ticket, {"ticket": f"OPS-{play.facts.randint(1000, 9999)}", "state": "open"})
    if last:
        play.call("resolve", ended, {**ended, "state": "resolved"})
    play.say(f"{case.alert} is resolved and has a ticket.")


def _slow(play: Play) -> None:
    case = _incident(play, "It answers slowly. Restart a host, tell the team and open a ticket.")
    _status(play, case)
    _restart(play, case)
    _tell(play, case, f"{case.service} was slow, a host was restarted.")
    _ticket(play, case, "slow answers")


def _bad_release(play: Play) -> None:
    case = _incident(play, "It fails since the last release. Take it back, tell the team and open a ticket.")
    _status(play, case)
    _roll_back(play, case)
    _tell(play, case, f"{case.service} went back to an older release.")
    _ticket(play, case, "failures after a release")


def _crowded(play: Play) -> None:
    case = _incident(play, "There is more traffic than usual. Give it more hosts and open a ticket.")
    _scale(play, case)
    _status(play, case)
    _ticket(play, case, "too few hosts")


def _noise(play: Play) -> None:
    case = _incident(play, "It comes and goes. Keep it quiet for now, tell the team and open a ticket.")
    _silence(play, case)
    _tell(play, case, f"the alert of {case.service} is silenced.")
    _ticket(play, case, "a nervous alert")


WORLD = ScriptedWorld(
    "on call",
    TOOLS,
    CHOICES,
    {"slow": _slow, "bad release": _bad_release, "crowded": _crowded, "noise": _noise},
    ties=(("drain_first", "settle", 0.35), ("ticket_alert", "labels", 0.45)),
)
