"""Texts that cannot be encoded: which item it is, and why."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any, NoReturn

from pellucid.errors import InputError, InputTypeError


def check_texts(texts: Any, name: str = "text") -> None:
    """Refuse what is neither a text nor a batch of texts.

    Raises:
        InputTypeError: neither a string, nor a list or tuple.
    """
    if isinstance(texts, (str, list, tuple)):
        return
    raise InputTypeError(
        "text input must be of type `str` (single example), `list[str]` (batch or single pretokenized example) or "
        f"`list[list[str]]` (batch of pretokenized examples): `{name}` is {_kind(texts)}.{_advice(texts)}",
        argument=name,
        type=type(texts).__name__,
    )


def refuse_texts(
    texts: Sequence[Any], is_split_into_words: bool, error: Exception, numbers: Sequence[int] | None = None
) -> NoReturn:
    """Find the item that the Rust library refused, and say so; the library's own message names none.

    Raises:
        InputTypeError: an item is not a text (or a pair of texts, or a list of words).
        InputError: a text holds a lone surrogate.
    """
    for index, item in zip(numbers or range(len(texts)), texts, strict=True):
        for place, text in _texts_in(item, index, is_split_into_words):
            if not isinstance(text, str):
                expected = "a list of words" if is_split_into_words else "a string, or a pair of strings"
                raise InputTypeError(
                    f"{place} is {_kind(text)}; expected {expected}.{_advice(text)}",
                    index=index,
                    type=type(text).__name__,
                ) from error
            for position, character in enumerate(text):
                if "\ud800" <= character <= "\udfff":
                    raise InputError(
                        f"{place} has a lone surrogate ({character!a}) at character {position}, which is no text. "
                        'Repair it with text.encode("utf-16", "surrogatepass").decode("utf-16", "replace").',
                        index=index,
                        position=position,
                        character=ascii(character),
                    ) from error
    raise InputTypeError(
        f"The texts cannot be encoded: {error}. Give strings"
        + (" as lists of words." if is_split_into_words else ", or pairs as tuples of two strings."),
    ) from error


def _texts_in(item: Any, index: int, is_split_into_words: bool) -> Iterator[tuple[str, Any]]:
    """Every text (or word) of an item, with the words that tell its place."""
    if not is_split_into_words:
        if isinstance(item, (list, tuple)) and len(item) == 2:
            yield f"The first text of item {index}", item[0]
            yield f"The second text of item {index}", item[1]
        else:
            yield f"Item {index}", item
        return
    if not isinstance(item, (list, tuple)):
        # A string is a text, but not split.
        yield f"Item {index}", [item] if isinstance(item, str) else item
        return
    for number, word in enumerate(item):
        if isinstance(word, (list, tuple)):
            for inner_number, inner in enumerate(word):
                yield f"Word {inner_number} of text {number} of item {index}", inner
        else:
            yield f"Word {number} of item {index}", word


def _kind(value: Any) -> str:
    if value is None:
        return "None"
    shown = ascii(value)
    return f"{type(value).__name__} ({shown if len(shown) <= 40 else shown[:37] + '...'})"


def _advice(value: Any) -> str:
    if isinstance(value, (bytes, bytearray)):
        return ' Decode it first: value.decode("utf-8").'
    if hasattr(value, "tolist"):
        return " Give value.tolist()."
    # NaN, which no other value differs from itself as, is the missing value of tables.
    if value is None or (isinstance(value, float) and value != value):
        return " Drop or fill the missing values first."
    return ""
