"""DeBERTa, DeBERTa-v2 and v3 against `transformers`: hidden states and attentions, on every engine."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from pellucid.architectures.deberta import FAMILY as DEBERTA
from pellucid.architectures.deberta import DebertaConfig
from pellucid.architectures.deberta_v2 import FAMILY as DEBERTA_V2
from pellucid.architectures.deberta_v2 import DebertaV2Config
from pellucid.engines import installed
from pellucid.errors import UnsupportedConfigError
from pellucid.positions import own_rows, signed_log_rows
from support.encoders import ENGINE_DTYPES, assert_same_numbers, padded_batch, tiny_reference

torch = pytest.importorskip("torch")
transformers = pytest.importorskip("transformers")
pytestmark = [
    pytest.mark.reference,
    # Parts of the reference are scripted, which PyTorch has grown out of.
    pytest.mark.filterwarnings("ignore:.torch.jit.script:DeprecationWarning"),
]

SIZES: dict[str, Any] = {
    "vocab_size": 60,
    "hidden_size": 24,
    "num_hidden_layers": 3,
    "num_attention_heads": 3,
    "intermediate_size": 40,
    "max_position_embeddings": 40,
    "relative_attention": True,
    "pos_att_type": ["c2p", "p2c"],
    "position_biased_input": False,
}
V3: dict[str, Any] = {
    "position_buckets": 4,
    "max_relative_positions": 12,
    "share_att_key": True,
    "norm_rel_ebd": "layer_norm",
    "pos_att_type": "p2c|c2p",
}
FAMILIES = {"Deberta": DEBERTA, "DebertaV2": DEBERTA_V2}


def reference(prefix: str, **changes: Any) -> Any:
    config = getattr(transformers, f"{prefix}Config")(**{**SIZES, "attn_implementation": "eager", **changes})
    return tiny_reference(config, f"{prefix}Model")


@pytest.mark.parametrize(
    ("engine", "dtype", "prefix", "changes"),
    [
        (engine, dtype, prefix, changes)
        for engine, dtype in ENGINE_DTYPES
        for prefix, changes in (("Deberta", {}), ("DebertaV2", {}), ("DebertaV2", V3))
        # The norm of the first DeBERTa is computed in float32 in every precision.
        if dtype == "float32" or prefix == "DebertaV2"
    ],
    ids=str,
)
@pytest.mark.parametrize("on_the_left", [False, True])
def test_a_padded_batch_gives_the_numbers_of_the_reference(
    tmp_path: Path, engine: str, dtype: str, prefix: str, changes: dict[str, Any], on_the_left: bool
) -> None:
    inputs = padded_batch(SIZES["vocab_size"], on_the_left=on_the_left)
    assert_same_numbers(tmp_path, reference(prefix, **changes), FAMILIES[prefix], engine, dtype, inputs)


@pytest.mark.parametrize("engine", installed())
@pytest.mark.parametrize(
    ("prefix", "changes"),
    [
        *(
            (prefix, changes)
            for prefix in FAMILIES
            for changes in (
                {"pos_att_type": ["c2p"], "max_relative_positions": 5},
                {"pos_att_type": ["p2c"], "max_relative_positions": 5},
                {"pos_att_type": None, "relative_attention": False, "position_biased_input": True},
                {"relative_attention": False, "type_vocab_size": 2, "embedding_size": 16},
                {"position_biased_input": True, "embedding_size": 16, "hidden_act": "relu", "layer_norm_eps": 0.5},
            )
        ),
        ("DebertaV2", {**V3, "share_att_key": False, "norm_rel_ebd": "none"}),
        ("DebertaV2", {**V3, "position_buckets": 6, "pos_att_type": "p2c"}),
        ("DebertaV2", {"share_att_key": True, "max_relative_positions": 4}),
    ],
    ids=str,
)
def test_what_the_config_says_is_what_is_computed(
    tmp_path: Path, prefix: str, changes: dict[str, Any], engine: str
) -> None:
    inputs = padded_batch(SIZES["vocab_size"], changes.get("type_vocab_size", 0))
    assert_same_numbers(tmp_path, reference(prefix, **changes), FAMILIES[prefix], engine, "float32", inputs)


def test_a_text_may_be_longer_than_the_distances_that_are_told_apart(tmp_path: Path) -> None:
    ids = torch.arange(70)[None] % SIZES["vocab_size"]
    inputs = {"input_ids": ids, "attention_mask": torch.ones_like(ids)}
    for prefix, changes in (("Deberta", {}), ("DebertaV2", V3)):
        folder = tmp_path / prefix
        assert_same_numbers(folder, reference(prefix, **changes), FAMILIES[prefix], "numpy", "float32", inputs)


@pytest.mark.parametrize(
    ("span", "furthest"), [(256, 512), (256, 1024), (128, 512), (4, 16), (8, 24), (64, 300), (320, 512)]
)
def test_buckets_are_those_of_the_reference(span: int, furthest: int) -> None:
    from transformers.models.deberta_v2.modeling_deberta_v2 import make_log_bucket_position

    distance = np.arange(-3 * furthest, 3 * furthest + 1)
    bucket = make_log_bucket_position(torch.from_numpy(distance), span, furthest).long()
    ours = signed_log_rows(span, furthest)[np.clip(distance, -furthest, furthest) + furthest]
    np.testing.assert_array_equal(ours, torch.clamp(bucket + span, 0, 2 * span - 1).numpy())
    plain = own_rows(span)[np.clip(distance, -span, span) + span]
    np.testing.assert_array_equal(plain, np.clip(distance + span, 0, 2 * span - 1))


@pytest.mark.parametrize(("prefix", "ours"), [("Deberta", DebertaConfig), ("DebertaV2", DebertaV2Config)])
@pytest.mark.parametrize("values", [{}, {"pos_att_type": "C2P | p2c", "hidden_size": 48}], ids=str)
def test_a_config_that_is_saved_here_is_read_there(
    tmp_path: Path, prefix: str, ours: Any, values: dict[str, Any]
) -> None:
    theirs = getattr(transformers, f"{prefix}Config")(**values)
    mine = ours(**values)
    mine.save_pretrained(tmp_path)
    reread = type(theirs).from_pretrained(tmp_path)
    written = json.loads(theirs.to_json_string())
    assert {key: json.loads(reread.to_json_string())[key] for key in written} == written


@pytest.mark.parametrize(
    ("config", "values", "told"),
    [
        (DebertaConfig, {"talking_head": True}, "`talking_head` is True"),
        (DebertaConfig, {"pos_att_type": "c2p|p2p"}, "`pos_att_type` is ['c2p', 'p2p']"),
        (DebertaConfig, {"pos_att_type": ["c2p", "c2p"]}, "`pos_att_type` is ['c2p', 'c2p']"),
        (DebertaConfig, {"max_relative_positions": None}, "`max_relative_positions` is None"),
        (DebertaConfig, {"embedding_size": 0}, "`embedding_size` is 0"),
        (DebertaConfig, {"pooler_hidden_act": "no"}, "`pooler_hidden_act` is 'no'"),
        (DebertaConfig, {"pooler_dropout": 2}, "`pooler_dropout` is 2"),
        (DebertaConfig, {"cls_dropout": 2}, "the dropout of `head` is 2"),
        (DebertaConfig, {"hidden_size": 7}, "`hidden_size` 7 cannot be divided"),
        (DebertaV2Config, {"conv_kernel_size": 3}, "`conv_kernel_size` is 3"),
        (DebertaV2Config, {"position_buckets": 5}, "`position_buckets` is 5"),
        (DebertaV2Config, {"position_buckets": 80}, "`max_relative_positions` 40 is not more than half"),
        (DebertaV2Config, {"norm_rel_ebd": None}, "`norm_rel_ebd` is None"),
        (DebertaV2Config, {"attention_head_size": 9}, "`attention_head_size` is 9, and only 8"),
        (DebertaV2Config, {"hidden_size": "x"}, "`hidden_size` is 'x'"),
    ],
    ids=str,
)
def test_what_is_not_computed_is_refused(config: Any, values: dict[str, Any], told: str) -> None:
    with pytest.raises(UnsupportedConfigError) as refusal:
        config(**{**SIZES, **values}).check()
    assert told in str(refusal.value)
