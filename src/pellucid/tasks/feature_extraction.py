"""Feature extraction: the hidden states of a text, as they are.

The arguments and shapes are those of `transformers` 4.57, its `FeatureExtractionPipeline`; but an answer has the text's
own tokens only, whatever it was batched with.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np

from pellucid.errors import InputError
from pellucid.tasks import task
from pellucid.tasks.task import Found, Task
from pellucid.tasks.tokenizing import check_tokenizing


@dataclass(frozen=True)
class Settings(task.Settings):
    """What was made of the caller's arguments.

    Attributes:
        return_tensors: answer with an array instead of nested lists.
        length: rows of zeros are added up to this length; None adds none.
    """

    return_tensors: bool = False
    length: int | None = None


class FeatureExtraction(Task):
    """The hidden states of texts."""

    head = "base"
    outputs = ("last_hidden_state",)
    checkpoint = ("distilbert/distilbert-base-cased", "6ea8117")
    window = 128  # a text's answer is as large as its hidden states
    arguments = ("truncation", "tokenize_kwargs", "return_tensors")

    def settle(self, arguments: Mapping[str, Any]) -> Settings:
        """Read the caller's arguments.

        Raises:
            InputError: an argument that is not known, or `truncation` in two places.
        """
        self.refuse_unknown(arguments)
        tokenizing = dict(arguments.get("tokenize_kwargs") or {})
        if arguments.get("truncation") is not None:
            if "truncation" in tokenizing:
                raise InputError(
                    "truncation parameter defined twice (given as keyword argument as well as in tokenize_kwargs)"
                )
            tokenizing["truncation"] = arguments["truncation"]
        length = None
        if str(tokenizing.get("padding")).endswith("max_length"):
            length = tokenizing.get("max_length") or self.context.max_length
        return_tensors = bool(arguments.get("return_tensors"))
        return Settings(check_tokenizing(tokenizing, ()), return_tensors=return_tensors, length=length)

    def answer(self, found: Found, settings: Settings) -> Any:
        """Hidden states `[L, H]` of one text as `[1, L, H]`, in nested lists or an array."""
        values = next(found.windows).values["last_hidden_state"]
        if settings.length is not None and settings.length > len(values):
            missing = np.zeros((settings.length - len(values), *values.shape[1:]), values.dtype)
            values = np.concatenate([values, missing])
        rectangle = values[None]
        return rectangle if settings.return_tensors else rectangle.tolist()
