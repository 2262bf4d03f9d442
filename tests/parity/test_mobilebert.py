"""MobileBERT against `transformers`: what its config may say, and what stands behind the last token of a text."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest

import pellucid
from pellucid.architectures.mobilebert import FAMILY, MobileBertConfig
from pellucid.engines import installed
from pellucid.errors import UnsupportedConfigError
from support.encoders import assert_same_numbers, padded_batch
from support.tiny import SIZES, reference_model

torch = pytest.importorskip("torch")
pytest.importorskip("transformers")
pytestmark = pytest.mark.reference

VOCABULARY = SIZES["mobilebert"]["vocab_size"]


@pytest.mark.parametrize("engine", installed())
@pytest.mark.parametrize(
    "changes",
    [
        {"normalization_type": "layer_norm", "layer_norm_eps": 0.5},
        {"trigram_input": False},
        {"trigram_input": False, "embedding_size": 24},
        {"use_bottleneck": False},
        {"use_bottleneck_attention": True},
        {"key_query_shared_bottleneck": False, "intra_bottleneck_size": 24},
        {"num_feedforward_networks": 1, "hidden_act": "gelu"},
        {"classifier_activation": False},
    ],
    ids=str,
)
def test_what_the_config_says_is_what_is_computed(tmp_path: Path, changes: dict[str, Any], engine: str) -> None:
    inputs = padded_batch(VOCABULARY, types=2)
    inputs["input_ids"] *= inputs["attention_mask"]
    reference = reference_model("mobilebert", "Model", **changes)
    assert_same_numbers(tmp_path, reference, FAMILY, engine, "float32", inputs)


@pytest.mark.filterwarnings("ignore:Initializing zero-element tensors:UserWarning")
@pytest.mark.parametrize("engine", installed())
@pytest.mark.parametrize("changes", [{"tie_word_embeddings": False}, {"embedding_size": 24}], ids=str)
def test_words_are_found_by_a_table_of_their_own_or_by_one_as_wide_as_the_hidden_states(
    tmp_path: Path, changes: dict[str, Any], engine: str
) -> None:
    reference = reference_model("mobilebert", "ForMaskedLM", **changes)
    reference.save_pretrained(tmp_path)
    ids = torch.tensor([[2, 5, 9, 7, 3]])
    with torch.no_grad():
        expected = reference(ids).logits.numpy()
    model, report = pellucid.MobileBertForMaskedLM.from_pretrained(tmp_path, engine=engine, output_loading_info=True)
    assert not report.unused
    assert not report.missing
    np.testing.assert_allclose(model(ids.numpy()).logits, expected, rtol=1e-4, atol=1e-5)


@pytest.mark.parametrize("engine", installed())
def test_a_text_in_a_batch_has_the_numbers_that_the_reference_gives_it_alone(tmp_path: Path, engine: str) -> None:
    """Also where padding has a vector, which the reference takes for the neighbour of the last token in a batch."""
    reference = reference_model("mobilebert", "Model")
    reference.get_input_embeddings().weight.data[0] = 1.0
    reference.save_pretrained(tmp_path)
    model = pellucid.MobileBertModel.from_pretrained(tmp_path, engine=engine)
    inputs = padded_batch(VOCABULARY)
    ids, mask = inputs["input_ids"] * inputs["attention_mask"], inputs["attention_mask"]
    ours = model(ids.numpy(), mask.numpy()).last_hidden_state
    with torch.no_grad():
        in_a_batch = reference(ids, mask).last_hidden_state.numpy()
        for row, length in enumerate(mask.sum(dim=1).tolist()):
            alone = reference(ids[row : row + 1, :length]).last_hidden_state[0].numpy()
            np.testing.assert_allclose(ours[row, :length], alone, rtol=1e-4, atol=1e-5)
            assert np.abs(in_a_batch[row, :length] - alone).max() > 1e-2, "the reference's numbers depend on the batch"


def test_a_graph_of_pytorch_sees_the_same_neighbours(tmp_path: Path) -> None:
    reference_model("mobilebert", "Model").save_pretrained(tmp_path)
    model = pellucid.MobileBertModel.from_pretrained(tmp_path, engine="torch")
    inputs = padded_batch(VOCABULARY)
    ids, mask = inputs["input_ids"], inputs["attention_mask"]
    exported = torch.export.export(model, (ids, mask)).module()
    with torch.no_grad():
        torch.testing.assert_close(
            exported(ids, mask).last_hidden_state, model(ids, mask).last_hidden_state, rtol=1e-4, atol=1e-5
        )


@pytest.mark.parametrize(
    ("values", "told"),
    [
        ({"normalization_type": "batch_norm"}, "`normalization_type` is 'batch_norm'"),
        ({"intra_bottleneck_size": 30}, "`intra_bottleneck_size` 30 cannot be divided"),
        ({"embedding_size": 600}, "`embedding_size` 600 is above"),
        ({"num_feedforward_networks": 0}, "`num_feedforward_networks` is 0"),
        ({"key_query_shared_bottleneck": False}, "neither `use_bottleneck_attention`"),
    ],
    ids=str,
)
def test_what_is_not_computed_is_refused(values: dict[str, Any], told: str) -> None:
    with pytest.raises(UnsupportedConfigError) as refusal:
        MobileBertConfig(**values).check()
    assert told in str(refusal.value)
