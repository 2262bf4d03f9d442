"""What models answer with: by attribute, by key, by index."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from pellucid.errors import InputTypeError, UnknownKeyError


class ModelOutput(dict[str, Any]):
    """The outputs of a model, under the names of `transformers`.

    `output.logits`, `output["logits"]` and `output[0]` are the same. Outputs that were not asked for are None; they are
    passed over by keys, indices and `to_tuple()`.

    It is a dictionary that is made again from its own pairs of name and value, which is how PyTorch's `DataParallel`
    and TensorFlow's `tf.function` put outputs together.
    """

    def __post_init__(self) -> None:
        names = self.names()
        first = getattr(self, names[0])
        if isinstance(first, dict | Iterator):
            pairs = dict(first)
            for name in names:
                object.__setattr__(self, name, pairs.get(name))
        for name in names:
            setattr(self, name, getattr(self, name))

    @classmethod
    def names(cls) -> list[str]:
        """The names of all outputs that there can be, in order."""
        return list(cls.__dataclass_fields__)  # type: ignore[attr-defined]

    def to_tuple(self) -> tuple[Any, ...]:
        """The outputs that are there, in order."""
        return tuple(self[name] for name in self.names() if name in self)

    def __setattr__(self, name: str, value: Any) -> None:
        object.__setattr__(self, name, value)
        if name not in self.names():
            return
        # Removed and put back, so that the order is that of the names.
        present = {key: getattr(self, key, None) for key in self.names()}
        dict.clear(self)
        dict.update(self, {key: found for key, found in present.items() if found is not None})

    def __setitem__(self, key: str, value: Any) -> None:
        setattr(self, key, value)

    def __getitem__(self, key: Any) -> Any:
        if not isinstance(key, str):
            return self.to_tuple()[key]
        if key not in self:
            raise UnknownKeyError(f"There is no output {key!r}; the outputs are {', '.join(self)}.", key=key)
        return dict.__getitem__(self, key)

    def __reduce__(self) -> tuple[Any, ...]:
        return type(self), tuple(getattr(self, name) for name in self.names())

    def _refuse(self, *_: Any, **__: Any) -> Any:
        raise InputTypeError(
            f"The outputs in a {type(self).__name__} are set by name, and none is removed. Set it to None instead."
        )

    __delitem__ = pop = popitem = clear = setdefault = update = _refuse


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
        loss: how far the answers are from the labels; None where no labels were given.
        logits: `[B, C]`, one number for each label, before the softmax.
        hidden_states: the embeddings and the output of every layer, each `[B, L, H]`, if they were asked for.
        attentions: the attention probabilities of every layer, each `[B, A, L, L]`, if they were asked for.
    """

    loss: Any = None
    logits: Any = None
    hidden_states: tuple[Any, ...] | None = None
    attentions: tuple[Any, ...] | None = None


@dataclass
class BaseModelOutputWithPooling(ModelOutput):
    """What an encoder with a pooler gives, of families that were never decoders.

    Attributes:
        last_hidden_state: `[B, L, H]`, one vector for each token; zeros where there is padding.
        pooler_output: `[B, H]`, one vector for each text.
        hidden_states: the embeddings and the output of every layer, each `[B, L, H]`, if they were asked for.
        attentions: the attention probabilities of every layer, each `[B, A, L, L]`, if they were asked for.
    """

    last_hidden_state: Any = None
    pooler_output: Any = None
    hidden_states: tuple[Any, ...] | None = None
    attentions: tuple[Any, ...] | None = None


@dataclass
class BaseModelOutputWithCrossAttentions(ModelOutput):
    """What an encoder without a pooler gives, of families that were decoders too.

    Attributes:
        last_hidden_state: `[B, L, H]`, one vector for each token; zeros where there is padding.
        hidden_states: the embeddings and the output of every layer, each `[B, L, H]`, if they were asked for.
        attentions: the attention probabilities of every layer, each `[B, A, L, L]`, if they were asked for.
        cross_attentions: None; a decoder's.
    """

    last_hidden_state: Any = None
    hidden_states: tuple[Any, ...] | None = None
    attentions: tuple[Any, ...] | None = None
    cross_attentions: Any = None


@dataclass
class TokenClassifierOutput(ModelOutput):
    """What a model that labels tokens gives.

    Attributes:
        loss: how far the answers are from the labels; None where no labels were given.
        logits: `[B, L, C]`, one number for each label, before the softmax; zeros where there is padding.
        hidden_states: the embeddings and the output of every layer, each `[B, L, H]`, if they were asked for.
        attentions: the attention probabilities of every layer, each `[B, A, L, L]`, if they were asked for.
    """

    loss: Any = None
    logits: Any = None
    hidden_states: tuple[Any, ...] | None = None
    attentions: tuple[Any, ...] | None = None


