"""The `tellback` command: finds the command that was called, and turns faults into lines and exit codes.

Exit codes: 0 done; 1 a bug of ours, with its traceback (and `doctor`, when it found something wrong); 2 it
cannot be done, standard error says why; 128 + n ended by signal n.
"""

from __future__ import annotations

import importlib
import signal
import sys
import warnings
from collections.abc import Mapping, Sequence
from typing import Any

import click

from tellback import __version__
from tellback.cli import faults, interrupts

#: Command -> what `tellback --help` says of it. Each stands, as `command`, in the module of its name.
COMMANDS: Mapping[str, str] = {
    "demo": "A running hub with a small workspace, feedback in it, and lines to paste.",
    "serve": "Run the hub.",
    "work": "Deliver and tidy up, beside or without a hub in the same place.",
    "apply": "Make a workspace be as a configuration file says.",
    "config": "Show a workspace's configuration, or check a file.",
    "token": "Create, list and revoke access tokens.",
    "import": "Bring in a file of records.",
    "survey": "Take a survey from one hub to another.",
    "intake": "What came in, and what became of it.",
    "deliveries": "What goes out, and what became of it.",
    "db": "The database: its schema, a prompt.",
    "doctor": "What is wrong, in words, and what to do.",
}
# Where the module is named otherwise.
_MODULES = {"token": "tokens", "import": "imports", "survey": "surveys"}


class OnDemand(click.Group):
    """A group whose commands are imported when they are called."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        return list(COMMANDS)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        if cmd_name not in COMMANDS:
            return None
        module = importlib.import_module(f"tellback.cli.{_MODULES.get(cmd_name, cmd_name)}")
        command: click.Command = module.command
        return command

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        with formatter.section("Commands"):
            formatter.write_dl(list(COMMANDS.items()))


@click.group(cls=OnDemand, context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(__version__, message="tellback %(version)s")
def root() -> None:
    """A self-hosted hub for customer feedback."""


def run(arguments: Sequence[str]) -> int:
    """Run the command line; its exit code."""
    signal.signal(signal.SIGTERM, interrupts.terminate)
    try:
        code: Any = root.main(list(arguments), prog_name="tellback", standalone_mode=False)
        sys.stdout.flush()
    except click.exceptions.NoArgsIsHelpError as nothing_asked:
        click.echo(nothing_asked.format_message(), err=True)
        return 2
    except click.Abort:
        _hush()
        return 128 + signal.SIGINT
    except interrupts.Terminated:
        _hush()
        return 128 + signal.SIGTERM
    except faults.EXPECTED as error:
        for line in faults.lines(error):
            click.echo(line, err=True)
        return 2
    return code if isinstance(code, int) else 0


def _hush() -> None:
    """Say nothing of what was only half made when the signal came: an event loop, a coroutine."""
    sys.unraisablehook = lambda _: None
    warnings.simplefilter("ignore")
