"""How long a padded row gets."""

from __future__ import annotations


def padded_length(length: int, multiple: int | None) -> int:
    """Round `length` up to a multiple, where one is asked for."""
    return length if not multiple else -(-length // multiple) * multiple
