from __future__ import annotations

import shutil
from pathlib import Path

import pytest

from documentation.markdown import KINDS, PAGES, Block, blocks_of, name_of
from documentation.running import commands_of, compare, run_page

RUNNABLE = ("python", "console")

WITH_CODE = [page for page in PAGES if any(block.kind in RUNNABLE for block in blocks_of(page))]


@pytest.mark.parametrize("page", WITH_CODE, ids=name_of)
def test_the_code_of_a_page_runs_and_prints_what_the_page_shows(
    page: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    blocks = blocks_of(page)
    if shutil.which("bash") is None and any(block.kind == "console" for block in blocks):
        pytest.skip("commands need bash")
    folder = tmp_path / "reader"
    folder.mkdir()
    monkeypatch.chdir(folder)
    run_page(page, blocks, folder)


@pytest.mark.parametrize("page", PAGES, ids=name_of)
def test_every_block_says_what_it_is(page: Path) -> None:
    unknown = [f"{name_of(page)}:{block.line}: {block.kind!r}" for block in blocks_of(page) if block.kind not in KINDS]
    assert not unknown


def test_the_first_pages_have_code_that_runs() -> None:
    names = {name_of(page) for page in WITH_CODE}
    assert {"README.md", "CONTRIBUTING.md", "docs/tutorial.md", "docs/how-it-works.md"} <= names


def test_the_last_digit_of_a_decimal_may_differ_and_nothing_else() -> None:
    compare("score 0.9935 and 1e-3 ", "score 0.9934 and 1e-3", "here")
    for shown, printed in (
        ("0.9935", "0.9931"),
        ("POSITIVE 0.9935", "NEGATIVE 0.9935"),
        ("7200", "7201"),
        ("one line", "one line\nand another"),
        ("", "something"),
    ):
        with pytest.raises(AssertionError):
            compare(shown, printed, "here")


def test_commands_may_be_continued_on_the_next_line() -> None:
    block = Block("console", "$ echo one\none\n$ echo \\\n> two\ntwo\nlines\n", 1)
    assert commands_of(block) == [("echo one", "one\n"), ("echo two", "two\nlines\n")]
