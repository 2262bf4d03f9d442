"""An explanation can be shown of any text, and read without colours."""

from __future__ import annotations

import json
from html import escape
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from markdown_it import MarkdownIt

import pellucid
from pellucid import AutoTokenizer, pipeline
from pellucid.cli import main
from pellucid.engines import installed
from pellucid.explaining.direction import begins_right, seen_order
from pellucid.explaining.explanation import Explanation, Word
from pellucid.explaining.segments import segments_of, sign_of
from pellucid.tracing.words import columns_of
from support.explained import ASKED
from support.family_tokenizers import TOKENIZER_CLASSES, write_family_tokenizer
from support.tiny import CLASS_PREFIX, SIZES

TEXTS = [
    "", " ", "a", "good", "👩‍👧 🎬", "مرحبا good", "日本語の映画", "<script>alert('x')</script> | *a* `b`", "́ x",
    "\x00\x1b[31m", "the movie " * 15, "gooooooooooood" * 20, "a\n\nb\tc", "$x$ & \\", "ﷺ",
]  # fmt: skip


def checked(found: Explanation, text: str) -> None:
    """What holds of every explanation."""
    assert len(found.tokens) == len(found.contributions) == len(found.spans) == len(found.text_of)
    assert sum(word.contribution for word in found.words) == pytest.approx(sum(found.contributions), abs=1e-6)
    assert sorted(token for word in found.words for token in word.tokens) == [
        place for place, owner in enumerate(found.text_of) if owner is not None
    ]
    for word in found.words:
        assert word.word == found.texts[word.text][word.start : word.end]
    data = json.loads(found.to_json())
    assert data["texts"] == [text]
    assert data["contributions"] == list(found.contributions)
    assert data["difference"] == found.difference
    for width in (80, 40):
        lines = found.to_text(width=width).splitlines()
        assert all(columns_of(line) <= width for line in lines)
    html = found.to_html(page=True)
    assert "<script" not in html
    assert html.startswith("<!doctype html>")
    assert found._repr_html_() == found.to_html()
    table = MarkdownIt("commonmark").enable("table").render(found.to_markdown())
    assert "<script" not in table
    assert table.count("<tr>") == len(found.words) + 1


@pytest.mark.parametrize("method", ["integrated_gradients", "occlusion"])
@pytest.mark.parametrize("text", TEXTS, ids=ascii)
def test_any_text_can_be_explained_and_shown(pipe_of: Any, text: str, method: str) -> None:
    if method == "integrated_gradients":
        pytest.importorskip("torch")
    engine = "torch" if method == "integrated_gradients" else installed()[0]
    found = pipe_of("text-classification", engine).explain(text, method=method, truncation=True)
    checked(found, text)
    if not found.words:
        assert found.difference == pytest.approx(0, abs=1e-5)
        assert "No word counts" in found.to_text()


