"""The course pages hold the code of the course's notebooks, and show their messages about weights."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from documentation.markdown import ROOT, blocks_of
from documentation.notebooks import cells_of, messages_of, missing_from, names_sorted, shows_code

COURSE = ROOT / "docs" / "course"

# By what stands first in each notebook.
TITLES = {"pipeline.md": "# The Hugging Face Pipeline", "behind-the-pipeline.md": "## Behind the Pipeline"}

# Code lines that are not on the page, and why.
EXCEPTIONS = {
    # It shows an address in memory; the page prints whether the class's name is in it.
    "print(model) # Outputs the class name information",
}

DUMP = """# Title

In [1]:
from transformers import BertConfig

config = BertConfig() # build

# a remark
for i in range(2):
    print(i)

0
1

(4, 13, 768)

Some prose.

In [None]:
# only a remark

## A heading

In [2]:

config

tf.Tensor([[ 1.5 -1.3]], shape=(1, 2), dtype=float32)

TensorShape([2, 2])

config = "after the output"
"""


@pytest.fixture
def notebook(request: pytest.FixtureRequest, data_folder: Path) -> str:
    """The notebook of a page."""
    folder = data_folder.parent / "seeds"
    texts = [path.read_text(encoding="utf-8") for path in sorted(folder.glob("*.txt"))]
    title = TITLES[request.param]
    found = [text for text in texts if text.startswith(title)]
    if not found:
        pytest.skip(f"no notebook that begins with {title!r} in {folder}")
    return found[0]


@pytest.mark.parametrize(("notebook", "page"), [(name, name) for name in TITLES], indirect=["notebook"])
def test_every_code_line_of_the_notebook_is_on_the_page_in_its_place(notebook: str, page: str) -> None:
    cells = cells_of(notebook)
    assert len(cells) == len(re.findall(r"^In \[", notebook, flags=re.MULTILINE))
    lines = [line.rstrip() for cell in cells for line in cell.splitlines() if line.strip()]
    assert len(lines) > 40
    wanted = [re.sub(r"^from transformers import", "from pellucid import", line) for line in lines]
    code = [block.code for block in blocks_of(COURSE / page) if block.kind == "python"]
    assert set(missing_from(wanted, "".join(code).splitlines(), shows_code)) <= EXCEPTIONS


@pytest.mark.parametrize(("notebook", "page"), [(name, name) for name in TITLES], indirect=["notebook"])
def test_every_message_about_weights_is_on_the_page_word_for_word(notebook: str, page: str) -> None:
    messages = [names_sorted(line) for line in messages_of(notebook)]
    assert len(messages) >= 9
    outputs = "".join(block.output for block in blocks_of(COURSE / page)).splitlines()
    # The longest outputs of the notebooks are cut off, in the middle of a line.
    assert missing_from(messages, [names_sorted(line) for line in outputs], str.startswith) == []


def test_cells_end_where_outputs_or_prose_begin() -> None:
    first = (
        "from transformers import BertConfig\n\nconfig = BertConfig() # build\n\n"
        "# a remark\nfor i in range(2):\n    print(i)"
    )
    assert cells_of(DUMP) == [first, "# only a remark", "config"]


def test_lines_are_looked_for_in_their_order() -> None:
    page = ["a = 1", "print(repr(a)) # shown", "try:", "    fail(a)"]
    assert missing_from(["a = 1", "a # shown", "fail(a)"], page, shows_code) == []
    assert missing_from(["fail(a)", "a = 1"], page, shows_code) == ["a = 1"]
    assert missing_from(["a = 1", "a = 1", "b"], page, shows_code) == ["a = 1", "b"]
    assert missing_from(["a # shown"], ["print(a) # hidden"], shows_code) == ["a # shown"]


def test_names_in_messages_may_be_in_any_order_and_nothing_else() -> None:
    assert names_sorted("unused: ['b', 'a'] of ['d']") == names_sorted("unused: ['a', 'b'] of ['d']")
    assert names_sorted("unused: ['b', 'a']") != names_sorted("unused: ['b', 'c']")
    assert names_sorted("no list") == "no list"
