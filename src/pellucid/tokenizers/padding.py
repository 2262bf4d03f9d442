"""Filling rows up to one length."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from pellucid.errors import InputError, InputTypeError
from pellucid.tensors import NAMES, package_of
from pellucid.tokenizers.batch_encoding import BatchEncoding
from pellucid.tokenizers.options import Options, Resolving
from pellucid.tokenizers.strategies import PaddingStrategy, padded_length, side


class Padding(Resolving):
    """Padding of rows that were encoded before, one by one: what collates a batch."""

    def pad(
        self,
        encoded_inputs: Any,
        padding: bool | str | PaddingStrategy = True,
        max_length: int | None = None,
        pad_to_multiple_of: int | None = None,
        padding_side: str | None = None,
        return_attention_mask: bool | None = None,
        return_tensors: Any = None,
        verbose: bool = True,
    ) -> BatchEncoding:
        """Fill rows up to one length.

        Args:
            encoded_inputs: a `BatchEncoding` or dictionary of rows (or of one row), or a list of dictionaries of one
                row each; lists or arrays. `input_ids`, `attention_mask`, `token_type_ids` and `special_tokens_mask`
                are filled, anything else is passed on as it is. What is given is not changed.
            padding: True or "longest", "max_length", or False.
            max_length: the length for "max_length"; left out, `model_max_length`.
            pad_to_multiple_of: round the length up.
            padding_side: "right" or "left"; left out, the tokenizer's.
            return_attention_mask: left out, where the model takes one.
            return_tensors: "np" for NumPy arrays; left out, the kind that was given.
            verbose: warn of arguments that have no effect.

        Returns:
            The filled rows.

        Raises:
            InputError: no `input_ids`, rows that do not belong together, no padding token.
            InputTypeError: rows that are no numbers.
        """
        rows = _columns(encoded_inputs)
        main = self.model_input_names[0]
        if main not in rows:
            raise InputError(
                "You should supply an encoding or a list of encodings to this method that includes "
                f"{main}, but you provided {list(rows)}",
                keys=list(rows),
            )
        kind = _array_kind_of(rows[main]) if return_tensors is None else return_tensors
        rows = {key: _plain(value) for key, value in rows.items()}
        if return_attention_mask is None:
            return_attention_mask = "attention_mask" in self.model_input_names
        if not rows[main]:
            return BatchEncoding({**rows, "attention_mask": []} if return_attention_mask else rows)
        strategy, _, length = self._strategies(
            Options(padding=padding, truncation=False, max_length=max_length, verbose=verbose)
        )
        is_batch = isinstance(rows[main][0], list)
        batch = rows if is_batch else {key: [value] for key, value in rows.items()}
        size = len(batch[main])
        unequal = {key: len(value) for key, value in batch.items() if len(value) != size}
        if unequal:
            raise InputError(
                "Some items in the output dictionary have a different batch size than others: "
                f"{main} has {size} rows, {unequal}.",
                sizes=unequal,
            )
        if return_attention_mask and "attention_mask" not in batch:
            batch["attention_mask"] = [[1] * len(row) for row in batch[main]]
        if strategy is not PaddingStrategy.DO_NOT_PAD:
            target = max(map(len, batch[main])) if strategy is PaddingStrategy.LONGEST else length
            self._fill(batch, padded_length(target or 0, pad_to_multiple_of), padding_side)
        return BatchEncoding(batch if is_batch else {key: value[0] for key, value in batch.items()}, tensor_type=kind)

    def _fill(self, batch: dict[str, Any], length: int, padding_side: str | None) -> None:
        left = side(padding_side or self.padding_side, "padding_side") == "left"
        missing = [max(length - len(row), 0) for row in batch[self.model_input_names[0]]]
        fillers = {
            self.model_input_names[0]: self.pad_token_id,
            "attention_mask": 0,
            "token_type_ids": self.pad_token_type_id,
            "special_tokens_mask": 1,
        }
        for key in fillers.keys() & batch.keys():
            filler = fillers[key]
            batch[key] = [
                [filler] * count + row if left else row + [filler] * count
                for row, count in zip(batch[key], missing, strict=True)
            ]


def _columns(encoded: Any) -> dict[str, Any]:
    """Rows by key, also from a list of dictionaries of one row each."""
    if isinstance(encoded, Mapping):
        return dict(encoded)
    if isinstance(encoded, (list, tuple)) and all(isinstance(row, Mapping) for row in encoded) and encoded:
        keys = list(encoded[0])
        for index, row in enumerate(encoded):
            if set(row) != set(keys):
                raise InputError(
                    f"Item {index} has the keys {list(row)}, item 0 has {keys}; all items need the same.",
                    index=index,
                )
        return {key: [row[key] for row in encoded] for key in keys}
    raise InputTypeError(
        f"pad() takes a BatchEncoding, a dictionary of rows, or a list of dictionaries; got {type(encoded).__name__}."
    )


def _array_kind_of(rows: Any) -> str | None:
    """The `return_tensors` word for the arrays that were given; None for lists."""
    while isinstance(rows, (list, tuple)):
        if not rows:
            return None
        rows = rows[0]
    package = package_of(rows)
    return next((name for name, one in NAMES.items() if one == package), None)


def _plain(value: Any) -> Any:
    """Lists of plain numbers, whatever arrays came in."""
    if hasattr(value, "numpy") and not hasattr(value, "tolist"):
        value = value.numpy()
    if hasattr(value, "tolist"):
        return value.tolist()
    if isinstance(value, Sequence) and not isinstance(value, str):
        return [_plain(item) for item in value]
    return value
