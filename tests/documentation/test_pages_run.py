from __future__ import annotations

import logging
import shutil
import sys
from pathlib import Path

import pytest

from documentation.markdown import KINDS, PAGES, Block, blocks_of, name_of, needs_of
from documentation.needs import NEEDS, provide
from documentation.running import commands_of, compare, printed_and_logged, run_page

RUNNABLE = ("python", "console")

WITH_CODE = [page for page in PAGES if any(block.kind in RUNNABLE for block in blocks_of(page))]


@pytest.mark.parametrize("page", WITH_CODE, ids=name_of)
def test_the_code_of_a_page_runs_and_prints_what_the_page_shows(
    page: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, request: pytest.FixtureRequest
) -> None:
    provide(needs_of(page), request)
    blocks = blocks_of(page)
    if shutil.which("bash") is None and any(block.kind == "console" for block in blocks):
        pytest.skip("commands need bash")
    folder = tmp_path / "reader"
    folder.mkdir()
    monkeypatch.chdir(folder)
    try:
        run_page(page, blocks, folder)
    finally:
        shutil.rmtree(folder)  # pytest would keep the last three, models and all


@pytest.mark.parametrize("page", PAGES, ids=name_of)
def test_what_a_page_needs_is_known(page: Path) -> None:
    assert set(needs_of(page)) <= set(NEEDS)


def test_needs_stand_in_the_first_line(tmp_path: Path) -> None:
    page = tmp_path / "page.md"
    page.write_text("<!-- needs: tensorflow, course-cache -->\n\n# Title\n", encoding="utf-8")
    assert needs_of(page) == ["tensorflow", "course-cache"]
    page.write_text("# Title\n\n<!-- needs: tensorflow -->\n", encoding="utf-8")
    assert needs_of(page) == []


def test_a_page_that_needs_tensorflow_is_skipped_without_it(
    monkeypatch: pytest.MonkeyPatch, request: pytest.FixtureRequest
) -> None:
    monkeypatch.setitem(sys.modules, "tensorflow", None)
    with pytest.raises(pytest.skip.Exception, match="needs TensorFlow"):
        provide(["tensorflow", "course-cache"], request)


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


def test_where_numbers_vary_their_place_is_compared_and_all_else() -> None:
    shown = "<tf.Tensor: shape=(2, 2), numpy=\narray([[-0.70115715,  1.0346943 ],\n       [ 4.169231  , -3.3464472 ]])>"
    compare(shown, shown.replace("-0.70115715", "2.5e-03").replace("4.169231  ", "-4."), "here", numbers_vary=True)
    for printed in (
        shown.replace("(2, 2)", "(2, 1)"),
        shown.replace("tf.Tensor", "tf.Variable"),
        shown.replace("-0.70115715", "nan"),
        shown.replace(",  1.0346943 ", ""),
        shown.replace("\n", " "),
    ):
        with pytest.raises(AssertionError):
            compare(shown, printed, "here", numbers_vary=True)


def test_only_the_output_of_a_block_may_say_that_numbers_vary(tmp_path: Path) -> None:
    page = tmp_path / "page.md"
    code = "```python\nprint(1.5)\n```\n"
    page.write_text(f"{code}```output numbers vary\n2.5\n```\n\n{code}```output\n1.5\n```\n", encoding="utf-8")
    assert [(block.output, block.numbers_vary) for block in blocks_of(page)] == [("2.5\n", True), ("1.5\n", False)]


def test_warnings_of_the_library_are_output_and_stand_in_order() -> None:
    with printed_and_logged() as printed:
        print("before")
        logging.getLogger("pellucid.models.base").warning("weights")
        logging.getLogger("pellucid.models.base").info("detail")
        logging.getLogger("another").warning("library")
        print("after")
    logging.getLogger("pellucid.models.base").warning("too late")
    assert printed.getvalue() == "before\nweights\nafter\n"


def test_commands_may_be_continued_on_the_next_line() -> None:
    block = Block("console", "$ echo one\none\n$ echo \\\n> two\ntwo\nlines\n", 1)
    assert commands_of(block) == [("echo one", "one\n"), ("echo two", "two\nlines\n")]
