"""The arguments that a task hands on to the tokenizer."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from pellucid.errors import InputError

PASSED_ON = ("add_special_tokens", "max_length", "truncation")

# They speak of rectangles, which are never made here, or of what else to return.
WITHOUT_EFFECT = ("padding", "pad_to_multiple_of", "padding_side", "verbose")


def check_tokenizing(arguments: Mapping[str, Any], also: tuple[str, ...]) -> dict[str, Any]:
    """Those arguments that change a tokenizer's ids.

    Args:
        arguments: what the caller gave, the task's own taken out.
        also: the task's own, for the message.

    Raises:
        InputError: an argument that no tokenizer takes here; the message lists those it does.
    """
    unknown = sorted(set(arguments) - {*PASSED_ON, *WITHOUT_EFFECT})
    if unknown:
        raise InputError(
            f"The pipeline does not know {', '.join(unknown)}. Arguments: "
            f"{', '.join(sorted((*also, *PASSED_ON, *WITHOUT_EFFECT, 'batch_size', 'max_tokens', 'progress')))}.",
            arguments=unknown,
        )
    return {name: arguments[name] for name in PASSED_ON if name in arguments}
