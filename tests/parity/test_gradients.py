"""Losses and gradients beside `transformers` on PyTorch: tiny checkpoints with large weights, padded batches."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

import pellucid
from pellucid.engines import installed
from support.tiny import SIZES, reference_model

pytestmark = [
    pytest.mark.reference,
    # Of the reference's own DeBERTa.
    pytest.mark.filterwarnings("ignore:`torch.jit.script:DeprecationWarning"),
]

torch = pytest.importorskip("torch")
pytest.importorskip("transformers")

IDS = torch.tensor([[2, 5, 9, 7, 3, 0], [2, 8, 3, 0, 0, 0], [2, 30, 31, 32, 33, 3]])
MASK = (IDS != 0).long()

DEBERTA = ("deberta", "deberta-v2")
"""Where a config names no kind of problem, the reference has a loss of its own for these; ours is the others'."""

# The config's changes, and the labels that they ask for.
PROBLEMS: dict[str, tuple[dict[str, Any], Any]] = {
    "one label of three": ({"num_labels": 3}, torch.tensor([0, 2, 1])),
    "one label, one row ignored": ({"num_labels": 3}, torch.tensor([0, -100, 1])),
    "several labels": ({"num_labels": 3}, torch.tensor([[0.0, 1, 1], [1, 0, 0], [0, 0, 0]])),
    "regression": ({"num_labels": 1}, torch.tensor([0.5, -2.0, 1.5])),
    "regression of two numbers": (
        {"num_labels": 2, "problem_type": "regression"},
        torch.tensor([[0.5, 1], [-2.0, 0], [1.5, 3]]),
    ),
}


def gradients_of(model: Any, inputs: dict[str, Any]) -> tuple[float, Any, dict[str, Any]]:
    """The loss, the logits and the gradient of each parameter; a model in training, with nothing dropped out."""
    output = model(**inputs)
    output.loss.backward()
    return (
        output.loss.item(),
        output.logits.detach(),
        {name: parameter.grad for name, parameter in model.named_parameters()},
    )


def both(tmp_path: Path, family: str, changes: dict[str, Any], inputs: dict[str, Any]) -> tuple[Any, Any, Any, Any]:
    reference = reference_model(family, "ForSequenceClassification", **changes)
    reference.save_pretrained(tmp_path)
    model = pellucid.AutoModelForSequenceClassification.from_pretrained(tmp_path, engine="torch")
    return gradients_of(reference, inputs), gradients_of(model, inputs), reference, model


@pytest.mark.parametrize("problem", PROBLEMS)
@pytest.mark.parametrize("family", SIZES)
def test_losses_and_gradients_are_those_of_the_reference(tmp_path: Path, family: str, problem: str) -> None:
    changes, labels = PROBLEMS[problem]
    if family in DEBERTA:
        one_of_several = "single_label_classification" if labels.dim() == 1 else "multi_label_classification"
        changes = {"problem_type": "regression" if changes["num_labels"] == 1 else one_of_several, **changes}
    inputs = {"input_ids": IDS, "attention_mask": MASK, "labels": labels}
    theirs, ours, reference, model = both(tmp_path, family, changes, inputs)
    assert ours[0] == pytest.approx(theirs[0], rel=1e-5)
    torch.testing.assert_close(ours[1], theirs[1], rtol=1e-4, atol=1e-5)
    assert model.config.problem_type == reference.config.problem_type, "and the pipeline reads it"
    assert set(ours[2]) == set(theirs[2])
    for name, gradient in theirs[2].items():
        if gradient is None:  # of what is not computed with
            assert ours[2][name] is None
            continue
        largest = gradient.abs().max().clamp(min=1.0)
        assert (ours[2][name] - gradient).abs().max() <= 1e-4 * largest, name


@pytest.mark.parametrize("family", SIZES)
def test_padding_that_counts_teaches_what_it_teaches_in_the_reference(tmp_path: Path, family: str) -> None:
    """Without a mask padding is computed with, and its row of the table learns nothing all the same."""
    inputs = {"input_ids": IDS, "labels": torch.tensor([0, 1, 1])}
    theirs, ours, _, model = both(tmp_path, family, {}, inputs)
    for name, gradient in theirs[2].items():
        if gradient is None:  # of what is not computed with
            assert ours[2][name] is None
            continue
        largest = gradient.abs().max().clamp(min=1.0)
        assert (ours[2][name] - gradient).abs().max() <= 1e-4 * largest, name
    assert (model.get_input_embeddings().weight.grad[model.config.pad_token_id] == 0).all()


