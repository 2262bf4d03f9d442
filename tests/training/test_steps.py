"""One step, beside `transformers`: its gradients, what it drops out, and how its optimizer is set up."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest

from pellucid import AutoModelForSequenceClassification
from pellucid.packing import pack
from pellucid.training.data import batches
from pellucid.training.settings import Settings
from support.tiny import reference_model

torch = pytest.importorskip("torch")
# It imports PyTorch itself.
optimizer = pytest.importorskip("pellucid.training.optimizer")
adamw, factor = optimizer.adamw, optimizer.factor

ROWS = [
    [2, 9, 8, 7, 3],
    [2, 20, 3],
    [2, 30, 31, 32, 33, 34, 35, 36, 3],
    [2, 5, 6, 3],
    [2, 11, 12, 13, 14, 3],
    [2, 40, 3],
]
LABELS = torch.tensor([1, 0, 1, 1, 0, 0])
FAMILIES = ["bert", "distilbert"]


def settings(**changes: Any) -> Settings:
    usual: dict[str, Any] = {
        "epochs": 1, "batch_size": 4, "learning_rate": 1e-3, "weight_decay": 0.01, "warmup": 0.1, "schedule": "linear",
        "max_gradient_norm": 1.0, "layer_decay": 1.0, "max_length": None, "early_stopping": None, "dtype": "float32",
        "seed": 0,
    }  # fmt: skip
    return Settings(**{**usual, **changes})


def both(family: str, folder: Path, dropout: float) -> tuple[Any, Any]:
    """A model of `transformers` and Pellucid's with the same weights, ready to learn."""
    names = {
        "bert": ("hidden_dropout_prob", "attention_probs_dropout_prob"),
        "distilbert": ("dropout", "attention_dropout", "seq_classif_dropout"),
    }
    changes = dict.fromkeys(names[family], dropout)
    reference = reference_model(family, "ForSequenceClassification", **changes)
    reference.save_pretrained(folder)
    return reference.train(), AutoModelForSequenceClassification.from_pretrained(folder, engine="torch").train()


@pytest.mark.reference
@pytest.mark.parametrize("family", FAMILIES)
def test_a_packed_steps_gradients_are_those_of_a_padded_one(family: str, tmp_path: Path) -> None:
    pytest.importorskip("transformers")
    reference, model = both(family, tmp_path, 0.0)
    length = max(map(len, ROWS))
    ids = torch.tensor([row + [0] * (length - len(row)) for row in ROWS])
    mask = torch.tensor([[1] * len(row) + [0] * (length - len(row)) for row in ROWS])
    loss = reference(input_ids=ids, attention_mask=mask, labels=LABELS).loss
    loss.backward()
    order = sorted(range(len(ROWS)), key=lambda row: -len(ROWS[row]))
    logits = model.run_packed(pack([ROWS[row] for row in order]))["logits"]
    packed_loss = torch.nn.functional.cross_entropy(logits, LABELS[order])
    packed_loss.backward()
    torch.testing.assert_close(packed_loss, loss, rtol=1e-4, atol=1e-5)
    expected = {name: one.grad for name, one in reference.named_parameters()}
    found = {name: one.grad for name, one in model.named_parameters()}
    assert found.keys() == expected.keys()
    assert any(grad.abs().max() > 1e-2 for grad in expected.values())
    for name, gradient in expected.items():
        torch.testing.assert_close(found[name], gradient, rtol=1e-4, atol=1e-4, msg=lambda text, n=name: f"{n}: {text}")


