"""BERT, and the encoder of the families that differ from it only by data.

Source: Devlin et al., 2018, https://arxiv.org/abs/1810.04805, §3; where the paper and the checkpoints on the Hub
disagree, the checkpoints are right. Checked against `transformers` in tests/parity/test_encoders.py.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import asdict, dataclass
from typing import Any, TypeAlias

from pellucid.architectures import head_kinds
from pellucid.architectures.family import Family
from pellucid.checkpoints.names import NameTable
from pellucid.config import Config
from pellucid.heads import first_token
from pellucid.layers import feed_forward, layer_norm, linear, relative_key_bias, self_attention
from pellucid.ops import ACTIVATIONS, Array, Ops
from pellucid.packing import Inputs
from pellucid.weights import Weights


@dataclass(frozen=True)
class Dropout:
    """The probabilities of dropout while a model is trained, by place.

    Attributes:
        embeddings: behind the norm of the embeddings.
        attention: of the attention probabilities.
        attention_output: before attention is added to its input.
        feed_forward: before the feed-forward layer is added to its input.
        head: before the labels of texts.
        tokens: before the labels of tokens.
        span: before an answer's span.
    """

    embeddings: float = 0.0
    attention: float = 0.0
    attention_output: float = 0.0
    feed_forward: float = 0.0
    head: float = 0.0
    tokens: float = 0.0
    span: float = 0.0


@dataclass(frozen=True)
class BertSettings:
    """What the function needs to know.

    Attributes:
        width: size of the hidden states, H.
        inner: size of the feed-forward layer.
        layers: how many layers.
        heads: how many attention heads, A.
        vocabulary: how many token ids, V.
        positions: how many tokens a text may have.
        types: how many kinds of text in a pair are told apart; 0 for a family that tells none.
        activation: the config's word.
        eps: of every layer norm.
        dropout: what is dropped out in training.
        embedding_width: size of the embeddings, E; the hidden states' where left out.
        padding_id: the id that positions are counted from; None where they begin at 0.
        place: how tokens know where they stand, by the config's words: "absolute", "relative_key" or
            "relative_key_query".
    """

    width: int
    inner: int
    layers: int
    heads: int
    vocabulary: int
    positions: int
    types: int
    activation: str
    eps: float
    dropout: Dropout = Dropout()
    embedding_width: int = 0
    padding_id: int | None = None
    place: str = "absolute"

    def __post_init__(self) -> None:
        object.__setattr__(self, "embedding_width", self.embedding_width or self.width)


def bert(ops: Ops, w: Weights, settings: BertSettings, inputs: Inputs) -> Array:
    """Give each token a vector that knows its whole text: ids `[T]` → hidden states `[T, H]`.

    The data's way: token + type + position → norm → layers × (attention, add, norm, feed-forward, add, norm).
    Where distances count in place of positions, attention sees them.
    The embeddings and the output of each layer are tapped as "hidden_states".
    """
    s = settings
    x = bert_embeddings(ops, w / "embeddings", s, inputs)
    if s.embedding_width != s.width:
        x = linear(ops, w / "embeddings.projection", x, s.embedding_width, s.width)
    x = ops.tap("hidden_states", x)
    for n in range(s.layers):
        layer = w / f"layers.{n}"
        wanted = inputs.wanted if n == s.layers - 1 else None
        x = ops.tap("hidden_states", bert_layer(ops, layer, s, x, inputs, distances(ops, layer, s, inputs), wanted))
    return x


def bert_embeddings(ops: Ops, w: Weights, settings: BertSettings, inputs: Inputs) -> Array:
    """What each token is before it has seen any other: ids `[T]` → `[T, E]`."""
    s, width = settings, settings.embedding_width
    x = ops.embedding((w / "tokens")("weight", s.vocabulary, width), inputs.ids)
    if s.types:
        x = ops.add(x, ops.embedding((w / "types")("weight", s.types, width), inputs.types))
    if s.place == "absolute":
        x = ops.add(x, ops.embedding((w / "positions")("weight", s.positions, width), inputs.positions))
    return ops.dropout(layer_norm(ops, w / "norm", x, width, s.eps), s.dropout.embeddings)


Bias: TypeAlias = Callable[[Array, Array], Array]
"""From query and key `[T, H]` to what is added to the scores of attention, `[B, A, L, L]`."""


def distances(ops: Ops, w: Weights, settings: BertSettings, inputs: Inputs) -> Bias | None:
    """What a layer's vectors of distances add to its scores; None where positions are absolute."""
    s = settings
    if s.place == "absolute":
        return None

    def bias(query: Array, key: Array) -> Array:
        met = key if s.place == "relative_key_query" else None
        table = w / "attention.distances"
        return relative_key_bias(ops, table, query, met, inputs.layout, s.positions, s.width, s.heads)

    return bias