@dataclass
class QuestionAnsweringModelOutput(ModelOutput):
    """What a model that finds answers in a text gives.

    Attributes:
        loss: how far the answers are from the labels; None where no labels were given.
        start_logits: `[B, L]`, how likely the answer begins at each token, before the softmax.
        end_logits: `[B, L]`, how likely it ends there.
        hidden_states: the embeddings and the output of every layer, each `[B, L, H]`, if they were asked for.
        attentions: the attention probabilities of every layer, each `[B, A, L, L]`, if they were asked for.
    """

    loss: Any = None
    start_logits: Any = None
    end_logits: Any = None
    hidden_states: tuple[Any, ...] | None = None
    attentions: tuple[Any, ...] | None = None


@dataclass
class MaskedLMOutput(ModelOutput):
    """What a model that finds the words behind masks gives.

    Attributes:
        loss: how far the answers are from the labels; None where no labels were given.
        logits: `[B, L, V]`, one number for each token of the vocabulary, before the softmax.
        hidden_states: the embeddings and the output of every layer, each `[B, L, H]`, if they were asked for.
        attentions: the attention probabilities of every layer, each `[B, A, L, L]`, if they were asked for.
    """

    loss: Any = None
    logits: Any = None
    hidden_states: tuple[Any, ...] | None = None
    attentions: tuple[Any, ...] | None = None


@dataclass
class NextSentencePredictorOutput(ModelOutput):
    """What a model that tells whether the second text follows the first gives.

    Attributes:
        loss: how far the answers are from the labels; None where no labels were given.
        logits: `[B, 2]`: it follows, it is a random one; before the softmax.
        hidden_states: the embeddings and the output of every layer, each `[B, L, H]`, if they were asked for.
        attentions: the attention probabilities of every layer, each `[B, A, L, L]`, if they were asked for.
    """

    loss: Any = None
    logits: Any = None
    hidden_states: tuple[Any, ...] | None = None
    attentions: tuple[Any, ...] | None = None


@dataclass
class MultipleChoiceModelOutput(ModelOutput):
    """What a model that chooses one of several texts gives.

    Attributes:
        loss: how far the answers are from the labels; None where no labels were given.
        logits: `[B, choices]`, before the softmax.
        hidden_states: the embeddings and the output of every layer, each `[B, L, H]`, if they were asked for.
        attentions: the attention probabilities of every layer, each `[B, A, L, L]`, if they were asked for.
    """

    loss: Any = None
    logits: Any = None
    hidden_states: tuple[Any, ...] | None = None
    attentions: tuple[Any, ...] | None = None


@dataclass
class ElectraForPreTrainingOutput(ModelOutput):
    """What a model that tells replaced tokens gives.

    Attributes:
        loss: how far the answers are from the labels; None where no labels were given.
        logits: `[B, L]`, above 0 for a token that was put in place of another.
        hidden_states: the embeddings and the output of every layer, each `[B, L, H]`, if they were asked for.
        attentions: the attention probabilities of every layer, each `[B, A, L, L]`, if they were asked for.
    """

    loss: Any = None
    logits: Any = None
    hidden_states: tuple[Any, ...] | None = None
    attentions: tuple[Any, ...] | None = None


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


def _on_tensorflow(output_class: type[ModelOutput]) -> type[ModelOutput]:
    """The class of the same outputs of a TensorFlow class."""
    own = {"__doc__": "The same of a TensorFlow class.", "__module__": __name__}
    return type(f"TF{output_class.__name__}", (output_class,), own)


TFBaseModelOutput = _on_tensorflow(BaseModelOutput)
TFBaseModelOutputWithPooling = _on_tensorflow(BaseModelOutputWithPooling)
TFBaseModelOutputWithCrossAttentions = _on_tensorflow(BaseModelOutputWithCrossAttentions)
TFSequenceClassifierOutput = _on_tensorflow(SequenceClassifierOutput)
TFTokenClassifierOutput = _on_tensorflow(TokenClassifierOutput)
TFQuestionAnsweringModelOutput = _on_tensorflow(QuestionAnsweringModelOutput)
TFMaskedLMOutput = _on_tensorflow(MaskedLMOutput)
TFNextSentencePredictorOutput = _on_tensorflow(NextSentencePredictorOutput)
TFMultipleChoiceModelOutput = _on_tensorflow(MultipleChoiceModelOutput)
TFElectraForPreTrainingOutput = _on_tensorflow(ElectraForPreTrainingOutput)

OUTPUT_CLASSES: list[type[ModelOutput]] = [
    value
    for value in list(globals().values())
    if isinstance(value, type) and issubclass(value, ModelOutput) and value is not ModelOutput
]
"""Every class of outputs, for frameworks that must be told how one is taken apart."""
