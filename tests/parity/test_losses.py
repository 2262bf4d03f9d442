"""The loss of every head beside `transformers`: tiny checkpoints with large weights, padded batches, every engine."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest

import pellucid
from pellucid.engines import installed
from pellucid.errors import InputError
from support.tiny import CLASS_PREFIX, reference_model

torch = pytest.importorskip("torch")
pytest.importorskip("transformers")
pytestmark = pytest.mark.reference

IDS = np.array([[2, 5, 9, 7, 3, 0], [2, 8, 3, 0, 0, 0], [2, 30, 31, 32, 33, 3], [2, 9, 8, 7, 6, 3]])
MASK = (IDS != 0).astype(np.int64)
WHOLE = {"input_ids": IDS[2:], "attention_mask": MASK[2:]}
PADDED = {"input_ids": IDS, "attention_mask": MASK}
CHOICES = {name: value.reshape(2, 2, -1) for name, value in PADDED.items()}

IGNORED = -100
OF_TOKENS = np.where(MASK == 1, np.arange(24).reshape(4, 6) % 3, IGNORED)
OF_TOKENS[2, 2] = IGNORED

# The head, the config's changes, the inputs and the labels.
CASES: dict[str, tuple[str, str, dict[str, Any], dict[str, Any], dict[str, Any]]] = {
    "token classification": ("bert", "ForTokenClassification", {"num_labels": 3}, PADDED, {"labels": OF_TOKENS}),
    "masked language model": ("bert", "ForMaskedLM", {}, PADDED, {"labels": np.where(OF_TOKENS >= 0, IDS, IGNORED)}),
    "of RoBERTa": ("roberta", "ForMaskedLM", {}, WHOLE, {"labels": np.where(OF_TOKENS >= 0, IDS, IGNORED)[2:]}),
    "next sentence": ("bert", "ForNextSentencePrediction", {}, PADDED, {"labels": np.array([0, 1, 1, 0])}),
    "multiple choice": ("bert", "ForMultipleChoice", {}, CHOICES, {"labels": np.array([1, 0])}),
    "replaced tokens": ("electra", "ForPreTraining", {}, PADDED, {"labels": (OF_TOKENS == 1).astype(np.int64)}),
    # Where there is padding the reference lets answers begin in it, and its loss is another.
    "span": (
        "bert", "ForQuestionAnswering", {}, WHOLE,
        {"start_positions": np.array([1, 9]), "end_positions": np.array([3, 4])},
    ),
}  # fmt: skip


def both(folder: Path, case: str, engine: str) -> tuple[Any, Any, dict[str, Any], dict[str, Any]]:
    family, suffix, changes, inputs, labels = CASES[case]
    reference = reference_model(family, suffix, **changes)
    reference.save_pretrained(folder)
    model = getattr(pellucid, CLASS_PREFIX[family] + suffix).from_pretrained(folder, engine=engine)
    return reference, model, inputs, labels


def tensors(arrays: dict[str, Any]) -> dict[str, Any]:
    return {name: torch.tensor(value) for name, value in arrays.items()}


@pytest.mark.parametrize("engine", installed())
@pytest.mark.parametrize("case", CASES)
def test_every_head_has_the_loss_of_the_reference(tmp_path: Path, case: str, engine: str) -> None:
    reference, model, inputs, labels = both(tmp_path, case, engine)
    with torch.no_grad():
        expected = reference(**tensors(inputs), **tensors(labels))
    output = model(**inputs, **labels)
    assert list(output) == list(expected)
    assert float(output.loss) == pytest.approx(expected.loss.item(), rel=1e-4)
    alone = model({**inputs, **labels})
    assert float(alone.loss) == float(output.loss)


@pytest.mark.parametrize("case", CASES)
def test_every_head_learns_what_it_learns_in_the_reference(tmp_path: Path, case: str) -> None:
    reference, model, inputs, labels = both(tmp_path, case, "torch")
    for one in (reference, model):
        one(**tensors(inputs), **tensors(labels)).loss.backward()
    theirs = {name: parameter.grad for name, parameter in reference.named_parameters()}
    ours = {name: parameter.grad for name, parameter in model.named_parameters()}
    assert {name.replace("cls.predictions.decoder.bias", "cls.predictions.bias") for name in theirs} == set(ours)
    for name, gradient in ours.items():
        wanted = theirs[name]
        assert (gradient - wanted).abs().max() <= 1e-4 * wanted.abs().max().clamp(min=1.0), name


@pytest.mark.parametrize("engine", installed())
def test_padding_takes_no_part(tmp_path: Path, engine: str) -> None:
    """Unlike in the reference, whose answers may begin in padding, and whose labels there count."""
    _, model, _, labels = both(tmp_path, "span", engine)
    more = {name: np.pad(value, ((0, 0), (0, 3))) for name, value in WHOLE.items()}
    labels = {name: np.minimum(value, 5) for name, value in labels.items()}
    assert float(model(**more, **labels).loss) == pytest.approx(float(model(**WHOLE, **labels).loss), rel=1e-5)


@pytest.mark.parametrize("engine", installed())
@pytest.mark.parametrize(
    ("case", "labels", "message"),
    [
        ("token classification", {"labels": np.array([0, 1, 2, 0])}, "each token needs its label"),
        ("token classification", {"labels": np.full((4, 6), 3)}, "none of the head's, 0 to 2"),
        ("span", {"start_positions": np.array([0, 0])}, "give just that"),
        ("span", {"labels": np.array([0, 0])}, "from `start_positions` and `end_positions`"),
        ("span", {"start_positions": np.array([0]), "end_positions": np.array([0])}, "one column"),
        ("next sentence", {"labels": np.array([0, 1, 2, 0])}, "none of the model's 2 labels"),
        ("replaced tokens", {"labels": np.full((4, 6), 2)}, "none of the head's, 0 to 1"),
    ],
)
def test_labels_that_do_not_fit_are_refused(
    tmp_path: Path, case: str, labels: dict[str, Any], message: str, engine: str
) -> None:
    _, model, inputs, _ = both(tmp_path, case, engine)
    with pytest.raises(InputError, match=message):
        model(**inputs, **labels)


def test_a_compiled_model_has_the_loss_too(tmp_path: Path) -> None:
    for number, case in enumerate(("token classification", "span", "multiple choice", "masked language model")):
        _, model, inputs, labels = both(tmp_path / str(number), case, "torch")
        given = {**tensors(inputs), **tensors(labels)}
        compiled = torch.compile(model, backend="eager")(**given)
        assert compiled.loss.item() == pytest.approx(model(**given).loss.item(), rel=1e-5)
        torch.compiler.reset()