def bert_layer(
    ops: Ops,
    w: Weights,
    settings: BertSettings,
    x: Array,
    inputs: Inputs,
    bias: Bias | None = None,
    wanted: Array | None = None,
) -> Array:
    """One layer: `[T, H] → [T, H]`, or `[N, H]` of the wanted rows, which look at all tokens all the same."""
    s = settings
    attended = self_attention(
        ops, w / "attention", x, inputs.layout, s.width, s.heads, s.dropout.attention, bias, wanted
    )
    x = x if wanted is None else ops.rows(x, wanted)
    attended = ops.dropout(attended, s.dropout.attention_output)
    x = layer_norm(ops, w / "attention" / "norm", ops.add(attended, x), s.width, s.eps)
    fed = ops.dropout(feed_forward(ops, w / "feed_forward", x, s.width, s.inner, s.activation), s.dropout.feed_forward)
    return layer_norm(ops, w / "feed_forward" / "norm", ops.add(fed, x), s.width, s.eps)


class BertConfig(Config):
    """The config of a BERT checkpoint; the defaults are those of bert-base-uncased."""

    model_type = "bert"
    defaults = {
        "vocab_size": 30522,
        "hidden_size": 768,
        "num_hidden_layers": 12,
        "num_attention_heads": 12,
        "intermediate_size": 3072,
        "hidden_act": "gelu",
        "hidden_dropout_prob": 0.1,
        "attention_probs_dropout_prob": 0.1,
        "max_position_embeddings": 512,
        "type_vocab_size": 2,
        "initializer_range": 0.02,
        "layer_norm_eps": 1e-12,
        "pad_token_id": 0,
        "position_embedding_type": "absolute",
        "use_cache": True,
        "classifier_dropout": None,
    }
    harmless = frozenset({"use_cache"})
    supported = {"position_embedding_type": ("absolute", "relative_key", "relative_key_query")}

    def impossible(self) -> list[str]:
        """What is wrong with the values, in words."""
        return impossible_sizes(self, read_bert_config(self))


def impossible_sizes(config: Config, settings: BertSettings) -> list[str]:
    """Sizes that no encoder can have, in words, under the names that the config gives them."""
    names = {
        "vocabulary": "vocab_size",
        "width": "hidden_size",
        "inner": "intermediate_size",
        "layers": "num_hidden_layers",
        "heads": "num_attention_heads",
        "positions": "max_position_embeddings",
        "types": "type_vocab_size",
    }
    own = {field: config.attribute_map.get(name, name) for field, name in names.items()}
    reasons = []
    for field, name in own.items():
        size = getattr(settings, field)
        least = 0 if field in ("layers", "types") else 1
        if type(size) is not int or size < least:
            reasons.append(f"`{name}` is {size!r}, and must be a whole number, at least {least}")
    if not reasons and settings.width % settings.heads:
        reasons.append(
            f"`{own['width']}` {settings.width} cannot be divided among `{own['heads']}` {settings.heads} heads"
        )
    padding, rows = config.pad_token_id, settings.vocabulary
    # A negative one counts from the end, as the table of PyTorch takes it.
    if not reasons and padding is not None and (type(padding) is not int or not -rows <= padding < rows):
        reasons.append(f"`pad_token_id` is {padding!r}, and must be an id below `{own['vocabulary']}` {rows}")
    if type(settings.eps) not in (int, float) or not settings.eps > 0:
        reasons.append(f"`layer_norm_eps` is {settings.eps!r}, and must be a number above 0")
    for place, probability in asdict(settings.dropout).items():
        if type(probability) not in (int, float) or not 0 <= probability <= 1:
            reasons.append(f"the dropout of `{place}` is {probability!r}, and must be a number from 0 to 1")
    if not isinstance(settings.activation, str) or settings.activation not in ACTIVATIONS:
        key = config.attribute_map.get("hidden_act", "hidden_act")
        known = ", ".join(sorted(ACTIVATIONS))
        reasons.append(f"`{key}` is {settings.activation!r}, and must be one of {known}")
    return reasons


