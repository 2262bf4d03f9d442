"""What models answer with: by attribute, by key, by index."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, fields
from typing import Any

from pellucid.errors import UnknownKeyError


class ModelOutput:
    """The outputs of a model, under the names of `transformers`.

    `output.logits`, `output["logits"]` and `output[0]` are the same. Outputs that were not asked for are None; they are
    passed over by keys, indices and `to_tuple()`.
    """

    def keys(self) -> list[str]:
        """The names of the outputs that are there."""
        return [field.name for field in fields(self) if getattr(self, field.name) is not None]  # type: ignore[arg-type]

    def values(self) -> list[Any]:
        """The outputs that are there."""
        return [getattr(self, name) for name in self.keys()]

    def items(self) -> list[tuple[str, Any]]:
        """Pairs of name and output."""
        return [(name, getattr(self, name)) for name in self.keys()]

    def get(self, name: str, default: Any = None) -> Any:
        """The output of this name, or the default where it is not there."""
        return getattr(self, name) if name in self.keys() else default

    def to_tuple(self) -> tuple[Any, ...]:
        """The outputs that are there, in order."""
        return tuple(self.values())

    def __getitem__(self, key: str | int | slice) -> Any:
        if not isinstance(key, str):
            return self.to_tuple()[key]
        if key not in self.keys():
            raise UnknownKeyError(f"There is no output {key!r}; the outputs are {', '.join(self.keys())}.", key=key)
        return getattr(self, key)

    def __setitem__(self, key: str, value: Any) -> None:
        setattr(self, key, value)

    def __contains__(self, name: object) -> bool:
        return name in self.keys()

    def __iter__(self) -> Iterator[str]:
        return iter(self.keys())

    def __len__(self) -> int:
        return len(self.keys())


@dataclass
class BaseModelOutput(ModelOutput):
    """What an encoder without a pooler gives.

    Attributes:
        last_hidden_state: `[B, L, H]`, one vector for each token; zeros where there is padding.
        hidden_states: the embeddings and the output of every layer, each `[B, L, H]`, if they were asked for.
        attentions: the attention probabilities of every layer, each `[B, A, L, L]`, if they were asked for.
    """

    last_hidden_state: Any = None
    hidden_states: tuple[Any, ...] | None = None
    attentions: tuple[Any, ...] | None = None


@dataclass
class BaseModelOutputWithPoolingAndCrossAttentions(ModelOutput):
    """What an encoder with a pooler gives.

    Attributes:
        last_hidden_state: `[B, L, H]`, one vector for each token; zeros where there is padding.
        pooler_output: `[B, H]`, one vector for each text.
        hidden_states: the embeddings and the output of every layer, each `[B, L, H]`, if they were asked for.
        past_key_values: None; a decoder's.
        attentions: the attention probabilities of every layer, each `[B, A, L, L]`, if they were asked for.
        cross_attentions: None; a decoder's.
    """

    last_hidden_state: Any = None
    pooler_output: Any = None
    hidden_states: tuple[Any, ...] | None = None
    past_key_values: Any = None
    attentions: tuple[Any, ...] | None = None
    cross_attentions: Any = None


@dataclass
class SequenceClassifierOutput(ModelOutput):
    """What a model that labels whole texts gives.

    Attributes:
        loss: None; computed in training.
        logits: `[B, C]`, one number for each label, before the softmax.
        hidden_states: the embeddings and the output of every layer, each `[B, L, H]`, if they were asked for.
        attentions: the attention probabilities of every layer, each `[B, A, L, L]`, if they were asked for.
    """

    loss: Any = None
    logits: Any = None
    hidden_states: tuple[Any, ...] | None = None
    attentions: tuple[Any, ...] | None = None


@dataclass
class TFBaseModelOutput(BaseModelOutput):
    """The same of a TensorFlow class."""


@dataclass
class TFBaseModelOutputWithPoolingAndCrossAttentions(ModelOutput):
    """The same of a TensorFlow class, in the order of `transformers`.

    Attributes:
        last_hidden_state: `[B, L, H]`, one vector for each token; zeros where there is padding.
        pooler_output: `[B, H]`, one vector for each text.
        past_key_values: None; a decoder's.
        hidden_states: the embeddings and the output of every layer, each `[B, L, H]`, if they were asked for.
        attentions: the attention probabilities of every layer, each `[B, A, L, L]`, if they were asked for.
        cross_attentions: None; a decoder's.
    """

    last_hidden_state: Any = None
    pooler_output: Any = None
    past_key_values: Any = None
    hidden_states: tuple[Any, ...] | None = None
    attentions: tuple[Any, ...] | None = None
    cross_attentions: Any = None


@dataclass
class TFSequenceClassifierOutput(SequenceClassifierOutput):
    """The same of a TensorFlow class."""
