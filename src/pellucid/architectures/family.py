"""What a family of checkpoints is: its config, its function, its heads and its names."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, TypeAlias

from pellucid.checkpoints.names import NameTable
from pellucid.config import Config
from pellucid.ops import Array, Ops
from pellucid.packing import Inputs
from pellucid.weights import Weights

Encode: TypeAlias = Callable[[Ops, Weights, Any, Inputs], Array]
"""Operations, weights, the family's settings, inputs → hidden states `[T, H]`."""

HeadForward: TypeAlias = Callable[[Ops, Weights, Any, Config, Array, Inputs], dict[str, Array]]
"""Operations, weights at the root, settings, config, hidden states `[T, H]`, inputs → named outputs."""


@dataclass(frozen=True)
class Head:
    """What stands on the encoder.

    Attributes:
        forward: from hidden states to the head's outputs.
        class_suffix: what the model's class is called after the family: "Model", "ForSequenceClassification".
        output_class: the name of the class in `outputs.py` that its answers have.
        new: canonical paths that may be missing from a checkpoint, and are then newly initialised.
    """

    forward: HeadForward
    class_suffix: str
    output_class: str
    new: tuple[str, ...] = ()


@dataclass(frozen=True)
class Family:
    """One family of checkpoints: all that differs between BERT, DistilBERT and the others.

    Attributes:
        model_type: its word in config.json.
        class_prefix: what its classes are called: "Bert".
        config: its class of config.
        read_config: takes from a config what its function needs.
        encode: its function.
        heads: by the name of the task they serve; "base" is the encoder alone.
        names: its names of tensors.
        inputs: the arguments that its models take, besides `input_ids` and `attention_mask`.
    """

    model_type: str
    class_prefix: str
    config: type[Config]
    read_config: Callable[[Any], Any]
    encode: Encode
    heads: Mapping[str, Head]
    names: NameTable
    inputs: tuple[str, ...]

    def forward(self, config: Config, head: str, outputs: tuple[str, ...] | None = None) -> Callable[..., Any]:
        """The function from inputs to named outputs, with config and head filled in.

        Args:
            config: a checked config of this family.
            head: one of `heads`.
            outputs: the outputs to compute; all of the head's where left out. "last_hidden_state" is always one.
        """
        settings = self.read_config(config)
        head_forward = self.heads[head].forward

        def run(ops: Ops, w: Weights, inputs: Inputs) -> dict[str, Array]:
            hidden = self.encode(ops, w, settings, inputs)
            if outputs == ("last_hidden_state",):
                return {"last_hidden_state": hidden}
            given = head_forward(ops, w, settings, config, hidden, inputs)
            return {name: value for name, value in given.items() if outputs is None or name in outputs}

        return run
