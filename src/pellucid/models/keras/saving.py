"""Keras' and TensorFlow's own files of a model: SavedModel and `.keras`."""

from __future__ import annotations

import os
import secrets
import shutil
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import keras
import tensorflow as tf

from pellucid.models.pretrained import Pretrained
from pellucid.outputs import ModelOutput


class KerasSaving(Pretrained, keras.Model):
    """Writing a Keras model beside, or in place of, the files of the Hub."""

    @property
    def input_signature(self) -> dict[str, tf.TensorSpec]:
        """What a SavedModel takes: whole numbers `[B, L]` of any batch and length."""
        names = ("input_ids", "attention_mask", *(name for name in self.family.inputs if name != "position_ids"))
        return {name: tf.TensorSpec([None, None], tf.int32, name=name) for name in names}

    def serving(self, inputs: Mapping[str, Any]) -> dict[str, Any]:
        """What a SavedModel answers: the outputs as tensors, those of all layers in one.

        Args:
            inputs: the arguments of a call by name.
        """
        output = self(inputs, return_dict=True)
        assert isinstance(output, ModelOutput)
        return {name: tf.stack(value) if isinstance(value, tuple) else value for name, value in output.items()}

    def _served(self, dtype: Any = tf.int32) -> Any:
        """`serving` for inputs of one dtype, traced."""
        signature = {name: tf.TensorSpec(one.shape, dtype, name) for name, one in self.input_signature.items()}
        return tf.function(self.serving, input_signature=[signature], autograph=False)

    @property
    def _default_save_signature(self) -> Any:
        # What `tf.saved_model.save(model)` writes where no signature is named.
        return self._served()

    def save_pretrained(
        self,
        save_directory: str | os.PathLike[str],
        *,
        saved_model: bool = False,
        version: int = 1,
        signatures: Any = None,
        max_shard_size: int | str = "5GB",
        safe_serialization: bool = True,
    ) -> None:
        """Write config.json and model.safetensors, all or nothing, and a SavedModel if that is asked for.

        Args:
            save_directory: a folder; made where it does not exist.
            saved_model: also write `saved_model/<version>`, for TensorFlow Serving.
            version: of the SavedModel.
            signatures: of the SavedModel; where left out `serving_default`, and `int64_serving` for int64 inputs.
            max_shard_size: the most bytes of one file, as a number or in words such as "5GB".
            safe_serialization: must be True; pickled files are not written.

        Raises:
            OSError: the folder cannot be written; the old files are intact.
        """
        super().save_pretrained(save_directory, max_shard_size=max_shard_size, safe_serialization=safe_serialization)
        if not saved_model:
            return
        if signatures is None:
            signatures = {
                "serving_default": self._served().get_concrete_function(),
                "int64_serving": self._served(tf.int64).get_concrete_function(),
            }
        place = Path(save_directory) / "saved_model" / str(version)
        place.parent.mkdir(exist_ok=True)
        # Written beside its place, so that a folder of this name is whole.
        beside = place.with_name(f".{place.name}-{secrets.token_hex(4)}")
        try:
            tf.saved_model.save(self, str(beside), signatures=signatures)
            shutil.rmtree(place, ignore_errors=True)
            beside.rename(place)
        finally:
            shutil.rmtree(beside, ignore_errors=True)

    def export(
        self, filepath: Any, format: str = "tf_saved_model", *, input_signature: Any = None, **options: Any
    ) -> Any:
        """Write the model for predictions; arguments as for `keras.Model.export`.

        Args:
            filepath: where to.
            format: Keras' word for the kind of files.
            input_signature: what it takes; batches and lengths of any size where left out.
            options: further arguments of Keras.
        """
        signature = [self.input_signature] if input_signature is None else input_signature
        return super().export(filepath, format=format, input_signature=signature, **options)

    def get_config(self) -> dict[str, Any]:
        """What `from_config` makes the model of, its weights aside."""
        return {
            "config": self.config.to_dict(),
            "dtype": keras.saving.serialize_keras_object(self.dtype_policy),
            "name": self.name,
        }

    @classmethod
    def from_config(cls, config: Mapping[str, Any], custom_objects: Any = None) -> Any:
        """A model with random weights, from what `get_config` gave.

        Args:
            config: what `get_config` gave.
            custom_objects: has no effect.
        """
        policy = keras.saving.deserialize_keras_object(config["dtype"])
        return cls(cls.family.config.from_dict(config["config"]), dtype=policy, name=config["name"])
