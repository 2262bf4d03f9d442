"""Feature extraction: the hidden states of a text, as they are.

The arguments and shapes are those of `transformers` 4.57, its `FeatureExtractionPipeline`; but an answer has the text's
own tokens only, whatever it was batched with.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import numpy.typing as npt

from pellucid.errors import InputError, InputTypeError
from pellucid.tasks.tokenizing import check_tokenizing

HEAD = "base"
OUTPUTS = ("last_hidden_state",)
CHECKPOINT = ("distilbert/distilbert-base-cased", "6ea8117")
WINDOW = 128  # a text's answer is as large as its hidden states

Floats = npt.NDArray[np.floating[Any]]


@dataclass(frozen=True)
class Settings:
    """What was made of the caller's arguments.

    Attributes:
        return_tensors: answer with an array instead of nested lists.
        length: rows of zeros are added up to this length; None adds none.
        tokenizing: the arguments for the tokenizer.
    """

    return_tensors: bool = False
    length: int | None = None
    tokenizing: dict[str, Any] = field(default_factory=dict)


def settle(arguments: Mapping[str, Any], config: Any) -> Settings:
    """Read the caller's arguments.

    Args:
        arguments: `truncation`, `tokenize_kwargs`, `return_tensors`.
        config: the model's.

    Raises:
        InputError: an argument that is not known, or `truncation` in two places.
    """
    unknown = set(arguments) - {"truncation", "tokenize_kwargs", "return_tensors"}
    if unknown:
        raise InputError(
            f"Feature extraction does not know {', '.join(sorted(unknown))}. Its arguments: truncation, "
            "tokenize_kwargs, return_tensors.",
        )
    tokenizing = dict(arguments.get("tokenize_kwargs") or {})
    if arguments.get("truncation") is not None:
        if "truncation" in tokenizing:
            raise InputError(
                "truncation parameter defined twice (given as keyword argument as well as in tokenize_kwargs)"
            )
        tokenizing["truncation"] = arguments["truncation"]
    length = None
    if str(tokenizing.get("padding")).endswith("max_length"):
        length = tokenizing.get("max_length") or config.max_position_embeddings
    return Settings(bool(arguments.get("return_tensors")), length, check_tokenizing(tokenizing, ()))


def texts_of(item: Any, index: int) -> tuple[Any, Any]:
    """The text of one input, which must be a string.

    Raises:
        InputTypeError: anything else.
    """
    if not isinstance(item, str):
        raise InputTypeError(f"Input {index} is of type {type(item).__name__}; it must be a string.", index=index)
    return item, None


def answer(values: Floats, settings: Settings) -> Any:
    """Hidden states `[L, H]` of one text as `[1, L, H]`, in nested lists or an array."""
    if settings.length is not None and settings.length > len(values):
        values = np.concatenate([values, np.zeros((settings.length - len(values), *values.shape[1:]), values.dtype)])
    rectangle = values[None]
    return rectangle if settings.return_tensors else rectangle.tolist()


def whole(answer: Any, item: Any, arguments: Mapping[str, Any]) -> Any:
    """A single text's answer as it is."""
    return answer
