"""Texts as token ids, and the batches of an epoch."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from pellucid.errors import InputError, InputTypeError, TextTooLongError
from pellucid.models.runner import Runner
from pellucid.packing import Packed, pack
from pellucid.training.labels import Scheme, plain_list


@dataclass(frozen=True)
class Examples:
    """Encoded texts with their labels.

    Attributes:
        packed: the tokens of every text.
        labels: `[B]` or `[B, C]`.
    """

    packed: Packed
    labels: npt.NDArray[Any]

    def __len__(self) -> int:
        return len(self.labels)

    def take(self, index: npt.NDArray[Any]) -> Examples:
        """Some of them, in the order of their numbers in `index`."""
        return Examples(self.packed.take(index), self.labels[index])

    def fingerprint(self) -> str:
        """A word that tells these texts and labels from others."""
        digest = hashlib.sha256()
        for array in (self.packed.ids, self.packed.types, self.packed.lengths, self.labels):
            digest.update(np.ascontiguousarray(array).tobytes())
        return digest.hexdigest()[:16]


def check_texts(texts: Any, text_pairs: Any, what: str = "") -> tuple[list[str], list[str] | None]:
    """The texts as lists of strings.

    Args:
        texts: a list, or a column of a data frame.
        text_pairs: the second texts, or None.
        what: what messages put before the names.

    Raises:
        InputTypeError: no list, or something in it is no string.
        InputError: no text, or not as many second texts as first ones.
    """
    first = _strings(texts, f"{what}texts")
    second = None if text_pairs is None else _strings(text_pairs, f"{what}text_pairs")
    if not first:
        raise InputError(f"`{what}texts` is empty. Give at least one text.", name=f"{what}texts")
    if second is not None and len(second) != len(first):
        raise InputError(
            f"There are {len(first)} texts and {len(second)} text pairs. Give as many of one as of the other.",
            name=f"{what}text_pairs",
        )
    return first, second


def _strings(values: Any, what: str) -> list[str]:
    listed = plain_list(values, what)
    for index, value in enumerate(listed):
        if not isinstance(value, str):
            raise InputTypeError(
                f"`{what}[{index}]` is {value!r}, a {type(value).__name__}; expected a string.", name=what, index=index
            )
    return listed


def encode(
    tokenizer: Any,
    texts: Sequence[str],
    text_pairs: Sequence[str] | None,
    max_length: int | None,
    runner: Runner,
    what: str = "texts",
) -> Packed:
    """Texts → ids in one packed row.

    Args:
        tokenizer: of the model's checkpoint.
        texts: the first or only texts.
        text_pairs: the second texts.
        max_length: tokens to keep of a text; all where left out.
        runner: of the model; it says how many tokens the model takes, and how it counts positions.
        what: what messages call the texts.

    Raises:
        TextTooLongError: without `max_length`, a text has more tokens than the model takes.
        InputError: `max_length` is more than the model takes.
    """
    limit = runner.max_length
    if max_length is not None and max_length > limit:
        raise InputError(
            f"`max_length={max_length}` is more than the {limit} tokens that the model takes.", name="max_length"
        )
    options: dict[str, Any] = {} if max_length is None else {"truncation": True, "max_length": max_length}
    encoded = tokenizer.encode_ragged(texts, text_pairs, **options)
    ids = encoded.ids
    for index, row in enumerate(ids):
        if len(row) > limit:
            raise TextTooLongError(
                f"`{what}[{index}]` has {len(row)} tokens; the model takes at most {limit}. Pass `max_length={limit}` "
                "to keep the first of them, or split the text.",
                name=what,
                index=index,
                n_tokens=len(row),
                max_length=limit,
            )
    types = encoded.type_ids if "token_type_ids" in tokenizer.model_input_names else None
    return pack(ids, types, runner.padding_id)


def labelled(scheme: Scheme, packed: Packed, labels: list[Any], what: str) -> Examples:
    """Encoded texts joined to their labels.

    Raises:
        InputError: not as many labels as texts, or a label that is none of the scheme's.
    """
    check_count(len(packed.lengths), len(labels), what)
    return Examples(packed, scheme.numbers(labels, what))


def check_count(texts: int, labels: int, what: str = "labels") -> None:
    """Refuse another number of labels than of texts.

    Raises:
        InputError: with both numbers.
    """
    if texts != labels:
        raise InputError(f"There are {texts} texts and {labels} `{what}`. Give each text one label.", name=what)


def held_out(count: int, fraction: float, seed: int) -> tuple[npt.NDArray[Any], npt.NDArray[Any]]:
    """The numbers of the texts to learn from, and of those held out; the same for the same seed.

    Raises:
        InputError: the fraction leaves no text on one of the sides.
    """
    held = round(count * fraction)
    if not 0 < fraction < 1 or not 0 < held < count:
        raise InputError(
            f"`evaluation={fraction!r}` holds out {max(0, held)} of {count} texts. Give a fraction between 0 and 1 "
            "that leaves texts on both sides, or a pair (texts, labels).",
            name="evaluation",
        )
    order = np.random.default_rng([seed, 1]).permutation(count)
    return np.sort(order[held:]), np.sort(order[:held])


def batches(lengths: npt.NDArray[Any], size: int, seed: int, epoch: int) -> Iterator[npt.NDArray[Any]]:
    """One epoch in a new order, which the seed and the number of the epoch decide.

    Within a batch the longest come first, so that texts of near-equal lengths lie next to each other.

    Args:
        lengths: tokens of each text, `[B]`.
        size: texts of a batch; the last one may have fewer.
        seed: of the whole run.
        epoch: counted from 0.

    Yields:
        The numbers of each batch's texts.
    """
    order = np.random.default_rng([seed, 2, epoch]).permutation(len(lengths))
    for start in range(0, len(order), size):
        batch = order[start : start + size]
        yield batch[np.argsort(-lengths[batch], kind="stable")]


def evaluation_parts(evaluation: Any) -> tuple[Any, Any, Any]:
    """Texts, second texts and labels of what the caller gave to measure on.

    Raises:
        InputTypeError: neither (texts, labels) nor (texts, text_pairs, labels).
    """
    if not isinstance(evaluation, Sequence) or isinstance(evaluation, str | Mapping) or len(evaluation) not in (2, 3):
        raise InputTypeError(
            f"`evaluation` is {type(evaluation).__name__}; expected a fraction to hold out, (texts, labels), or "
            "(texts, text_pairs, labels).",
            name="evaluation",
        )
    texts, *pairs, labels = evaluation
    return texts, pairs[0] if pairs else None, labels
