"""The texts that are answered: reviews from a file, or made of the vocabulary's own words."""

from __future__ import annotations

import csv
from pathlib import Path

import numpy as np
import numpy.typing as npt


class Texts:
    """All that are needed, of one file or made.

    Args:
        timed: how many short ones.
        calibration: how many int8 is made from.
        compared: how many short ones labels are compared on, those that are timed among them.
        reviews: a file with the column `text`; made texts where there is none.
        words: which these are made of.
    """

    def __init__(self, timed: int, calibration: int, compared: int, reviews: Path | None, words: list[str]) -> None:
        texts = short_texts(max(timed, compared) + calibration, reviews, words)
        self.short, last = texts[:timed], texts[timed:]
        self.calibration, self._further = last[:calibration], last[calibration:]

    def of(self, kind: str, count: int) -> list[str]:
        """So many texts of one kind of work; more of them begin with the same ones."""
        if kind == "short":
            return (self.short + self._further)[:count]
        return joined(self.short, mixed_lengths(count) if kind == "mixed" else long_lengths(count))


def short_texts(count: int, reviews: Path | None, words: list[str]) -> list[str]:
    """Distinct sentences of about 27 tokens: the first ones of a file with the column `text`, or made ones."""
    if reviews is None:
        return made(np.clip(np.random.default_rng(1).poisson(25, count), 3, 80), words, seed=2)
    with reviews.open(encoding="utf-8", newline="") as lines:
        texts = list(dict.fromkeys(row["text"].strip() for row in csv.DictReader(lines, delimiter="\t")))
    if len(texts) < count:
        raise SystemExit(
            f"{reviews} has {len(texts)} different texts, and {count} are needed; without a file texts are made."
        )
    return texts[:count]


def joined(texts: list[str], lengths: npt.NDArray[np.int64]) -> list[str]:
    """Documents of about so many words each, of sentences one behind the other."""
    words = " ".join(texts).split()
    starts = np.random.default_rng(3).integers(0, len(words), len(lengths))
    return [
        " ".join(words[(start + n) % len(words)] for n in range(length))
        for start, length in zip(starts.tolist(), lengths.tolist(), strict=True)
    ]


def mixed_lengths(count: int) -> npt.NDArray[np.int64]:
    """Words of documents: half of them below 60, a long tail up to what a model takes."""
    random = np.random.default_rng(4)
    return np.clip(np.exp(random.normal(4.1, 1.0, count)), 5, 440).astype(np.int64)


def long_lengths(count: int) -> npt.NDArray[np.int64]:
    """Words of documents that nearly fill a model's positions."""
    return np.random.default_rng(5).integers(340, 440, count)


def made(lengths: npt.NDArray[np.int64], words: list[str], seed: int) -> list[str]:
    """Texts of so many words of a vocabulary, chosen with a seed."""
    random = np.random.default_rng(seed)
    return [" ".join(random.choice(words, length)) for length in lengths]
