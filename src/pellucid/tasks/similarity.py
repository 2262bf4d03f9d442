"""Similarity: the texts of a list that are nearest to a query, by their vectors."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from pellucid.errors import InputError
from pellucid.tasks import sentence_embedding
from pellucid.tasks.rerank import checked_top_k, ranked, texts_of
from pellucid.tasks.sentence_embedding import SentenceEmbedding
from pellucid.tasks.task import Answers, Floats, Found


@dataclass(frozen=True)
class Settings(sentence_embedding.Settings):
    """What was made of the caller's arguments.

    Attributes:
        candidates: the texts to search.
        vectors: theirs, `[N, H]`; None until they are computed.
        top_k: how many to give; None for all.
    """

    candidates: tuple[str, ...] = ()
    vectors: Floats | None = None
    top_k: int | None = None


class Similarity(SentenceEmbedding):
    """The nearest texts of a list."""

    arguments = (*SentenceEmbedding.arguments, "candidates", "top_k")

    def called(self, positional: tuple[Any, ...], named: dict[str, Any]) -> tuple[Any, dict[str, Any], tuple[Any, ...]]:
        """The query of a call, or a list of them; the second positional argument are the candidates."""
        return self.called_with(positional, named, "query", "candidates")

    def settle(self, arguments: Mapping[str, Any]) -> Settings:
        """Read the caller's arguments: those of sentence embeddings, `candidates` and `top_k`."""
        rest = dict(arguments)
        candidates = texts_of(rest.pop("candidates", ()), "candidates")
        top_k = checked_top_k(rest.pop("top_k", None))
        settled = super().settle({**rest, "return_tensors": True})
        return Settings(**vars(settled), candidates=candidates, top_k=top_k)

    def prepared(self, settings: Settings, answers: Answers) -> Settings:
        """The candidates' vectors, once for all queries of a call.

        Raises:
            InputError: there are no candidates.
        """
        if not settings.candidates:
            raise InputError("There is nothing to search. Pass `candidates=`, a list of texts.", name="candidates")
        return replace(settings, vectors=np.stack(answers(settings.candidates, settings)))

    def answer(self, found: Found, settings: sentence_embedding.Settings) -> Any:
        """`{"index", "text", "score"}` of each candidate, the nearest first."""
        vector = self.vector(found, settings)
        if not isinstance(settings, Settings) or settings.vectors is None:
            return vector
        scores = self.nearness(settings.vectors, vector[None])[:, 0]
        return ranked(scores, settings.candidates, settings.top_k)

    def listed(self, answers: list[Any], inputs: Any) -> Any:
        """The answers in the order of the queries."""
        return answers
