"""What each task is asked."""

from __future__ import annotations

from typing import Any

ASKED: dict[str, tuple[Any, dict[str, Any]]] = {
    "text-classification": ("the movie was not goodo !", {}),
    "text-pair": ({"text": "was it good ?", "text_pair": "a very bad film"}, {}),
    "rerank": ("a good film", {"documents": ["bad movie", "the film was great", "i hate this"]}),
    "zero-shot-classification": ("a great film", {"candidate_labels": ["good", "bad", "film"]}),
    "token-classification": ("i love this great movie , not that", {}),
    "question-answering": ({"question": "was it good ?", "context": "the film was very good ."}, {}),
    "fill-mask": ("the [MASK] was very good", {}),
    "similarity": ("a good film", {"candidates": ["bad movie", "the film was great", "i hate this"]}),
}
"""An input of each task, and its arguments."""
