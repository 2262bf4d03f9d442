"""The graphs that a model's calls run outside of other graphs: each is traced once, for batches of any size."""

from __future__ import annotations

import threading
from collections.abc import Callable
from typing import Any, TypeAlias

import tensorflow as tf

from pellucid.engines.tensorflow_layout import Rectangle

Compute: TypeAlias = Callable[[Rectangle, tuple[str, ...], bool], dict[str, Any]]

SIGNATURE = tuple(
    tf.TensorSpec([None, None], dtype, name=name)
    for name, dtype in (("ids", tf.int32), ("is_token", tf.bool), ("types", tf.int32), ("positions", tf.int32))
)


class Graphs:
    """One model's graphs, by what is asked of them. Keras does not see them, so a SavedModel has none of them."""

    def __init__(self) -> None:
        self._graphs: dict[tuple[tuple[str, ...], bool], Any] = {}
        self._lock = threading.Lock()

    def run(self, compute: Compute, rectangle: Rectangle, taps: tuple[str, ...], is_training: bool) -> dict[str, Any]:
        """Compute in a graph.

        Args:
            compute: what to trace.
            rectangle: the inputs.
            taps: what to keep beside the outputs.
            is_training: whether anything is dropped out.
        """
        with self._lock:
            if (taps, is_training) not in self._graphs:
                self._graphs[taps, is_training] = tf.function(
                    lambda *arrays: compute(Rectangle(*arrays), taps, is_training),
                    input_signature=SIGNATURE,
                    autograph=False,
                ).get_concrete_function()
            graph = self._graphs[taps, is_training]
        values: dict[str, Any] = graph(rectangle.ids, rectangle.is_token, rectangle.types, rectangle.positions)
        return values
