"""Fine-tuning as a user calls it: what is learned, what comes back, and what is refused."""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import pellucid
from pellucid import AutoModelForSequenceClassification, FineTuned, PellucidError, finetune, pipeline
from pellucid.errors import (
    EngineNotInstalledError,
    InputError,
    InputTypeError,
    TextTooLongError,
    TrainingError,
    UnsupportedDtypeError,
)
from support.tiny import pellucid_checkpoint

torch = pytest.importorskip("torch")

TEXTS = ["good film", "bad film", "the movie was great", "i hate this movie", "very good", "not good , very bad"]
WORDS = ["yes", "no", "yes", "no", "yes", "no"]
QUICK: dict[str, Any] = {"epochs": 1, "batch_size": 4, "progress": False, "threads": 1}
LEARN: dict[str, Any] = {**QUICK, "epochs": 25, "learning_rate": 5e-3}


def weights_of(made: FineTuned) -> dict[str, Any]:
    return {name: tensor.array(np.float32) for name, tensor in made.model.tensors.items()}


def assert_same_weights(first: FineTuned, second: FineTuned) -> None:
    one, other = weights_of(first), weights_of(second)
    assert one.keys() == other.keys()
    for name in one:
        np.testing.assert_array_equal(one[name], other[name], err_msg=name)


