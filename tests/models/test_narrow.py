"""The last layer is computed for the rows that a head reads, and the answers are those of all rows."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest

import pellucid
from pellucid import pipeline
from pellucid.architectures import FAMILIES
from pellucid.engines import installed
from pellucid.engines.numpy import NumpyOps
from pellucid.packing import pack
from support.tiny import CLASS_PREFIX, pellucid_checkpoint

IDS = [[2, 5, 9, 7, 3], [2, 8, 3], [2, 30, 31, 32, 33, 4, 3]]
NARROW = [
    (family.model_type, head.class_suffix)
    for family in FAMILIES.values()
    for head in family.heads.values()
    if family.narrows and head.reads
]


@pytest.mark.parametrize("engine", installed())
@pytest.mark.parametrize(("family", "suffix"), NARROW)
def test_the_answers_are_those_of_all_rows(tmp_path: Path, family: str, suffix: str, engine: str) -> None:
    folder = pellucid_checkpoint(tmp_path, family, suffix)
    model = getattr(pellucid, CLASS_PREFIX[family] + suffix).from_pretrained(folder, engine=engine)
    packed = pack(IDS, None, model.runner.padding_id)
    narrow = model.runner.run(packed, outputs=("logits",)).outputs["logits"]
    wide = model.runner.run(packed, outputs=("logits",), taps=("hidden_states",)).outputs["logits"]
    assert narrow.shape == wide.shape
    # Where nothing is tapped other kernels may compute.
    np.testing.assert_allclose(narrow, wide, rtol=1e-4, atol=1e-5)


@pytest.mark.parametrize("engine", installed())
def test_hidden_states_of_a_model_with_a_head_are_all_there(tmp_path: Path, engine: str) -> None:
    folder = pellucid_checkpoint(tmp_path, "bert", "ForSequenceClassification")
    model = pellucid.BertForSequenceClassification.from_pretrained(folder, engine=engine)
    hidden = pipeline("feature-extraction", model, tokenizer=str(folder))("the movie was good")
    assert len(hidden[0]) == 6


def test_few_rows_go_through_the_last_layer(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    seen: list[int] = []
    activation = NumpyOps.activation

    def watched(ops: NumpyOps, name: str, x: Any) -> Any:
        seen.append(len(x))
        return activation(ops, name, x)

    monkeypatch.setattr(NumpyOps, "activation", watched)
    folder = pellucid_checkpoint(tmp_path, "bert", "ForSequenceClassification")
    model = pellucid.BertForSequenceClassification.from_pretrained(folder, engine="numpy")
    model.runner.run(pack(IDS))
    assert seen == [15, 15, 3, 3], "three layers, of which the last sees three texts, and the pooler"


@pytest.mark.parametrize("engine", installed())
def test_an_encoder_without_layers_is_pooled_all_the_same(tmp_path: Path, engine: str) -> None:
    folder = pellucid_checkpoint(tmp_path, "bert", "ForSequenceClassification", num_hidden_layers=0)
    model = pellucid.BertForSequenceClassification.from_pretrained(folder, engine=engine)
    narrow = model.runner.run(pack(IDS)).outputs["logits"]
    wide = model.runner.run(pack(IDS), taps=("hidden_states",)).outputs["logits"]
    np.testing.assert_allclose(narrow, wide, rtol=1e-5, atol=1e-6)
