"""Tiny checkpoints with large weights: a wrong mask, activation or epsilon shows in the first digits."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from pellucid.architectures import FAMILIES

WORDS = (
    "[PAD] [UNK] [CLS] [SEP] [MASK] a b c d e f g h i j k l m n o p q r s t u v w x y z ##a ##b ##c ##e ##i ##ing "
    "##n ##o ##s ##t ##y . , ! ? ' the movie was good bad very not great film i love hate this"
).split()

VOCABULARY = list(dict.fromkeys(WORDS))

USUAL: dict[str, Any] = {
    "vocab_size": len(VOCABULARY),
    "hidden_size": 24,
    "num_hidden_layers": 3,
    "num_attention_heads": 4,
    "intermediate_size": 40,
    "max_position_embeddings": 40,
}

SIZES: dict[str, dict[str, Any]] = {
    "albert": {**USUAL, "embedding_size": 10, "num_hidden_groups": 2, "num_hidden_layers": 5},
    "bert": USUAL,
    "camembert": {**USUAL, "type_vocab_size": 1},
    "distilbert": {
        "vocab_size": len(VOCABULARY),
        "dim": 24,
        "n_layers": 3,
        "n_heads": 4,
        "hidden_dim": 40,
        "max_position_embeddings": 40,
    },
    "deberta": {
        **USUAL,
        "relative_attention": True,
        "pos_att_type": "c2p|p2c",
        "max_relative_positions": 12,
        "position_biased_input": False,
        "type_vocab_size": 2,
    },
    "deberta-v2": {
        **USUAL,
        "relative_attention": True,
        "pos_att_type": "p2c|c2p",
        "position_buckets": 6,
        "norm_rel_ebd": "layer_norm",
        "share_att_key": True,
        "position_biased_input": False,
    },
    "electra": {**USUAL, "embedding_size": 10},
    "esm": {
        **USUAL,
        "pad_token_id": 0,
        "mask_token_id": 4,
        "token_dropout": True,
        "position_embedding_type": "rotary",
        "emb_layer_norm_before": False,
    },
    "mobilebert": {**USUAL, "embedding_size": 10, "intra_bottleneck_size": 16, "num_feedforward_networks": 3},
    "modernbert": {
        **USUAL,
        "num_hidden_layers": 4,
        "local_attention": 6,
        "pad_token_id": 0,
        "eos_token_id": 3,
        "bos_token_id": 2,
        "cls_token_id": 2,
        "sep_token_id": 3,
        "reference_compile": False,
    },
    "mpnet": USUAL,
    "roberta": {**USUAL, "type_vocab_size": 1, "pad_token_id": 3},
    "xlm-roberta": {**USUAL, "type_vocab_size": 1, "layer_norm_eps": 1e-5},
}

SCALE = {"esm": 0.2, "mobilebert": 0.15, "modernbert": 0.2}
"""How large the weights are, where layers add up without a norm between them and rounding with them."""

PADDING_IS_ZEROS = ("mobilebert",)
"""Families whose reference has padding for the neighbour of a text's last token, where there is nothing in ours."""

WORDPIECE = ("bert", "distilbert")
"""Families whose tokenizer is `write_tokenizer`'s."""

CLASS_PREFIX = {model_type: family.class_prefix for model_type, family in FAMILIES.items()}

SUFFIXES = {
    model_type: [head.class_suffix for head in family.heads.values()] for model_type, family in FAMILIES.items()
}
"""The heads that each family has, by the ends of their classes' names."""


def takes_types(family: str) -> bool:
    """Whether texts of a pair are told apart."""
    config = FAMILIES[family].config(**SIZES[family])
    return "token_type_ids" in FAMILIES[family].inputs and FAMILIES[family].read_config(config).types > 1


def write_tokenizer(folder: Path) -> None:
    """The vocabulary alone: enough for a tokenizer."""
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "vocab.txt").write_text("\n".join(VOCABULARY) + "\n", encoding="utf-8")


def reference_model(family: str, suffix: str, *, seed: int = 0, **changes: Any) -> Any:
    """A model of `transformers` with large random weights, ready to predict."""
    import torch
    import transformers

    torch.manual_seed(seed)
    prefix = CLASS_PREFIX[family]
    config = getattr(transformers, f"{prefix}Config")(**{**SIZES[family], **changes}, attn_implementation="eager")
    model = getattr(transformers, prefix + suffix)(config)
    for name, parameter in model.named_parameters():
        is_norm = "norm" in name.lower() and name.endswith("weight")
        parameter.data = torch.randn_like(parameter) * SCALE.get(family, 0.3) + float(is_norm)
    if family in PADDING_IS_ZEROS:
        model.get_input_embeddings().weight.data[config.pad_token_id] = 0
    if hasattr(model, "tie_weights"):
        model.tie_weights()
    return model.eval()


def pellucid_checkpoint(folder: Path, family: str, suffix: str, **changes: Any) -> Path:
    """The same made by Pellucid alone, for environments without `transformers`."""
    import pellucid

    prefix = CLASS_PREFIX[family]
    config = getattr(pellucid, f"{prefix}Config")(**{**SIZES[family], "initializer_range": 0.5, **changes})
    getattr(pellucid, prefix + suffix)(config).save_pretrained(folder)
    write_tokenizer(folder)
    return folder
