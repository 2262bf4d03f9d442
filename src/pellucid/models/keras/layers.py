"""The tree of Keras layers that owns a model's weights, under the names that the Hub has for them."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from typing import Any

import keras
import numpy as np
import tensorflow as tf

from pellucid.checkpoints.stored import StoredTensor
from pellucid.errors import InputError


class Owner(keras.layers.Layer):
    """What has parts. They stay what they are: the model computes with the weights that it was made with."""

    def __setattr__(self, name: str, value: Any) -> None:
        if isinstance(vars(self).get(name), Part):
            raise InputError(
                f"`{name}` is a part of a model, and another layer in its place would not be computed with. For "
                "another number of labels load the checkpoint with `num_labels=`, for another head put Keras' layers "
                "on the outputs of the model.",
                name=name,
            )
        super().__setattr__(name, value)


class Part(Owner):
    """A part of a model that owns weights and other parts; what is computed with them is the model's own function."""

    # Keras has properties of these names, and the Hub modules.
    input: Any = None
    output: Any = None

    def call(self, *arguments: Any, **named: Any) -> Any:
        """Not computed with.

        Raises:
            InputError: always.
        """
        raise InputError(
            f"A part of a model ({self.name!r}) is not called by itself. Call the model; `output_hidden_states=True` "
            "gives what its layers made."
        )


def layer_tree(
    owner: Any, tensors: Mapping[str, StoredTensor], hub_names: Mapping[str, str], policy: Any
) -> dict[str, Any]:
    """Give a model layers that hold its weights.

    Args:
        owner: the model, which gets the first words of the names as its attributes.
        tensors: by canonical name.
        hub_names: the Hub's name of each, such as "bert.encoder.layer.0.output.dense.weight".
        policy: in which precision weights are held, and seen.

    Returns:
        The variables by canonical name.
    """
    tree: dict[str, Any] = {}
    for name, hub in hub_names.items():
        *above, leaf = hub.split(".")
        branch = tree
        for word in above:
            branch = branch.setdefault(word, {})
        branch[leaf] = name
    variables: dict[str, Any] = {}
    with keras.name_scope(owner.name):
        for word, branch in tree.items():
            setattr(owner, word, _part(word, branch, tensors, policy, variables))
    return variables


def _part(
    word: str, branch: Mapping[str, Any], tensors: Mapping[str, StoredTensor], policy: Any, variables: dict[str, Any]
) -> Any:
    if all(name.isdigit() for name in branch):
        # The names that layers of one kind have in `transformers`.
        return [_part(f"{word}_._{name}", child, tensors, policy, variables) for name, child in branch.items()]
    part = Part(name=word, dtype=policy)
    for name, child in branch.items():
        if isinstance(child, str):
            variable = part.add_weight(shape=tensors[child].shape, initializer=_values(tensors[child]), name=name)
            variables[child] = variable
            setattr(part, name, variable)
        else:
            with keras.name_scope(word):
                inner = _part(name, child, tensors, policy, variables)
            setattr(part, name, inner)
            if hasattr(keras.layers.Layer, name):
                # Keras saves no weights below an attribute that has the name of one of its own.
                setattr(part, f"{name}_part", inner)
    part.built = True
    return part


def _values(tensor: StoredTensor) -> Callable[..., Any]:
    def initial(shape: Any, dtype: Any) -> Any:
        host = np.float64 if dtype == "float64" else np.float32
        return tf.cast(tf.constant(tensor.array(host)), dtype)

    return initial


class Held(Mapping[str, Any]):
    """A model's weights by their canonical names, as they are when they are asked for.

    Args:
        variables: Keras' variables, by canonical name.
        seen: what is shown of a name and its variable.
    """

    def __init__(self, variables: Mapping[str, Any], seen: Callable[[str, Any], Any]) -> None:
        self._variables = variables
        self._seen = seen

    def __getitem__(self, name: str) -> Any:
        return self._seen(name, self._variables[name])

    def __iter__(self) -> Iterator[str]:
        return iter(self._variables)

    def __len__(self) -> int:
        return len(self._variables)


def in_graph(name: str, variable: Any) -> Any:
    """TensorFlow's variable, or what the precision policy makes of it."""
    return variable.value


def as_stored(name: str, variable: Any) -> StoredTensor:
    """A weight as it is saved."""
    array = variable.numpy()
    if array.dtype.name == "bfloat16":
        return StoredTensor.from_array(name, array.view(np.uint16), dtype="bfloat16")
    return StoredTensor.from_array(name, array)