@settings(max_examples=25, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(text=st.text(max_size=60))
def test_wild_texts(pipe_of: Any, text: str) -> None:
    checked(pipe_of("text-classification", "numpy").explain(text, truncation=True), text)


@pytest.mark.parametrize("task", ASKED)
def test_every_task_is_shown(pipe_of: Any, task: str) -> None:
    item, arguments = ASKED[task]
    usual = {"pooling": "mean"} if task == "similarity" else {}
    found = pipe_of(task, "numpy", **usual).explain(item, **arguments)
    shown = found.to_text()
    for part in (found.target, found.words[0].word, task):
        assert part in shown
        assert escape(part) in found.to_html()
    assert str(found) == shown
    assert found.limits.split()[0] in shown
    assert repr(found) == f"Explanation({found.target!r}, 'occlusion', {len(found.tokens)} tokens)"


def made(contributions: list[float], text: str = "good and bad film") -> Explanation:
    """An explanation of four words with these contributions."""
    places, start = [], 0
    for word in text.split():
        start = text.index(word, start)
        places.append((start, start + len(word)))
        start += len(word)
    words = [
        Word(text[a:b], 0, a, b, (n + 1,), one)
        for n, ((a, b), one) in enumerate(zip(places, contributions, strict=True))
    ]
    return Explanation(
        "text-classification", "a model", "occlusion", "Limits.", "glad", "the logit of the label", "nothing", 1.0, 0.0,
        sum(contributions) - 1.0, None, None, None, [text], ["<s>", *text.split(), "</s>"],
        [(0, 0), *places, (0, 0)], [None, *[0] * len(words), None], [0.0, *contributions, 0.0], words,
    )  # fmt: skip


def test_signs_tell_what_colours_tell() -> None:
    found = made([2.0, 0.01, -1.5, -0.3])
    assert "good+++ and bad−−− film−" in found.to_text()
    plain, coloured = found.to_text(), found.to_text(colours=True)
    assert "\x1b" not in plain
    assert "\x1b[30;48;5;75mgood+++\x1b[0m" in coloured
    assert "\x1b[30;48;5;208mbad−−−\x1b[0m" in coloured
    listed = [line.split() for line in plain.splitlines() if "█" in line or "░" in line]
    assert [line[-1] for line in listed] == ["good", "bad", "film", "and"]
    assert [line[0] for line in listed] == ["+2.0000", "-1.5000", "-0.3000", "+0.0100"]
    assert '<sup style="font-size:.6em">+++</sup>' in found.to_html()
    assert "dotted" in found.to_html()
    assert [sign_of(share) for share in (1, 0.5, 0.2, 0.05, 0, -0.5)] == ["+++", "++", "+", "", "", "−−"]


def test_words_that_share_characters_are_one_piece() -> None:
    found = made([1.0, 1.0, 0.0, 0.0])
    first, second, *rest = found.words
    joined = Explanation(**{**vars(found), "words": [first, Word("good", 0, 0, 4, (2,), 0.5), *rest]})
    assert [(one.shown, one.contribution) for one in segments_of(joined, 0)][:2] == [("good", 1.5), (" and ", None)]
    assert second.word == "and"


def test_what_was_not_read_is_left_out() -> None:
    found = made([1.0], "word")
    text = "x " * 100 + "word" + " y" * 100
    moved = Explanation(**{**vars(found), "texts": [text], "words": [Word("word", 0, 200, 204, (1,), 1.0)]})
    pieces = [one.shown for one in segments_of(moved, 0)]
    assert pieces[0] == "…"
    assert pieces[-1].endswith("…")
    assert sum(map(len, pieces)) < 80


def test_lines_are_seen_from_the_side_that_their_script_begins_on() -> None:
    assert begins_right("… مرحبا good")
    assert not begins_right("good مرحبا")
    assert not begins_right("1, 2")
    assert seen_order(["a", "b", "c"], False) == [0, 1, 2]
    assert seen_order(["فيلم", "رائع", "جدا"], True) == [2, 1, 0]
    assert seen_order(["فيلم", "very", "good", "جدا"], True) == [3, 1, 2, 0]
    assert seen_order(["a", "فيلم", ",", "رائع", "b"], False) == [0, 3, 2, 1, 4]
    assert seen_order([], True) == []


def test_the_command(capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    ask = ["explain", "sentiment-analysis", "--model", "builtin", "What a <good> film!"]
    assert main(ask) == 0
    shown = capsys.readouterr().out
    assert "POSITIVE" in shown
    assert all(columns_of(line) <= 80 for line in shown.splitlines())
    page = tmp_path / "out.html"
    assert main([*ask, "--json", "--target", "NEGATIVE", "--html", str(page)]) == 0
    data = json.loads(capsys.readouterr().out)
    assert (data["target"], data["method"]) == ("NEGATIVE", "occlusion")
    assert "&lt;" in page.read_text(encoding="utf-8")
    assert list(tmp_path.iterdir()) == [page]
    assert main([*ask, "--markdown", "--by", "token", "--target", "1"]) == 0
    assert "| word |" in capsys.readouterr().out
    for wrong, words in (
        (["--html", str(tmp_path / "absent" / "a.html")], "folder that is there"),
        (["--target", "bored"], "Labels: NEGATIVE, POSITIVE"),
        (["--method", "shap"], "integrated_gradients, occlusion"),
    ):
        assert main([*ask, *wrong]) == 1
        assert words in capsys.readouterr().err


def test_the_command_takes_tokens_and_integrated_gradients(
    capsys: pytest.CaptureFixture[str], explained_folders: dict[str, Path]
) -> None:
    pytest.importorskip("torch")
    folder = str(explained_folders["token-classification"])
    ask = ["explain", "ner", "--model", folder, "the movie was good", "--engine", "torch", "--json"]
    assert main([*ask, "--target", '{"index": 2, "entity": "B-LOC"}', "--steps", "64", "--baseline", "zero"]) == 0
    data = json.loads(capsys.readouterr().out)
    assert data["target"] == "B-LOC of 'movie'"
    assert data["method"] == "integrated_gradients"
    assert data["steps"] >= 64


@pytest.mark.parametrize("family", TOKENIZER_CLASSES)
def test_every_familys_tokenizer_says_where_its_words_stand(family: str, tmp_path: Path) -> None:
    changes = write_family_tokenizer(tmp_path, family)
    prefix = CLASS_PREFIX[family]
    config = getattr(pellucid, f"{prefix}Config")(**{**SIZES[family], "initializer_range": 0.3, **changes})
    model = getattr(pellucid, f"{prefix}ForSequenceClassification")(config, engine="numpy")
    pipe = pipeline("text-classification", model, tokenizer=AutoTokenizer.from_pretrained(tmp_path))
    for text in ("the  quick brown 🎬 fox é\n日本 مرحبا !", "", "🎬"):
        found = pipe.explain(text, truncation=True)
        checked(found, text)
        shown = "".join(one.shown for one in segments_of(found, 0))
        assert "".join(shown.split()).startswith("".join(text.split())[:8])
        assert abs(sum(found.contributions)) > 0 or not found.words
