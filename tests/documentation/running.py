"""Runs the blocks of a page and compares what they print with what the page shows."""

from __future__ import annotations

import contextlib
import io
import logging
import os
import re
import shutil
import subprocess
import sys
import textwrap
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pellucid
from documentation.markdown import Block, name_of

NUMBER = re.compile(r"-?\d+\.\d+(?:e[-+]?\d+)?")
# With the blanks around it, which line columns up.
ANY_NUMBER = re.compile(r" *-?\d+\.\d*(?:e[-+]?\d+)? *")


def run_page(page: Path, blocks: list[Block], folder: Path) -> None:
    """Run the blocks in order, in one folder and one namespace, as a reader would."""
    namespace: dict[str, Any] = {"__name__": "__main__"}
    for block in blocks:
        where = f"{name_of(page)}:{block.line}"
        if block.kind == "python":
            # The lines before it are left empty, so that a traceback names the page's own line.
            source = "\n" * block.line + block.code
            with printed_and_logged() as printed:
                exec(compile(source, str(page), "exec"), namespace)
            compare(block.output, printed.getvalue(), where, numbers_vary=block.numbers_vary)
        elif block.kind == "console":
            for command, shown in commands_of(block):
                compare(shown, run_command(command, shown, folder, where), f"{where}: $ {command}")


@contextlib.contextmanager
def printed_and_logged() -> Iterator[io.StringIO]:
    """Collects both, in order, as a notebook shows them below a cell: the library warns by logging."""
    printed = io.StringIO()
    handler = logging.StreamHandler(printed)
    handler.setLevel(logging.WARNING)
    logger = logging.getLogger("pellucid")
    logger.addHandler(handler)
    try:
        with contextlib.redirect_stdout(printed):
            yield printed
    finally:
        logger.removeHandler(handler)


def commands_of(block: Block) -> list[tuple[str, str]]:
    """Pairs of command and the lines shown behind it."""
    parts = re.split(r"^\$ ", block.code, flags=re.MULTILINE)
    assert not parts[0].strip(), f"line {block.line}: a console block begins with `$ `"
    pairs = []
    for part in parts[1:]:
        command, _, shown = re.sub(r"\\\n> ?", "", part).partition("\n")
        pairs.append((command, shown))
    return pairs


def run_command(command: str, shown: str, folder: Path, where: str) -> str:
    """What a command prints, errors too, in a shell that knows `pellucid` and `python`."""
    shell = shutil.which("bash")
    assert shell is not None
    source = str(Path(pellucid.__file__).parents[1])
    environment = {
        **os.environ,
        "PATH": f"{commands_folder(folder)}{os.pathsep}{os.environ['PATH']}",
        "PYTHONPATH": source,
        "PYTHONUTF8": "1",
        "COLUMNS": "100",
        "NO_COLOR": "1",
        "HF_HUB_OFFLINE": "1",
    }
    done = subprocess.run(
        [shell, "-c", command], cwd=folder, env=environment, text=True, encoding="utf-8", check=False,
        stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, timeout=120,
    )  # fmt: skip
    is_shown_to_fail = re.search(r"^pellucid( \w+)?: ", shown, flags=re.MULTILINE) is not None
    assert (done.returncode != 0) == is_shown_to_fail, f"{where}: ended with {done.returncode}:\n{done.stdout}"
    return done.stdout


def commands_folder(folder: Path) -> Path:
    """A folder with the commands of this environment, made once beside the page's own."""
    commands = folder.parent / f"{folder.name}-commands"
    if not commands.is_dir():
        commands.mkdir()
        for name, words in (("pellucid", "-m pellucid "), ("python", "")):
            script = commands / name
            script.write_text(f'#!/bin/sh\nexec "{sys.executable}" {words}"$@"\n', encoding="utf-8")
            script.chmod(0o755)
    return commands


def compare(shown: str, printed: str, where: str, *, numbers_vary: bool = False) -> None:
    """Equal but for blanks at the ends of lines, and the last digit of decimals, which differs between processors.

    Args:
        shown: by the page.
        printed: by the code.
        where: in the page, for the message.
        numbers_vary: any decimal may stand for any other; how many there are, and all else, must be equal.
    """
    expected, actual = (textwrap.dedent(text).strip().splitlines() for text in (shown, printed))
    expected, actual = ([line.rstrip() for line in lines] for lines in (expected, actual))
    same_line = _same_but_for_numbers if numbers_vary else _same_line
    same = len(expected) == len(actual) and all(map(same_line, expected, actual))
    assert same, f"{where} prints\n{printed.strip()}\n\nbut the page shows\n{shown.strip()}"


def _same_but_for_numbers(expected: str, actual: str) -> bool:
    return ANY_NUMBER.sub(" # ", expected) == ANY_NUMBER.sub(" # ", actual)


def _same_line(expected: str, actual: str) -> bool:
    if NUMBER.sub("0", expected) != NUMBER.sub("0", actual):
        return False
    pairs = zip(NUMBER.findall(expected), NUMBER.findall(actual), strict=True)
    return all(abs(float(one) - float(other)) <= _tolerance(one) for one, other in pairs)


def _tolerance(number: str) -> float:
    """Two of the last digit that is shown, but no less than float32 can be wrong by after a whole model."""
    digits, _, exponent = number.partition("e")
    shown = 2.001 * 10.0 ** (int(exponent or 0) - len(digits.partition(".")[2]))
    return max(shown, 1e-5 * abs(float(number)))
