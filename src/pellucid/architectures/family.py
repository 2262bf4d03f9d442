"""What a family of checkpoints is: its config, its function, its heads and its names."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from typing import Any, Protocol, TypeAlias

from pellucid.checkpoints.names import NameTable
from pellucid.config import Config
from pellucid.heads import HeadForward
from pellucid.ops import Array, Ops
from pellucid.packing import Inputs
from pellucid.weights import Weights

Encode: TypeAlias = Callable[[Ops, Weights, Any, Inputs], Array]
"""Operations, weights, the family's settings, inputs → hidden states `[T, H]`."""


class Settings(Protocol):
    """What every family's settings say, whatever else they hold."""

    @property
    def vocabulary(self) -> int:
        """How many token ids there are, V."""

    @property
    def types(self) -> int:
        """How many kinds of text in a pair are told apart; 0 for a family that tells none."""

    @property
    def positions(self) -> int:
        """How many positions there are."""

    @property
    def padding_id(self) -> int | None:
        """The id that positions are counted from, as `packing.positions_by_ids` does; None where they begin at 0."""


def longest(settings: Settings) -> int:
    """How many tokens a text may have: as many as there are positions for them."""
    return settings.positions - (0 if settings.padding_id is None else settings.padding_id + 1)


@dataclass(frozen=True)
class Head:
    """What stands on the encoder.

    Attributes:
        forward: from hidden states to the head's outputs.
        class_suffix: what the model's class is called after the family: "Model", "ForSequenceClassification".
        output_class: the name of the class in `outputs.py` that its answers have.
        new: canonical paths that may be missing from a checkpoint, and are then newly initialised.
        loss: what its loss is computed from, one of the words of `models/losses.py`; None where it has none.
        single: its outputs that are one number for each token or text, and have no last axis for it.
        reads: the only rows of the hidden states that it reads: "first" of each text, or "chosen"; None for all.
        twice: patterns of stored names that hold a parameter that the checkpoint also has under its own name.
    """

    forward: HeadForward
    class_suffix: str
    output_class: str
    new: tuple[str, ...] = ()
    loss: str | None = None
    single: tuple[str, ...] = ()
    twice: tuple[str, ...] = ()
    reads: str | None = None


@dataclass(frozen=True)
class Family:
    """One family of checkpoints: all that differs between BERT, DistilBERT and the others.

    Attributes:
        model_type: its word in config.json.
        title: what people call it: "BERT".
        class_prefix: what its classes are called: "Bert".
        config: its class of config.
        read_config: takes from a config what its function needs.
        encode: its function.
        heads: by the name of the task they serve; "base" is the encoder alone.
        names: its names of tensors.
        inputs: the arguments that its models take, besides `input_ids` and `attention_mask`.
        narrows: whether its function computes the last layer for the wanted rows alone.
    """

    model_type: str
    title: str
    class_prefix: str
    config: type[Config]
    read_config: Callable[[Any], Any]
    encode: Encode
    heads: Mapping[str, Head]
    names: NameTable
    inputs: tuple[str, ...]
    narrows: bool = False

    def forward(
        self, config: Config, head: str, outputs: tuple[str, ...] | None = None, *, narrow: bool = False
    ) -> Callable[..., Any]:
        """The function from inputs to named outputs, with config and head filled in.

        Args:
            config: a checked config of this family.
            head: one of `heads`.
            outputs: the outputs to compute; all of the head's where left out. "last_hidden_state" is always one.
            narrow: compute the last layer for those rows alone that the head reads, where the family can. Its hidden
                states are then not all there, so nothing of them may be tapped.
        """
        settings = self.read_config(config)
        head_forward = self.heads[head].forward
        is_encoder_alone = outputs == ("last_hidden_state",)
        can_narrow = narrow and self.narrows and settings.layers and not is_encoder_alone
        reads = self.heads[head].reads if can_narrow else None

        def run(ops: Ops, w: Weights, inputs: Inputs) -> dict[str, Array]:
            if reads is not None:
                inputs = replace(inputs, wanted=inputs.chosen if reads == "chosen" else inputs.layout.first_rows)
            hidden = self.encode(ops, w, settings, inputs)
            if is_encoder_alone:
                return {"last_hidden_state": hidden}
            given = head_forward(ops, w, settings, config, hidden, inputs)
            return {name: value for name, value in given.items() if outputs is None or name in outputs}

        return run
