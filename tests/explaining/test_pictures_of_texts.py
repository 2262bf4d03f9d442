"""The picture of an explanation: every word in its place, whatever it is."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from pellucid.cli import main

pytest.importorskip("matplotlib")

from matplotlib.figure import Figure

TEXTS = [
    "", "a", "good", "👩‍👧 🎬 \U0010ffff", "مرحبا good يا", "日本語の映画", "$x$ & \\alpha_1^2 $", "a\n\nb\tc \x00",
    "the movie " * 15, "gooooooooooood" * 20,
]  # fmt: skip


@pytest.mark.parametrize("text", TEXTS, ids=ascii)
def test_any_text_can_be_drawn(pipe_of: Any, text: str) -> None:
    figure = pipe_of("text-classification", "numpy").explain(text, truncation=True).plot()
    assert isinstance(figure, Figure)
    assert figure._repr_png_().startswith(b"\x89PNG")


def test_words_lie_side_by_side_with_their_numbers_below(pipe_of: Any) -> None:
    found = pipe_of("text-classification", "numpy").explain("the movie was very good , not bad ! " * 3)
    figure = found.plot()
    figure.canvas.draw()
    (ax,) = figure.axes
    words = [text for text in ax.texts if text.get_text() in {word.word for word in found.words}]
    assert len(words) == len(found.words)
    boxes = [text.get_window_extent() for text in words]
    width, height = figure.get_size_inches() * figure.dpi
    for one in boxes:
        assert 0 <= one.x0 < one.x1 <= width
        assert 0 <= one.y0 < one.y1 <= height
    for place, one in enumerate(boxes):
        for other in boxes[place + 1 :]:
            assert not (one.x0 < other.x1 and other.x0 < one.x1 and one.y0 < other.y1 and other.y0 < one.y1)
    numbers = [text.get_text() for text in ax.texts if text.get_text()[:1] in "+−" and text not in words]
    largest = max(abs(word.contribution) for word in found.words)
    counted = [word.contribution for word in found.words if abs(word.contribution) >= 0.1 * largest]
    assert sorted(numbers) == sorted(f"{one:+.2f}".replace("-", "−") for one in counted)


def test_it_is_drawn_into_axes_that_are_given(pipe_of: Any) -> None:
    figure = Figure(figsize=(5, 2))
    left, right = figure.subplots(1, 2)
    found = pipe_of("text-classification", "numpy").explain("the movie was very good , not bad ! " * 3)
    assert found.plot(ax=left) is figure
    assert not right.texts
    figure.canvas.draw()
    sizes = {text.get_fontsize() for text in left.texts}
    assert max(sizes) < 11, "the letters are small enough to fit"


def test_the_command_draws_it(capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    ask = ["explain", "sentiment-analysis", "--model", "builtin", "good film"]
    assert main([*ask, "--plot", str(tmp_path / "a.svg")]) == 0
    assert "<svg" in (tmp_path / "a.svg").read_text(encoding="utf-8")
    assert main([*ask, "--plot", str(tmp_path / "a.foo")]) == 1
    assert "foo" in capsys.readouterr().err
    assert [path.name for path in tmp_path.iterdir()] == ["a.svg"]
