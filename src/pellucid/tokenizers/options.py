"""The arguments of a call: which there are, what they mean together, and which make no sense."""

from __future__ import annotations

import logging
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from pellucid.errors import InputError, InputTypeError
from pellucid.tokenizers.strategies import (
    PaddingStrategy,
    TruncationStrategy,
    padding_strategy,
    side,
    truncation_strategy,
)
from pellucid.tokenizers.vocabulary import Vocabulary

logger = logging.getLogger("pellucid.tokenizers")

# A model_max_length above this was never set.
LARGEST_MODEL_LENGTH = int(1e20)


@dataclass(frozen=True)
class Options:
    """Every argument of a call, as given; `resolved` turns the words into strategies and lengths."""

    add_special_tokens: bool = True
    padding: Any = False
    truncation: Any = None
    max_length: int | None = None
    stride: int = 0
    is_split_into_words: bool = False
    pad_to_multiple_of: int | None = None
    padding_side: str | None = None
    return_tensors: Any = None
    return_token_type_ids: bool | None = None
    return_attention_mask: bool | None = None
    return_overflowing_tokens: bool = False
    return_special_tokens_mask: bool = False
    return_offsets_mapping: bool = False
    return_length: bool = False
    verbose: bool = True
    split_special_tokens: bool | None = None


OPTION_NAMES = tuple(Options.__dataclass_fields__)


def read_options(arguments: Mapping[str, Any]) -> Options:
    """Gather keyword arguments.

    Raises:
        InputTypeError: one is unknown; the message lists those that are known.
    """
    unknown = [name for name in arguments if name not in OPTION_NAMES]
    if unknown:
        raise InputTypeError(
            f"The tokenizer got an unexpected keyword argument {unknown[0]!r}. Known are: {', '.join(OPTION_NAMES)}.",
            argument=unknown[0],
        )
    return Options(**arguments)


class Resolving(Vocabulary):
    """What a call's arguments amount to for this tokenizer."""

    model_input_names: list[str]
    model_max_length: int
    padding_side: str
    _warned: set[str]

    def _strategies(self, options: Options) -> tuple[PaddingStrategy, TruncationStrategy, int | None]:
        """Turn words into strategies, and find the length that they refer to."""
        max_length, multiple = options.max_length, options.pad_to_multiple_of
        _check_number("max_length", max_length, 0)
        _check_number("stride", options.stride, 0)
        _check_number("pad_to_multiple_of", multiple, 1)
        if options.padding_side is not None:
            side(options.padding_side, "padding_side")
        truncation_argument = options.truncation
        if max_length is not None and options.padding is False and truncation_argument is None:
            self._warn_once(
                "Truncation was not explicitly activated but `max_length` is provided a specific value, please use "
                "`truncation=True` to explicitly truncate examples to max length. Defaulting to 'longest_first' "
                "truncation strategy. If you encode pairs of sequences (GLUE-style) with the tokenizer you can select "
                "this strategy more precisely by providing a specific strategy to `truncation`.",
                options.verbose,
            )
            truncation_argument = "longest_first"
        padding, truncation = padding_strategy(options.padding), truncation_strategy(truncation_argument)
        truncates = truncation is not TruncationStrategy.DO_NOT_TRUNCATE
        if options.padding is True and max_length is not None and not truncates:
            self._warn_once(
                "`max_length` is ignored when `padding`=`True` and there is no truncation strategy. To pad to max "
                "length, use `padding='max_length'`.",
                options.verbose,
            )
        if max_length is None and (truncates or padding is PaddingStrategy.MAX_LENGTH):
            padding, truncation, max_length = self._model_length(padding, truncation, options.verbose)
        pads = padding is not PaddingStrategy.DO_NOT_PAD
        truncates = truncation is not TruncationStrategy.DO_NOT_TRUNCATE
        if pads and (self._special_tokens_map["pad_token"] is None or self.pad_token_id is None):
            raise InputError(
                "Asking to pad but the tokenizer does not have a padding token. Please select a token to use as "
                "`pad_token` `(tokenizer.pad_token = tokenizer.eos_token e.g.)` or add a new pad token via "
                "`tokenizer.add_special_tokens({'pad_token': '[PAD]'})`."
            )
        if pads and truncates and multiple and max_length is not None and max_length % multiple:
            raise InputError(
                f"Truncation and padding are both activated but truncation length ({max_length}) is not a multiple of "
                f"pad_to_multiple_of ({multiple}).",
                max_length=max_length,
                pad_to_multiple_of=multiple,
            )
        if truncates and max_length is not None and options.stride:
            window = max_length - (self.num_special_tokens_to_add() if options.add_special_tokens else 0)
            if options.stride >= window:
                raise InputError(
                    f"stride={options.stride} is not smaller than the window: max_length={max_length} leaves "
                    f"{window} tokens beside the special tokens. Give a stride below {window}.",
                    stride=options.stride,
                    window=window,
                )
        return padding, truncation, max_length

    def _model_length(
        self, padding: PaddingStrategy, truncation: TruncationStrategy, verbose: bool
    ) -> tuple[PaddingStrategy, TruncationStrategy, int | None]:
        """Take the model's length for a `max_length` that was left out; give up what needs one if it has none."""
        if self.model_max_length <= LARGEST_MODEL_LENGTH:
            return padding, truncation, int(self.model_max_length)
        if padding is PaddingStrategy.MAX_LENGTH:
            self._warn_once(
                "Asking to pad to max_length but no maximum length is provided and the model has no predefined "
                "maximum length. Default to no padding.",
                verbose,
            )
            padding = PaddingStrategy.DO_NOT_PAD
        if truncation is not TruncationStrategy.DO_NOT_TRUNCATE:
            self._warn_once(
                "Asking to truncate to max_length but no maximum length is provided and the model has no predefined "
                "maximum length. Default to no truncation.",
                verbose,
            )
        return padding, TruncationStrategy.DO_NOT_TRUNCATE, None

    def _warn_once(self, message: str, verbose: bool, name: str | None = None) -> None:
        if verbose and (name or message) not in self._warned:
            self._warned.add(name or message)
            logger.warning(message)


def _check_number(name: str, value: Any, least: int) -> None:
    if value is None:
        return
    if not hasattr(value, "__index__"):
        raise InputTypeError(f"{name}={value!r} is not a whole number.", argument=name)
    if value < least:
        raise InputError(f"{name}={value} is too small: expected {least} or more.", argument=name, value=value)
