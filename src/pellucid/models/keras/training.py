"""Keras' `compile`, `fit`, `evaluate` and `predict`, for models whose answers have several parts."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import keras
import numpy as np
import tensorflow as tf

from pellucid.errors import InputError
from pellucid.models.pretrained import Pretrained
from pellucid.outputs import ModelOutput

OWN_LOSS = (None, "auto", "auto_with_warning", "passthrough")
"""What `transformers` calls a model's own loss."""


class KerasTraining(Pretrained, keras.Model):
    """What a model of several outputs adds to Keras' training: which output the labels belong to, and its own loss."""

    def loss_of(self, values: Mapping[str, Any], labels: Any, is_token: Any) -> Any:
        """The model's own loss, one number for each text or one for all."""
        raise NotImplementedError

    def compile(self, optimizer: Any = "rmsprop", loss: Any = None, *arguments: Any, **options: Any) -> None:
        """Say how the model is trained; arguments as for `keras.Model.compile`.

        Args:
            optimizer: Keras' optimizer, or its name.
            loss: Keras' loss of logits; the model's own where left out.
            arguments: further ones of Keras.
            options: likewise.
        """
        if isinstance(loss, str | None) and loss in OWN_LOSS:
            # Keras keeps the loss of an earlier `compile`.
            loss = self.loss = self._compile_loss = None
        super().compile(optimizer, loss, *arguments, **options)

    def compile_from_config(self, config: Any) -> None:
        """Compile a model that was loaded from a `.keras` file as it was when it was saved."""
        self.compile(**keras.saving.deserialize_keras_object(config))
        self.optimizer.build(self.trainable_variables)

    def fit(self, x: Any = None, y: Any = None, *arguments: Any, **options: Any) -> Any:
        """Train the model; arguments as for `keras.Model.fit`, and `x` may be a `BatchEncoding`."""
        held_out = options.get("validation_data")
        if isinstance(held_out, tuple):
            options["validation_data"] = tuple(plain(part) for part in held_out)
        return super().fit(plain(x), plain(y), *arguments, **options)

    def evaluate(self, x: Any = None, y: Any = None, *arguments: Any, **options: Any) -> Any:
        """The loss and the metrics; arguments as for `keras.Model.evaluate`, and `x` may be a `BatchEncoding`."""
        return super().evaluate(plain(x), plain(y), *arguments, **options)

    def predict(self, x: Any, *arguments: Any, **options: Any) -> Any:
        """The outputs for data of any size, as NumPy's arrays in a `ModelOutput`.

        Arguments as for `keras.Model.predict`, and `x` may be a `BatchEncoding`. Outputs with a row for each token are
        ragged where batches have other lengths.
        """
        return super().predict(plain(x), *arguments, **options)

    def compute_loss(
        self, x: Any = None, y: Any = None, y_pred: Any = None, sample_weight: Any = None, training: bool = True
    ) -> Any:
        """The loss of one batch: of what `compile` was given, or the model's own."""
        labels, answers = matched(x, y, y_pred)
        if self.loss is not None:
            return super().compute_loss(x, labels, answers, sample_weight, training)
        own = self._labels(*own_labels(x, y, labels, self.loss_kind))
        if own is None:
            raise InputError("There are no labels to train on. Pass them as `y`, or under the name `labels` in `x`.")
        values = y_pred if isinstance(y_pred, Mapping) else {"logits": answers}
        losses = self.loss_of({name: one for name, one in values.items() if name != "loss"}, own, tokens_of(x))
        if losses.dtype.size < tf.float32.size:
            losses = tf.cast(losses, tf.float32)
        if sample_weight is not None:
            losses = losses * tf.cast(tf.reshape(sample_weight, [-1]), losses.dtype)
        return tf.add_n([tf.reduce_mean(losses), *(tf.cast(tf.reduce_sum(one), losses.dtype) for one in self.losses)])

    def compute_metrics(self, x: Any, y: Any, y_pred: Any, sample_weight: Any = None) -> Any:
        """The metrics of one batch."""
        labels, answers = matched(x, y, y_pred)
        return super().compute_metrics(x, labels, answers, sample_weight)


def matched(x: Any, y: Any, y_pred: Any) -> tuple[Any, Any]:
    """Labels, and the outputs that they belong to.

    Args:
        x: the inputs, among which labels may be.
        y: labels, or a dictionary of them by the name of an output; "labels" stands for the first one.
        y_pred: the outputs.
    """
    if y is None and isinstance(x, Mapping):
        y = x.get("labels")
    if not isinstance(y_pred, ModelOutput):
        return y, y_pred[0] if isinstance(y_pred, tuple) else y_pred
    usual = next(name for name in y_pred if name != "loss")
    if not isinstance(y, Mapping):
        return y, y_pred[usual]
    named = {name if name in y_pred else usual: value for name, value in y.items()}
    if len(named) == 1:
        ((name, labels),) = named.items()
        return labels, y_pred[name]
    return named, {name: y_pred[name] for name in named}


SPAN = ("start_positions", "end_positions")


def own_labels(x: Any, y: Any, labels: Any, kind: str | None) -> tuple[Any, Any, Any]:
    """What the model's own loss takes: labels, first columns, last columns; None for what there is not.

    Args:
        x: the inputs, among which labels may be.
        y: labels, or a dictionary of them.
        labels: what `matched` found in them.
        kind: the head's word of `models/losses.py`.
    """
    if kind != "span":
        return labels, None, None
    named = {**(x if isinstance(x, Mapping) else {}), **(y if isinstance(y, Mapping) else {})}
    if isinstance(y, tuple | list) and len(y) == len(SPAN):
        named.update(zip(SPAN, y, strict=True))
    return None, named.get(SPAN[0]), named.get(SPAN[1])


def tokens_of(x: Any) -> Any:
    """Which cells of the inputs are tokens, `[B, L]`."""
    if isinstance(x, Mapping) and x.get("attention_mask") is not None:
        return tf.cast(x["attention_mask"], tf.bool)
    ids = x["input_ids"] if isinstance(x, Mapping) else x
    return tf.ones_like(ids, tf.bool)


def plain(data: Any) -> Any:
    """Data as Keras takes it: a `BatchEncoding` as a dictionary, lists of numbers as arrays."""
    if isinstance(data, Mapping):
        return {name: plain(value) for name, value in data.items()}
    is_numbers = isinstance(data, list | tuple) and bool(data) and not hasattr(data[0], "shape")
    return np.asarray(data) if is_numbers else data
