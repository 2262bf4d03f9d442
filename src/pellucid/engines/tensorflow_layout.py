"""Between the caller's rectangle and packed rows, in operations of TensorFlow: a graph packs what it is given."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, TypeAlias

import tensorflow as tf

from pellucid.packing import Inputs, Layout

Array: TypeAlias = Any
"""A `tf.Tensor`."""


@dataclass(frozen=True)
class Rectangle:
    """What a caller gives, filled up: whole numbers `[B, L]`, and which cells are tokens.

    Attributes:
        ids: int32 `[B, L]`.
        is_token: bool `[B, L]`.
        types: int32 `[B, L]`.
        positions: int32 `[B, L]`.
    """

    ids: Array
    is_token: Array
    types: Array
    positions: Array

    @classmethod
    def of(cls, given: Mapping[str, Array], padding_id: int | None = None) -> Rectangle:
        """The arguments of a call, by their names; one row is a batch of one.

        What is left out: every cell is a token, of type 0, and its position is its column, padding counted too.

        Args:
            given: the arguments.
            padding_id: for checkpoints that count positions from it; see `packing.positions_by_ids`.
        """
        ids = tf.cast(given["input_ids"], tf.int32)
        if ids.shape.rank == 1:
            ids = ids[tf.newaxis]
        shape = tf.shape(ids)

        def whole(name: str, default: Array) -> Array:
            value = given.get(name)
            if value is None:
                return tf.broadcast_to(default, shape)
            # One row of positions may stand for all.
            return tf.broadcast_to(tf.cast(value, tf.int32), shape)

        mask = whole("attention_mask", tf.ones([], tf.int32))
        columns = tf.range(shape[1])
        if padding_id is not None:
            counts = tf.cast(ids != padding_id, tf.int32)
            columns = tf.cumsum(counts, axis=1) * counts + padding_id
        return cls(ids, tf.cast(mask, tf.bool), whole("token_type_ids", 0), whole("position_ids", columns))

    def packed(self, *, in_columns: bool) -> Inputs:
        """The tokens as one row, and how they lie in a rectangle.

        Args:
            in_columns: whether that rectangle has the caller's columns, where attentions are to be seen in them. Else
                columns without any token are left out, so that padding beyond the longest text costs nothing.
        """
        cells = self.cells
        ids, types, positions = (
            tf.gather(tf.reshape(one, [-1]), cells) for one in (self.ids, self.types, self.positions)
        )
        is_token = self.is_token
        if not in_columns:
            is_token = tf.boolean_mask(is_token, tf.reduce_any(is_token, axis=0), axis=1)
        flat = tf.reshape(is_token, [-1])
        lengths = tf.reduce_sum(tf.cast(is_token, tf.int32), axis=1)
        layout = Layout(
            # A cell of padding shows the token before it.
            row_of_cell=tf.reshape(tf.maximum(tf.cumsum(tf.cast(flat, tf.int32)) - 1, 0), tf.shape(is_token)),
            cell_of_row=tf.where(flat)[:, 0],
            is_token=is_token,
            first_rows=tf.cumsum(lengths, exclusive=True),
        )
        return Inputs(ids, positions, types, tf.range(tf.shape(ids)[0]), layout)

    @property
    def cells(self) -> Array:
        """Int64 `[T]`, the flat cell of each token."""
        return tf.where(tf.reshape(self.is_token, [-1]))[:, 0]

    def checks(self, limits: Mapping[str, int]) -> list[Array]:
        """Assertions on the values, for graphs whose inputs nobody has checked.

        Args:
            limits: how many there are of "ids", "types" and "positions".
        """
        made = [
            tf.debugging.assert_equal(
                tf.reduce_any(self.is_token, axis=1), True, "A row of `attention_mask` has no token."
            )
        ]
        for name, count in limits.items():
            values = tf.where(self.is_token, getattr(self, name), 0)
            told = f"The {name} of the tokens must be from 0 to {count - 1}. Use the tokenizer of this checkpoint."
            made.append(tf.debugging.assert_non_negative(values, told))
            made.append(tf.debugging.assert_less(values, count, told))
        return made

    def unpacked(self, rows: Array) -> Array:
        """Rows in the caller's cells, zeros in the others: `[T, H] → [B, L, H]`."""
        shape = tf.shape(self.ids)
        width = rows.shape[-1]
        spread = tf.scatter_nd(self.cells[:, tf.newaxis], rows, [tf.cast(tf.reduce_prod(shape), tf.int64), width])
        return tf.reshape(spread, [shape[0], shape[1], width])

    def attentions(self, probabilities: Array) -> Array:
        """Zeros where the query is padding: `[B, A, L, L]`."""
        return tf.where(self.is_token[:, tf.newaxis, :, tf.newaxis], probabilities, tf.zeros([], probabilities.dtype))