def common_sizes(config: Any) -> dict[str, Any]:
    """The settings that configs of BERT's kind have under the same names."""
    return {
        "width": config.hidden_size,
        "inner": config.intermediate_size,
        "layers": config.num_hidden_layers,
        "heads": config.num_attention_heads,
        "vocabulary": config.vocab_size,
        "positions": config.max_position_embeddings,
        "activation": config.hidden_act,
        "eps": config.layer_norm_eps,
    }


def common_dropout(config: Any) -> Dropout:
    """What is dropped out by a config of BERT's kind: of the hidden states, of attention, and before labels."""
    hidden = config.hidden_dropout_prob
    head = hidden if config.classifier_dropout is None else config.classifier_dropout
    return Dropout(
        embeddings=hidden,
        attention=config.attention_probs_dropout_prob,
        attention_output=hidden,
        feed_forward=hidden,
        head=head,
        tokens=head,
    )


def read_bert_config(config: Any) -> BertSettings:
    """Take from a BERT config what the function needs."""
    return BertSettings(
        **common_sizes(config),
        types=config.type_vocab_size,
        place=config.position_embedding_type,
        dropout=common_dropout(config),
    )


NAMES = NameTable(
    prefix="bert.",
    body={
        "embeddings.tokens": "embeddings.word_embeddings",
        "embeddings.types": "embeddings.token_type_embeddings",
        "embeddings.positions": "embeddings.position_embeddings",
        "embeddings.norm": "embeddings.LayerNorm",
        "layers.{n}.attention.query": "encoder.layer.{n}.attention.self.query",
        "layers.{n}.attention.key": "encoder.layer.{n}.attention.self.key",
        "layers.{n}.attention.value": "encoder.layer.{n}.attention.self.value",
        "layers.{n}.attention.distances": "encoder.layer.{n}.attention.self.distance_embedding",
        "layers.{n}.attention.output": "encoder.layer.{n}.attention.output.dense",
        "layers.{n}.attention.norm": "encoder.layer.{n}.attention.output.LayerNorm",
        "layers.{n}.feed_forward.inner": "encoder.layer.{n}.intermediate.dense",
        "layers.{n}.feed_forward.outer": "encoder.layer.{n}.output.dense",
        "layers.{n}.feed_forward.norm": "encoder.layer.{n}.output.LayerNorm",
        "pooler": "pooler.dense",
    },
    heads={
        "head.labels": "classifier",
        "head.token_labels": "classifier",
        "head.choice": "classifier",
        "head.span": "qa_outputs",
        "head.next_sentence": "cls.seq_relationship",
        "head.transform": "cls.predictions.transform.dense",
        "head.transform_norm": "cls.predictions.transform.LayerNorm",
        "head.decoder": "cls.predictions.decoder",
        "head.vocabulary": "cls.predictions",
    },
    # Where distances count, the reference has a table of positions all the same, and never reads it.
    ignored=(r"(^|\.)embeddings\.position_ids$", r"(^|\.)embeddings\.position_embeddings\.weight$"),
)

POOLER = first_token("pooler", "tanh", dropout_after=False)
POOLED = first_token("pooler", "tanh")

FAMILY = Family(
    model_type="bert",
    title="BERT",
    class_prefix="Bert",
    config=BertConfig,
    read_config=read_bert_config,
    encode=bert,
    heads={
        "base": head_kinds.base("BaseModelOutputWithPoolingAndCrossAttentions", POOLER, new=("pooler",)),
        "masked-language-model": head_kinds.masked_language_model(twice=(r"^cls\.predictions\.decoder\.",)),
        "next-sentence": head_kinds.next_sentence_prediction(POOLER, new=("pooler",)),
        "sequence-classification": head_kinds.sequence_classification(POOLED, new=("pooler",)),
        "multiple-choice": head_kinds.multiple_choice(POOLED, new=("pooler",)),
        "token-classification": head_kinds.token_classification(),
        "question-answering": head_kinds.question_answering(),
    },
    names=NAMES,
    inputs=("token_type_ids", "position_ids"),
    narrows=True,
)