@pytest.mark.reference
@pytest.mark.parametrize("family", FAMILIES)
def test_dropout_stands_where_transformers_has_it(family: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    transformers = pytest.importorskip("transformers")
    _, model = both(family, tmp_path, 0.25)
    auto_class = transformers.AutoModelForSequenceClassification
    reference = auto_class.from_pretrained(tmp_path, attn_implementation="sdpa").train()
    rows = [[2, 9, 8, 7, 3], [2, 10, 11, 12, 3], [2, 5, 6, 8, 3]]
    dropped: list[tuple[str, float, int]] = []
    plain, fused = torch.nn.functional.dropout, torch.nn.functional.scaled_dot_product_attention

    def dropout(x: Any, p: float = 0.5, training: bool = True, inplace: bool = False) -> Any:
        if training and p:
            dropped.append(("dropout", p, x.numel()))
        return plain(x, p, training, inplace)

    def attention(query: Any, key: Any, value: Any, **named: Any) -> Any:
        dropped.append(("attention", named["dropout_p"], query.numel()))
        return fused(query, key, value, **named)

    monkeypatch.setattr("torch.nn.functional.dropout", dropout)
    monkeypatch.setattr("torch.nn.functional.scaled_dot_product_attention", attention)
    reference(input_ids=torch.tensor(rows), attention_mask=torch.ones(3, 5, dtype=torch.long))
    # Behind the last attention only the first tokens go on, of which the head is made.
    last = max(place for place, (kind, _, _) in enumerate(dropped) if kind == "attention")
    first_tokens = len(rows) * model.config.hidden_size
    narrow = [(kind, p, min(count, first_tokens)) for kind, p, count in dropped[last + 1 :]]
    expected, dropped[:] = sorted([*dropped[: last + 1], *narrow]), []
    assert len(narrow) > 1
    model.run_packed(pack(rows))
    assert sorted(dropped) == expected
    dropped.clear()
    model.eval().run_packed(pack(rows))
    assert {p for _, p, _ in dropped} == {0.0}


@pytest.mark.reference
def test_what_decays_is_what_the_trainer_decays(tmp_path: Path) -> None:
    pytest.importorskip("transformers")
    from transformers.pytorch_utils import ALL_LAYERNORM_LAYERS
    from transformers.trainer_pt_utils import get_parameter_names

    reference, model = both("bert", tmp_path, 0.1)
    forbidden = [r"bias", r"layernorm", r"rmsnorm", r"(?:^|\.)norm(?:$|\.)", r"_norm(?:$|\.)"]
    expected = set(get_parameter_names(reference, ALL_LAYERNORM_LAYERS, forbidden))
    names = {id(one): name for name, one in model.named_parameters()}
    groups = adamw(model, settings()).param_groups
    assert {names[id(one)] for group in groups if group["weight_decay"] for one in group["params"]} == expected
    assert {id(one) for group in groups for one in group["params"]} == set(names)
    assert {(group["betas"], group["eps"]) for group in groups} == {((0.9, 0.999), 1e-8)}


def test_layer_decay_slows_what_stands_below(classifier: Path) -> None:
    model = AutoModelForSequenceClassification.from_pretrained(classifier, engine="torch")
    groups = adamw(model, settings(layer_decay=0.5)).param_groups
    rates = {id(one): group["lr"] for group in groups for one in group["params"]}
    found = {name: rates[id(one)] * 1e3 for name, one in model.named_parameters()}
    assert found["classifier.weight"] == found["bert.pooler.dense.bias"] == pytest.approx(1)
    assert found["bert.encoder.layer.2.output.dense.weight"] == pytest.approx(0.5)
    assert found["bert.encoder.layer.0.output.dense.weight"] == pytest.approx(0.125)
    assert found["bert.embeddings.word_embeddings.weight"] == pytest.approx(0.0625)


@pytest.mark.reference
@pytest.mark.parametrize("schedule", ["linear", "cosine", "constant"])
def test_the_learning_rate_moves_as_in_transformers(schedule: str) -> None:
    transformers = pytest.importorskip("transformers")
    name = "constant_with_warmup" if schedule == "constant" else schedule
    optimizer = torch.optim.SGD([torch.nn.Parameter(torch.zeros(1))], lr=1.0)
    reference = transformers.get_scheduler(name, optimizer, num_warmup_steps=3, num_training_steps=25)
    for step in range(25):
        assert factor(settings(schedule=schedule), step, 25) == pytest.approx(reference.get_last_lr()[0])
        optimizer.step()
        reference.step()


def test_every_epoch_has_every_text_once_in_another_order_longest_first_in_a_batch() -> None:
    lengths = np.random.default_rng(0).integers(3, 30, 50)
    first, second, again = (list(batches(lengths, 8, 0, epoch)) for epoch in (0, 1, 0))
    for epoch in (first, second):
        assert [len(batch) for batch in epoch] == [8] * 6 + [2]
        assert sorted(np.concatenate(epoch).tolist()) == list(range(50))
        assert all((np.diff(lengths[batch]) <= 0).all() for batch in epoch)
    assert not np.array_equal(np.concatenate(first), np.concatenate(second))
    assert np.array_equal(np.concatenate(first), np.concatenate(again))


def test_a_step_computes_no_padding(classifier: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    model = AutoModelForSequenceClassification.from_pretrained(classifier, engine="torch").train()
    rows: list[int] = []
    plain = torch.nn.functional.linear

    def linear(x: Any, *arguments: Any) -> Any:
        rows.append(x.shape[0])
        return plain(x, *arguments)

    monkeypatch.setattr("torch.nn.functional.linear", linear)
    model.run_packed(pack(sorted(ROWS, key=len, reverse=True)))
    assert set(rows) == {sum(map(len, ROWS)), len(ROWS)}  # tokens, and in the head texts