@pytest.fixture(scope="module")
def learner(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A tiny BERT without dropout, which learns a few texts by heart in a second."""
    folder = tmp_path_factory.mktemp("learner")
    changes = {"hidden_dropout_prob": 0.0, "attention_probs_dropout_prob": 0.0}
    return pellucid_checkpoint(folder, "bert", "ForSequenceClassification", **changes)


@pytest.fixture(scope="module")
def learned(learner: Path) -> FineTuned:
    return finetune(learner, TEXTS, WORDS, evaluation=(TEXTS, WORDS), **LEARN)


def test_what_can_be_learned_is_learned(learned: FineTuned) -> None:
    assert learned.metrics[-1]["train_loss"] < learned.metrics[0]["train_loss"] / 4
    assert learned.metrics[-1]["accuracy"] == 1.0
    assert [one["epoch"] for one in learned.metrics] == list(range(1, 26))
    assert [one["step"] for one in learned.metrics] == list(range(2, 51, 2))
    assert all(one["seconds"] > 0 and one["texts_per_second"] > 0 for one in learned.metrics)


def test_the_result_answers_with_the_labels_names(learned: FineTuned) -> None:
    assert not learned.model.training
    pipe = pipeline("text-classification", model=learned.model, tokenizer=learned.tokenizer)
    assert [answer["label"] for answer in pipe(TEXTS)] == WORDS
    assert learned.model.config.problem_type == "single_label_classification"
    assert learned.model.config.label2id == {"no": 0, "yes": 1}


@pytest.mark.parametrize("engine", ["openvino", "torch", "numpy"])
def test_the_saved_model_answers_the_same_on_every_engine(learned: FineTuned, engine: str, tmp_path: Path) -> None:
    learned.save_pretrained(tmp_path)
    assert json.loads((tmp_path / "metrics.json").read_text()) == learned.metrics
    answers = pipeline("text-classification", model=tmp_path, engine=engine)(TEXTS)
    pipe = pipeline("text-classification", model=learned.model, tokenizer=learned.tokenizer)
    for answer, expected in zip(answers, pipe(TEXTS), strict=True):
        assert answer["label"] == expected["label"]
        assert answer["score"] == pytest.approx(expected["score"], abs=1e-4)


@pytest.mark.reference
def test_transformers_loads_the_saved_model(learned: FineTuned, tmp_path: Path) -> None:
    transformers = pytest.importorskip("transformers")
    learned.save_pretrained(tmp_path)
    pipe = transformers.pipeline("text-classification", model=str(tmp_path), device=-1)
    assert [answer["label"] for answer in pipe(TEXTS)] == WORDS


def test_the_same_seed_gives_the_same_weights_and_leaves_the_callers_random_numbers(classifier: Path) -> None:
    torch.manual_seed(5)
    expected = torch.rand(3)
    torch.manual_seed(5)
    first = finetune(classifier, TEXTS, WORDS, **QUICK)
    assert torch.equal(torch.rand(3), expected)
    second = finetune(classifier, TEXTS, WORDS, **QUICK)
    assert_same_weights(first, second)
    third = finetune(classifier, TEXTS, WORDS, seed=1, **QUICK)
    assert any((weights_of(third)[name] != value).any() for name, value in weights_of(first).items())


def test_threads_are_put_back(classifier: Path) -> None:
    before = torch.get_num_threads()
    finetune(classifier, TEXTS, WORDS, **{**QUICK, "threads": before + 1})
    assert torch.get_num_threads() == before


def test_a_loaded_model_is_trained_in_place(classifier: Path) -> None:
    model = AutoModelForSequenceClassification.from_pretrained(classifier, engine="torch")
    before = model.classifier.weight.detach().clone()
    made = finetune(model, TEXTS, [1, 0, 1, 0, 1, 0], **QUICK)
    assert made.model is model
    assert not torch.equal(model.classifier.weight, before)


def test_frozen_parameters_stay_as_they_are(classifier: Path) -> None:
    model = AutoModelForSequenceClassification.from_pretrained(classifier, engine="torch")
    frozen = model.bert.embeddings.word_embeddings.weight.requires_grad_(False).clone()
    finetune(model, TEXTS, WORDS, **QUICK)
    assert torch.equal(model.bert.embeddings.word_embeddings.weight, frozen)


def test_bfloat16_learns_too_and_keeps_float32_weights(learner: Path) -> None:
    made = finetune(learner, TEXTS, WORDS, dtype="bfloat16", evaluation=(TEXTS, WORDS), **LEARN)
    assert made.metrics[-1]["train_loss"] < made.metrics[0]["train_loss"] / 2
    assert made.model.dtype == torch.float32


def test_pairs_tell_what_the_texts_alone_do_not(learner: Path) -> None:
    texts, pairs = ["good film"] * 8, ["good", "bad"] * 4
    made = finetune(learner, texts, ["same", "other"] * 4, text_pairs=pairs,
                    evaluation=(texts, pairs, ["same", "other"] * 4), **LEARN)  # fmt: skip
    assert made.metrics[-1]["accuracy"] == 1.0


def test_regression_learns_numbers(learner: Path) -> None:
    numbers = [1.0, -1.0, 1.5, -1.5, 1.0, -1.0]
    made = finetune(learner, TEXTS, numbers, evaluation=(TEXTS, numbers), **LEARN)
    assert made.model.config.num_labels == 1
    assert made.model.config.problem_type == "regression"
    last = made.metrics[made.best_epoch - 1]  # type: ignore[operator]
    assert last["mean_squared_error"] == last["eval_loss"] < 0.5
    assert last["pearson"] > 0.9


@pytest.mark.parametrize("form", ["words", "rows", "array"])
def test_several_labels_a_text(learner: Path, form: str) -> None:
    words = [["film", "good"], ["film"], ["good"], [], ["good"], []]
    rows = [[1, 1], [1, 0], [0, 1], [0, 0], [0, 1], [0, 0]]
    labels: Any = {"words": words, "rows": rows, "array": np.array(rows)}[form]
    made = finetune(learner, TEXTS, labels, evaluation=(TEXTS, labels), **LEARN)
    assert made.model.config.problem_type == "multi_label_classification"
    assert made.metrics[-1]["micro_f1"] == 1.0
    assert made.metrics[-1]["subset_accuracy"] == 1.0
    if form == "words":
        assert made.model.config.id2label == {0: "film", 1: "good"}


def test_a_fraction_is_held_out_by_the_seed(classifier: Path) -> None:
    made = finetune(classifier, TEXTS, WORDS, evaluation=0.34, **QUICK)
    assert made.metrics[0]["step"] == 1  # four texts are left
    assert made.metrics[0]["accuracy"] in (0.0, 0.5, 1.0)


def test_early_stopping_gives_back_the_best_epoch(learner: Path) -> None:
    # What is measured on contradicts what is learned, so that every epoch is worse than the first.
    against = ["no" if word == "yes" else "yes" for word in WORDS]
    arguments = {**LEARN, "learning_rate": 2e-2, "warmup": 0.0}
    made = finetune(learner, TEXTS, WORDS, evaluation=(TEXTS, against), early_stopping=2, **arguments)
    assert made.best_epoch is not None
    assert len(made.metrics) == made.best_epoch + 2 < 25
    best = made.metrics[made.best_epoch - 1]
    pipe = pipeline("text-classification", model=made.model, tokenizer=made.tokenizer)
    answers = [answer["label"] for answer in pipe(TEXTS)]
    assert np.mean([a == b for a, b in zip(answers, against, strict=True)]) == best["accuracy"]


def test_the_checkpoints_names_are_kept_where_they_hold_every_label(tmp_path: Path, learned: FineTuned) -> None:
    learned.save_pretrained(tmp_path)
    again = finetune(tmp_path, TEXTS, ["yes"] * 6, **QUICK)
    assert again.model.config.id2label == {0: "no", 1: "yes"}
    assert again.metrics[0]["train_loss"] < 5  # the trained head goes on


def test_another_number_of_labels_makes_a_new_head(classifier: Path) -> None:
    made = finetune(classifier, TEXTS, ["a", "b", "c", "a", "b", "c"], **QUICK)
    assert made.model.config.num_labels == 3


def test_progress_is_shown_where_asked(classifier: Path, capsys: pytest.CaptureFixture[str]) -> None:
    finetune(classifier, TEXTS, WORDS, **QUICK)
    assert capsys.readouterr().err == ""
    finetune(classifier, TEXTS, WORDS, **{**QUICK, "progress": True})
    assert "2/2" in (shown := capsys.readouterr().err)
    assert "loss " in shown


@pytest.mark.parametrize(
    ("changes", "kind", "words"),
    [
        ({"labels": WORDS[:5]}, InputError, "There are 6 texts and 5 `labels`"),
        ({"texts": [], "labels": []}, InputError, "`texts` is empty"),
        ({"texts": [*TEXTS[:5], None]}, InputTypeError, r"`texts\[5\]` is None, a NoneType; expected a string"),
        ({"texts": "a text"}, InputTypeError, "`texts` is str"),
        ({"labels": [0, 1, 0, 1, 0, -1]}, InputError, r"`labels\[5\]` is -1; expected one of"),
        ({"labels": [0, 1, 0, 1, 0, 2], "label_names": ["a", "b"]}, InputError, r"`labels\[5\]` is 2"),
        ({"labels": ["a", "a", "a", "b", "b", "c"], "label_names": ["a", "b"]}, InputError, r"`labels\[5\]` is 'c'"),
        ({"labels": ["a"] * 6}, InputError, "nothing can be learned from one label alone"),
        ({"labels": [0, "a", 0, 1, [1], 2]}, InputError, "`labels` mix words, numbers and lists"),
        ({"labels": [0.5, 1.0, float("nan"), 1.0, 0.0, 0.0]}, InputError, r"`labels\[2\]` is nan; expected a finite"),
        ({"labels": [[0, 2]] * 6}, InputError, r"`labels\[0\]` is \[0, 2\]; expected a list of some of"),
        ({"text_pairs": ["a"]}, InputError, "6 texts and 1 text pairs"),
        ({"dtype": "int8"}, UnsupportedDtypeError, "Nothing is trained in 'int8'"),
        ({"dtype": "float16"}, UnsupportedDtypeError, "Choose 'float32', or 'bfloat16'"),
        ({"epochs": 0}, InputError, "`epochs=0` must be a whole number, 1 or more"),
        ({"batch_size": 2.5}, InputError, "`batch_size=2.5` must be a whole number"),
        ({"learning_rate": 0}, InputError, "`learning_rate=0` must be a number above 0"),
        ({"warmup": 2}, InputError, "`warmup=2` must be a number 0 or more, and at most 1"),
        ({"schedule": "steps"}, InputError, "choose one of linear, cosine, constant"),
        ({"early_stopping": 1}, InputError, "Give `evaluation` too"),
        ({"save_steps": 1}, InputError, "Give `output`"),
        ({"evaluation": 0.01}, InputError, "holds out 0 of 6 texts"),
        ({"evaluation": TEXTS}, InputTypeError, "expected a fraction to hold out"),
        ({"evaluation": (["a"], ["maybe"])}, InputError, r"`evaluation labels\[0\]` is 'maybe'; expected one of"),
        ({"evaluation": (["a"], [])}, InputError, "There are 1 texts and 0 `evaluation labels`"),
        ({"max_length": 900}, InputError, "more than the 40 tokens"),
        ({"texts": [*TEXTS[:5], "good " * 60]}, TextTooLongError, r"`texts\[5\]` has 62 tokens; .* `max_length=40`"),
        ({"problem_type": "guessing"}, InputError, "must be one of regression"),
        ({"model": "./nowhere"}, PellucidError, "nowhere"),
    ],
    ids=str,
)
def test_what_cannot_be_learned_from_is_told(
    classifier: Path, changes: dict[str, Any], kind: type[Exception], words: str
) -> None:
    given = {"model": classifier, "texts": TEXTS, "labels": WORDS, **QUICK, **changes}
    with pytest.raises(kind, match=words):
        finetune(given.pop("model"), given.pop("texts"), given.pop("labels"), **given)


def test_long_texts_are_cut_where_asked(classifier: Path) -> None:
    made = finetune(classifier, [*TEXTS[:5], "good " * 60], WORDS, **QUICK, max_length=8)
    assert len(made.metrics) == 1


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        ({"engine": "numpy"}, "it must compute on PyTorch"),
        ({"engine": "torch", "dtype": "float64"}, r"Call `model.float\(\)` first"),
        ({"engine": "torch", "num_labels": 3, "ignore_mismatched_sizes": True}, "The model's head has 3 labels"),
    ],
    ids=str,
)
def test_models_that_cannot_be_trained_are_told(classifier: Path, arguments: dict[str, Any], words: str) -> None:
    model = AutoModelForSequenceClassification.from_pretrained(classifier, **arguments)
    with pytest.raises(InputError, match=words):
        finetune(model, TEXTS, WORDS, **QUICK)


def test_without_pytorch_the_extra_is_named(classifier: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("pellucid.engines.find_spec", lambda name: None if name == "torch" else object())
    with pytest.raises(EngineNotInstalledError, match=r"pip install pellucid\[torch\]"):
        finetune(classifier, TEXTS, WORDS, **QUICK)


def test_a_loss_that_is_no_number_ends_the_run(classifier: Path) -> None:
    model = AutoModelForSequenceClassification.from_pretrained(classifier, engine="torch")
    with torch.no_grad():
        model.classifier.bias.fill_(float("nan"))
    with pytest.raises(TrainingError, match="The loss is nan at step 2"):
        finetune(model, TEXTS, WORDS, **QUICK)


def test_the_function_and_its_result_are_public() -> None:
    assert pellucid.finetune is finetune
    assert "pellucid.training.finetune" in sys.modules


@pytest.mark.parametrize("family", ["roberta", "mpnet", "albert", "electra", "deberta-v2", "modernbert"])
def test_every_family_learns_and_answers_the_same_after_saving(family: str, tmp_path: Path) -> None:
    """Positions that are counted from the padding id, too: what is trained is what a pipeline computes."""
    from support.tiny import pellucid_checkpoint

    changes = {"pad_token_id": 0} if family == "roberta" else {}
    folder = pellucid_checkpoint(tmp_path / "made", family, "Model", initializer_range=0.1, **changes)
    (folder / "tokenizer_config.json").write_text('{"tokenizer_class": "BertTokenizer"}')
    texts, labels = ["good film", "bad film", "i love this", "i hate this"] * 8, ["glad", "sad"] * 16
    tuned = finetune(str(folder), texts, labels, epochs=4, batch_size=8, learning_rate=3e-3, progress=False)
    losses = [one["train_loss"] for one in tuned.metrics]
    assert losses[-1] < losses[0]
    tuned.save_pretrained(tmp_path / "tuned")
    pipe = pipeline("text-classification", str(tmp_path / "tuned"), engine="numpy")
    inputs = tuned.tokenizer(texts, padding=True, return_tensors="pt")
    with torch.no_grad():
        scores = tuned.model(inputs["input_ids"], inputs["attention_mask"]).logits.softmax(dim=-1).max(dim=-1).values
    assert [one["score"] for one in pipe(texts)] == pytest.approx(scores.tolist(), rel=1e-4)
