"""ESM against `transformers`: what its config may say, and texts with masks."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest

import pellucid
from pellucid.architectures.esm import FAMILY, EsmConfig
from pellucid.engines import installed
from pellucid.errors import UnsupportedConfigError
from support.encoders import assert_same_numbers, padded_batch
from support.tiny import SIZES, reference_model

torch = pytest.importorskip("torch")
pytest.importorskip("transformers")
pytestmark = pytest.mark.reference

VOCABULARY, MASK = SIZES["esm"]["vocab_size"], SIZES["esm"]["mask_token_id"]


def texts_with_masks() -> dict[str, Any]:
    """The longest with two masks, another with one, others with none."""
    inputs = padded_batch(VOCABULARY)
    ids = inputs["input_ids"]
    ids[ids == MASK] += 1
    ids[0, 3] = ids[0, 4] = ids[2, 1] = MASK
    return inputs


@pytest.mark.parametrize("engine", installed())
@pytest.mark.parametrize(
    "changes",
    [
        {"token_dropout": False, "emb_layer_norm_before": True, "layer_norm_eps": 0.5},
        {"position_embedding_type": "absolute", "pad_token_id": 1, "token_dropout": False},
    ],
    ids=str,
)
def test_what_the_config_says_is_what_is_computed(tmp_path: Path, changes: dict[str, Any], engine: str) -> None:
    inputs = texts_with_masks()
    if "pad_token_id" in changes:
        mask = inputs["attention_mask"]
        inputs["input_ids"] = inputs["input_ids"] * mask + (1 - mask)
        inputs["position_ids"] = mask.cumsum(dim=1) * mask + 1
    assert_same_numbers(tmp_path, reference_model("esm", "Model", **changes), FAMILY, engine, "float32", inputs)


@pytest.mark.parametrize("engine", installed())
@pytest.mark.parametrize("changes", [{}, {"position_embedding_type": "absolute", "pad_token_id": 1}], ids=str)
def test_a_text_with_masks_has_the_numbers_that_the_reference_gives_it_alone(
    tmp_path: Path, changes: dict[str, Any], engine: str
) -> None:
    """In a batch the reference counts the padding to it."""
    reference = reference_model("esm", "ForMaskedLM", **changes)
    reference.save_pretrained(tmp_path)
    model, report = pellucid.EsmForMaskedLM.from_pretrained(tmp_path, engine=engine, output_loading_info=True)
    assert not report.unused
    assert not report.missing
    inputs = texts_with_masks()
    ids, mask = inputs["input_ids"], inputs["attention_mask"]
    ours = model(ids.numpy(), mask.numpy()).logits
    with torch.no_grad():
        in_a_batch = reference(ids, mask).logits.numpy()
        for row, length in enumerate(mask.sum(dim=1).tolist()):
            alone = reference(ids[row : row + 1, :length]).logits[0].numpy()
            np.testing.assert_allclose(ours[row, :length], alone, rtol=1e-4, atol=1e-5)
            has_masks = (ids[row, :length] == MASK).any()
            assert (np.abs(in_a_batch[row, :length] - alone).max() > 1e-2) == has_masks


def test_a_graph_of_pytorch_counts_the_same_masks(tmp_path: Path) -> None:
    reference_model("esm", "Model").save_pretrained(tmp_path)
    model = pellucid.EsmModel.from_pretrained(tmp_path, engine="torch")
    inputs = texts_with_masks()
    ids, mask = inputs["input_ids"], inputs["attention_mask"]
    exported = torch.export.export(model, (ids, mask)).module()
    with torch.no_grad():
        torch.testing.assert_close(
            exported(ids, mask).last_hidden_state, model(ids, mask).last_hidden_state, rtol=1e-4, atol=1e-5
        )


def test_what_is_saved_loads_into_the_reference(tmp_path: Path) -> None:
    """The speeds of its rotary positions are not saved, and it computes them."""
    from transformers import EsmModel

    reference = reference_model("esm", "Model")
    reference.save_pretrained(tmp_path / "theirs")
    pellucid.EsmModel.from_pretrained(tmp_path / "theirs").save_pretrained(tmp_path / "ours")
    again = EsmModel.from_pretrained(tmp_path / "ours", attn_implementation="eager")
    ids = torch.tensor([[2, 5, 9, 4, 3]])
    with torch.no_grad():
        assert torch.equal(again(ids).last_hidden_state, reference(ids).last_hidden_state)


@pytest.mark.parametrize(
    ("values", "told"),
    [
        ({"position_embedding_type": "relative_key"}, "`position_embedding_type` is 'relative_key'"),
        ({"is_folding_model": True}, "`is_folding_model` is True"),
        ({"token_dropout": True, "mask_token_id": None}, "`mask_token_id` is None"),
        ({"pad_token_id": None}, "`pad_token_id` is None"),
        (
            {"position_embedding_type": "rotary", "hidden_size": 9, "num_attention_heads": 3},
            "heads of 3 numbers",
        ),
    ],
    ids=str,
)
def test_what_is_not_computed_is_refused(values: dict[str, Any], told: str) -> None:
    with pytest.raises(UnsupportedConfigError) as refusal:
        EsmConfig(**values).check()
    assert told in str(refusal.value)
