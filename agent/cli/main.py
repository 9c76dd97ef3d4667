"""The command line: finds the command, loads the settings, turns errors into plain words and exit codes.

Each group of commands is one module, imported when one of its commands is asked for: `--help` stays quick.
"""

from __future__ import annotations

import os
import sys
import threading
import traceback
from importlib import import_module
from pathlib import Path
from typing import TYPE_CHECKING

import click

from agent import __version__
from agent.cli.exits import MEANINGS, Exit, exit_of
from agent.errors import AgentError

if TYPE_CHECKING:
    from types import TracebackType
    from typing import TextIO

_COMMANDS = {
    "run": "working",
    "once": "working",
    "install": "installing",
    "demo": "demo",
    "check": "checking",
    "schema": "checking",
    "preview": "previewing",
    "new-feed": "beginning",
    "explain": "explaining",
    "status": "looking",
    "show": "looking",
    "release": "deciding",
    "resend": "deciding",
    "cancel": "deciding",
}

_INTERRUPTED = 130  # what shells expect of a program ended by Ctrl-C
_INSTALLED = Path("/etc/impact-agent/agent.yaml")
_EPILOG = "Exit codes: " + ", ".join(f"{code.value} {words}" for code, words in MEANINGS.items()) + "."


class _Lazy(click.Group):
    """Commands by name, their modules imported on demand."""

    def list_commands(self, ctx: click.Context) -> list[str]:  # noqa: ARG002 - click's signature
        return list(_COMMANDS)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:  # noqa: ARG002 - the same
        if cmd_name not in _COMMANDS:
            return None
        command: click.Command = getattr(
            import_module(f"agent.cli.{_COMMANDS[cmd_name]}"), cmd_name.replace("-", "_")
        )
        return command


@click.group(cls=_Lazy, epilog=_EPILOG, context_settings={"help_option_names": ["-h", "--help"]})
@click.option(
    "-c",
    "--config",
    type=click.Path(path_type=Path),
    envvar="IMPACT_AGENT_CONFIG",
    default=_INSTALLED,
    show_default=True,
    help="agent.yaml, or the folder that holds it.",
)
@click.version_option(__version__, prog_name="impact-agent")
@click.pass_context
def cli(ctx: click.Context, config: Path) -> None:
    """Turn dropped files into impact.com batches, deliver them, and say what became of each row."""
    ctx.obj = config / "agent.yaml" if config.is_dir() else config


def main() -> None:
    """Run the command line and leave with its exit code."""
    try:
        code = cli.main(prog_name="impact-agent", standalone_mode=False)
        sys.stdout.flush()
    except click.Abort:
        code = _INTERRUPTED
    except click.UsageError as error:
        error.show()
        code = Exit.USAGE
    except click.ClickException as error:
        code = _said(error.format_message(), Exit(error.exit_code))
    except SystemExit:  # how click ends when nobody reads on
        code = Exit.DONE
    except BrokenPipeError:
        _give_up(sys.stdout)
        code = Exit.DONE
    except (AgentError, OSError) as error:
        code = _said(_plain(error), exit_of(error))
    try:
        sys.stderr.flush()
    except OSError:  # such as a full disk for what is logged; the work is what counts
        _give_up(sys.stderr)
    sys.exit(code if isinstance(code, int) else Exit.DONE)


def _give_up(stream: TextIO) -> None:
    """Nobody reads on: what is left goes nowhere, without a second complaint at the interpreter's end."""
    os.dup2(os.open(os.devnull, os.O_WRONLY), stream.fileno())


def hush() -> None:
    """Have errors that nobody foresaw told by kind and place only: what they say may hold row contents."""
    sys.excepthook = _crashed
    threading.excepthook = lambda told: _crashed(told.exc_type, told.exc_value, told.exc_traceback)


def _crashed(kind: type[BaseException], _error: BaseException | None, trace: TracebackType | None) -> None:
    words = [
        "impact-agent: an error that nobody foresaw\n",
        *traceback.format_tb(trace),
        f"{kind.__name__}\n",
    ]
    sys.stderr.write("".join(words))


def _said(words: str, code: Exit) -> Exit:
    click.echo(f"impact-agent: {words}", err=True)
    return code


def _plain(error: AgentError | OSError) -> str:
    if isinstance(error, OSError):
        return f"{error.filename}: {error.strerror}" if error.filename else str(error.strerror or error)
    return str(error)
