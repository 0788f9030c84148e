"""The command `explib`. Each command is a small module; what it needs is imported when it runs."""

from __future__ import annotations

import typer

from explib_server.cli import attach, demo, doctor, experiences, importing, learn, serve, status, token, voting
from explib_server.cli.running import reporting_errors

app = typer.Typer(
    name="explib",
    help="An experience library for agents: graded trajectories in, lessons out, over MCP.",
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    add_completion=False,
)
app.command("serve")(serve.serve)
app.command("learn")(learn.learn)
app.command("status")(status.status)
app.command("import")(importing.import_files)
experiences.app.command("vote")(voting.vote_on_experience)
app.add_typer(experiences.app, name="experiences")
app.command("history")(experiences.history)
app.command("attach")(attach.attach)
app.add_typer(token.app, name="token")
app.command("doctor")(doctor.doctor)
app.command("demo")(demo.demo)


def main() -> None:
    """Run the command line; errors of ours are one line on stderr and exit code 1."""
    with reporting_errors():
        app()
