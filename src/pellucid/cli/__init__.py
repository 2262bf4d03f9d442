"""The command `pellucid`: one file a sub-command, whose work is imported when it is called."""

from __future__ import annotations

import argparse
import os
import sys
from collections.abc import Sequence

from pellucid import __version__
from pellucid.cli import doctor, explain, inspect, quantize, run, trace, train
from pellucid.errors import PellucidError

COMMANDS = {
    "run": run,
    "trace": trace,
    "explain": explain,
    "train": train,
    "quantize": quantize,
    "inspect": inspect,
    "doctor": doctor,
}


def parser() -> argparse.ArgumentParser:
    """The words before a sub-command's own."""
    commands = "\n".join(f"  {name:<10}{command.SUMMARY}" for name, command in COMMANDS.items())
    top = argparse.ArgumentParser(
        prog="pellucid",
        usage="pellucid COMMAND …",
        description="Run Hugging Face checkpoints on text, with every step in plain view.",
        epilog=f"commands:\n{commands}\n\n`pellucid COMMAND --help` tells a command's arguments.",
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    top.add_argument("--version", action="version", version=f"pellucid {__version__}")
    top.add_argument("command", choices=COMMANDS, metavar="COMMAND", help=argparse.SUPPRESS)
    top.add_argument("rest", nargs=argparse.REMAINDER, help=argparse.SUPPRESS)
    return top


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command.

    Args:
        arguments: the words after `pellucid`; those of this process where left out.

    Returns:
        0; 1 after an error, which is told on standard error in one paragraph; 2 for words that mean nothing.
    """
    words = parser().parse_args(arguments)
    command = COMMANDS[words.command]
    # Texts may stand before and after options.
    given = command.parser().parse_intermixed_args(words.rest)
    try:
        code: int = command.execute(given)
        sys.stdout.flush()
        return code
    except PellucidError as error:
        print(f"pellucid: {error}", file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        return 130
    except BrokenPipeError:
        # The reader has gone, as with `| head`: nothing is wrong. Python would complain once more on its way out.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return 0
