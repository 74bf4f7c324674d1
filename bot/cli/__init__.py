"""The command line. Each command is a module; this one only names them and turns errors into exit codes."""

from __future__ import annotations

import sys

import typer

from bot.cli.bench import bench
from bot.cli.check import check
from bot.cli.decide import decide
from bot.cli.demo import demo
from bot.cli.doctor import doctor
from bot.cli.import_command import import_feed
from bot.cli.play import play
from bot.cli.prove import prove
from bot.cli.run import run_all, run_clock, run_sender, run_web
from bot.cli.simulate import simulate
from bot.cli.understand import understand
from bot.cli.user import user
from bot.cli.why import why
from bot.port import PortTaken
from bot.settings import BadSettings
from bot.store import NoDatabase
from engine.document import DocumentError
from engine.store.binaries import ClusterFailed

app = typer.Typer(
    name="amiable",
    help="A conversational outreach bot for overdue receivables.",
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    rich_markup_mode=None,
    add_completion=False,
)
app.command()(demo)
app.command("run")(run_all)
app.command("web")(run_web)
app.command("sender")(run_sender)
app.command("clock")(run_clock)
app.command("import")(import_feed)
app.command()(decide)
app.command()(why)
app.command()(simulate)
app.command()(understand)
app.command()(play)
app.command()(check)
app.command()(doctor)
app.add_typer(user, name="user")
app.add_typer(bench, name="bench")
app.command()(prove)

BAD_INPUT, NOT_THERE = 2, 3


def main() -> None:
    """Run the command line. Exit codes: 0 done, 1 not true, 2 bad input, 3 something needed is not there."""
    try:
        app()
    except (BadSettings, DocumentError, PortTaken) as error:
        sys.exit(_complain(error, BAD_INPUT))
    except (ClusterFailed, NoDatabase) as error:
        sys.exit(_complain(error, NOT_THERE))


def _complain(error: Exception, code: int) -> int:
    typer.echo(f"amiable: {error}", err=True)
    return code
