"""From start and end logits to spans of tokens, and from these to places in the text.

The rules are those of `transformers` 4.57, its `QuestionAnsweringPipeline`, after Chen et al., 2017, arXiv:1704.00051.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, NamedTuple

import numpy as np

from pellucid.tasks.task import Floats, softmax

Answer = dict[str, Any]

HIDDEN_LOGIT = -10000.0


class Spans(NamedTuple):
    """What one window says.

    Attributes:
        best: first token, last token and score of each span, best first.
        none_score: how likely there is no answer in it.
    """

    best: list[tuple[int, int, float]]
    none_score: float


def best_spans(start: Floats, end: Floats, may_answer: Sequence[bool], *, count: int, max_length: int) -> Spans:
    """The likeliest spans of one window.

    Args:
        start: logits `[L]` of where the answer begins.
        end: logits `[L]` of where it ends.
        may_answer: for each token whether it may be in an answer.
        count: how many spans to look at.
        max_length: tokens of a span at most.
    """
    allowed = np.asarray(may_answer)
    starts = softmax(np.where(allowed, start, HIDDEN_LOGIT))
    ends = softmax(np.where(allowed, end, HIDDEN_LOGIT))
    none_score = float(starts[0] * ends[0])
    starts[0] = ends[0] = 0.0
    scores = np.tril(np.triu(np.outer(starts, ends)), max_length - 1)
    flat = scores.ravel()
    if count == 1:
        order = np.array([flat.argmax()])
    elif len(flat) <= count:
        order = np.argsort(-flat)
    else:
        order = np.argpartition(-flat, count)[:count]
        order = order[np.argsort(-flat[order])]
    found = [(int(place) // len(starts), int(place) % len(starts)) for place in order]
    best = [(first, last, float(scores[first, last])) for first, last in found if allowed[first] and allowed[last]]
    return Spans(best, none_score)


def places_of(encoding: Any, first: int, last: int, sequence: int, aligns: bool) -> tuple[int, int]:
    """Where a span of tokens stands in the text, in characters.

    Args:
        encoding: of the window.
        first: the span's first token.
        last: its last one.
        sequence: which of the two texts is the context.
        aligns: whether to widen it to whole words.
    """
    if aligns:
        words = encoding.token_to_word(first), encoding.token_to_word(last)
        if None not in words:
            begin, finish = (encoding.word_to_chars(word, sequence) for word in words)
            if begin is not None and finish is not None:
                return int(begin[0]), int(finish[1])
    return int(encoding.offsets[first][0]), int(encoding.offsets[last][1])


def merged(answers: dict[str, Answer], answer: Answer) -> None:
    """Add an answer, or its score to an equal one's, which another window or a narrower span gave."""
    known = answers.setdefault(answer["answer"].lower(), answer)
    if known is not answer:
        known["score"] += answer["score"]