@pytest.mark.parametrize("engine", installed())
@pytest.mark.parametrize("problem", PROBLEMS)
def test_every_engine_gives_the_loss(tmp_path: Path, problem: str, engine: str) -> None:
    changes, labels = PROBLEMS[problem]
    reference = reference_model("bert", "ForSequenceClassification", **changes)
    reference.save_pretrained(tmp_path)
    with torch.no_grad():
        expected = reference(IDS, attention_mask=MASK, labels=labels).loss.item()
    model = pellucid.AutoModelForSequenceClassification.from_pretrained(tmp_path, engine=engine)
    loss = model(IDS.numpy(), MASK.numpy(), labels=labels.numpy()).loss
    assert float(loss) == pytest.approx(expected, rel=1e-4)


@pytest.mark.minilm
def test_minilm_learns_what_it_learns_in_the_reference(minilm: Path) -> None:
    from transformers import AutoModelForSequenceClassification, AutoTokenizer

    inputs = AutoTokenizer.from_pretrained(minilm)(
        ["I've been waiting for a HuggingFace course my whole life.", "So have I!", "a " * 60],
        padding=True, return_tensors="pt",
    )  # fmt: skip
    model = pellucid.AutoModelForSequenceClassification.from_pretrained(minilm, engine="torch")
    reference = AutoModelForSequenceClassification.from_pretrained(minilm, attn_implementation="eager").eval()
    reference.classifier.load_state_dict(model.classifier.state_dict())
    labels = torch.tensor([0, 1, 1])
    theirs, ours = (gradients_of(one, {**inputs, "labels": labels}) for one in (reference, model))
    assert ours[0] == pytest.approx(theirs[0], abs=1e-5)
    for name, gradient in theirs[2].items():
        assert (ours[2][name] - gradient).abs().max() <= 1e-4, name


@pytest.mark.parametrize("family", SIZES)
def test_the_same_is_dropped_out_as_in_the_reference(
    tmp_path: Path, family: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Each place where something is dropped: how likely, and of how many numbers."""
    usual = {"hidden_dropout_prob": 0.11, "attention_probs_dropout_prob": 0.22, "classifier_dropout": 0.33}
    rates = {
        "albert": {**usual, "classifier_dropout_prob": 0.33},
        "deberta": {**usual, "cls_dropout": 0.33},
        "deberta-v2": {**usual, "cls_dropout": 0.33},
        "distilbert": {"dropout": 0.11, "attention_dropout": 0.22, "seq_classif_dropout": 0.33},
        "modernbert": {"embedding_dropout": 0.11, "attention_dropout": 0.22, "classifier_dropout": 0.33},
    }.get(family, usual)
    reference = reference_model(family, "ForSequenceClassification", **rates).train()
    reference.save_pretrained(tmp_path)
    model = pellucid.AutoModelForSequenceClassification.from_pretrained(tmp_path, engine="torch").train()
    seen: list[tuple[float, int]] = []
    plain = torch.nn.functional.dropout

    def dropout(x: Any, p: float = 0.5, training: bool = True, inplace: bool = False) -> Any:
        if training and p:
            seen.append((p, x.numel()))
        return plain(x, p, training, inplace)

    monkeypatch.setattr(torch.nn.functional, "dropout", dropout)
    places = []
    for one in (reference, model):
        seen.clear()
        # With attentions asked for, the probabilities are dropped out by the same function.
        one(IDS[2:], output_attentions=True)
        places.append(list(seen))
    if family in DEBERTA:
        # Rows of distances that no two of these tokens are apart by are left out here: fewer numbers are dropped.
        assert [p for p, _ in places[0]] == [p for p, _ in places[1]]
    else:
        assert places[0] == places[1]
    # Heads of these two have the rate of the hidden states.
    assert {p for p, _ in places[1]} == {0.11, 0.22, *([] if family in ("esm", "mpnet") else [0.33])}
