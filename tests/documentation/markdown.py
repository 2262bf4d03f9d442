"""Reads the documentation's pages: their blocks of code, links and headings."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path

from markdown_it import MarkdownIt
from markdown_it.token import Token

ROOT = Path(__file__).resolve().parents[2]

PAGES = sorted([*ROOT.glob("*.md"), *(ROOT / "docs").rglob("*.md")])

OUTPUTS = ("output", "output numbers vary")

KINDS = {
    "python": "runs, and prints what the output block behind it shows",
    "console": "commands after `$ `, with what they print",
    "output": "what the python block before it prints and logs",
    "output numbers vary": "the same, where decimals depend on weights that are not those of the tests",
    "text": "is not run",
}


@dataclass(frozen=True)
class Block:
    """One block of code.

    Attributes:
        kind: the word behind its three backticks.
        code: what is in it.
        line: where it begins in its page.
        output: for python, what it must print.
        numbers_vary: the decimals in the output are examples, and only the text around them is compared.
    """

    kind: str
    code: str
    line: int
    output: str = ""
    numbers_vary: bool = False


def name_of(page: Path) -> str:
    return page.relative_to(ROOT).as_posix()


def needs_of(page: Path) -> list[str]:
    """What must be there to run a page: the words of its first line, `<!-- needs: tensorflow, course-cache -->`."""
    first, _, _ = page.read_text(encoding="utf-8").partition("\n")
    found = re.fullmatch(r"<!-- needs: (.+) -->", first)
    return found.group(1).split(", ") if found else []


def tokens_of(page: Path) -> list[Token]:
    return MarkdownIt("commonmark").enable("table").parse(page.read_text(encoding="utf-8"))


def blocks_of(page: Path) -> list[Block]:
    """The blocks in order; an output is joined to the python before it."""
    blocks: list[Block] = []
    is_behind_python = False
    for token in tokens_of(page):
        if token.type == "fence":
            assert token.map is not None
            block = Block(token.info.strip(), token.content, token.map[0] + 1)
            if block.kind in OUTPUTS:
                assert is_behind_python, f"{name_of(page)}:{block.line}: an output without a python block before it"
                before = blocks.pop()
                block = Block(before.kind, before.code, before.line, block.code, block.kind != "output")
                is_behind_python = False
            else:
                is_behind_python = block.kind == "python"
            blocks.append(block)
        else:
            is_behind_python = False
    return blocks


def inline_of(page: Path) -> Iterator[Token]:
    """Links, pieces of code and words, in order."""
    for token in tokens_of(page):
        yield from token.children or ()


def links_of(page: Path) -> list[str]:
    found = [token.attrGet("href") or token.attrGet("src") for token in inline_of(page)]
    return [str(address) for address in found if address is not None]


def anchors_of(page: Path) -> set[str]:
    """What a link may have behind its #: the headings, as GitHub turns them into words."""
    tokens = tokens_of(page)
    titles = [after.content for token, after in pairwise(tokens) if token.type == "heading_open"]
    return {re.sub(r"[^\w\- ]", "", title.lower()).replace(" ", "-") for title in titles}
