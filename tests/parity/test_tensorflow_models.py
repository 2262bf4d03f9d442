"""The Keras models against `transformers`: gradients against PyTorch, and all of a call against its TensorFlow classes.

They need TensorFlow and PyTorch in one environment, and for the TensorFlow classes of `transformers` 4 `tf-keras` too;
where one of them is missing they are skipped.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest

import pellucid
from support.tiny import CLASS_PREFIX, SIZES, SUFFIXES, reference_model, write_tokenizer

pytestmark = pytest.mark.reference
tf = pytest.importorskip("tensorflow")
torch = pytest.importorskip("torch")
transformers = pytest.importorskip("transformers")

# Padding, and holes; the first cell is a token, since `transformers` reads the label off that cell whatever it is.
IDS = np.array([[2, 5, 6, 7, 3, 9], [2, 8, 3, 0, 0, 0], [2, 0, 30, 31, 3, 0]])
MASK = np.array([[1, 1, 0, 1, 1, 1], [1, 1, 1, 0, 0, 0], [1, 0, 1, 1, 1, 0]])
LABELS = np.array([1, 0, 2])

FAMILIES = pytest.mark.parametrize("family", ["bert", "distilbert"])


def checkpoint(folder: Path, family: str, suffix: str, **changes: Any) -> Any:
    """A checkpoint with random weights in the folder, and the model of `transformers` on PyTorch."""
    model = reference_model(family, suffix, **changes)
    model.save_pretrained(folder)
    write_tokenizer(folder)
    return model


def keras_class(library: Any, family: str, suffix: str) -> Any:
    return getattr(library, f"TF{CLASS_PREFIX[family]}{suffix}")


@FAMILIES
@pytest.mark.parametrize(
    ("changes", "labels"),
    [
        ({"num_labels": 3}, LABELS),
        ({"num_labels": 1}, np.array([0.5, -1.0, 2.0], np.float32)),
        ({"num_labels": 3, "problem_type": "multi_label_classification"}, np.eye(3, dtype=np.float32)),
    ],
    ids=["one_label", "regression", "several_labels"],
)
def test_the_gradient_of_every_weight_is_that_of_pytorch(
    family: str, changes: dict[str, Any], labels: np.ndarray[Any, Any], tmp_path: Path
) -> None:
    reference = checkpoint(tmp_path, family, "ForSequenceClassification", **changes)
    expected = reference(torch.tensor(IDS), attention_mask=torch.tensor(MASK), labels=torch.tensor(labels)).loss
    expected.backward()
    model = keras_class(pellucid, family, "ForSequenceClassification").from_pretrained(tmp_path)
    with tf.GradientTape() as tape:
        losses = model(tf.constant(IDS), tf.constant(MASK), labels=tf.constant(labels)).loss
        loss = tf.reduce_mean(losses)
    assert losses.shape == (3,)
    np.testing.assert_allclose(loss.numpy(), expected.item(), rtol=1e-5)
    gradients = dict(zip(model._held, tape.gradient(loss, list(model._held._variables.values())), strict=True))
    wanted = {name: parameter.grad.numpy() for name, parameter in reference.named_parameters()}
    assert len(wanted) == len(gradients) == len(model.trainable_variables)
    for name, gradient in gradients.items():
        got = tf.convert_to_tensor(gradient).numpy()
        theirs = wanted[model.family.names.hub_name(name)]
        if name == "embeddings.tokens.weight":
            # PyTorch's row of padding learns nothing, TensorFlow's does; here no token is padding.
            assert np.abs(got[0]).max() == np.abs(theirs[0]).max() == 0
        np.testing.assert_allclose(got, theirs, atol=1e-4 * max(1.0, np.abs(theirs).max()), err_msg=name)


def their_keras_model(family: str, suffix: str, reference: Any) -> Any:
    """The TensorFlow model of `transformers` with the weights of its PyTorch model."""
    pytest.importorskip("tf_keras")
    if not transformers.utils.is_tf_available() or int(transformers.__version__.split(".")[0]) > 4:
        pytest.skip("transformers has no TensorFlow classes here")
    # Its `from_pretrained` does not read files with the newest safetensors.
    from transformers.modeling_tf_pytorch_utils import load_pytorch_model_in_tf2_model

    model = keras_class(transformers, family, suffix)(reference.config)
    return load_pytorch_model_in_tf2_model(model, reference, allow_missing_keys=True)


@FAMILIES
@pytest.mark.filterwarnings("ignore")
def test_a_call_answers_as_the_class_of_transformers(family: str, tmp_path: Path) -> None:
    reference = checkpoint(tmp_path, family, "ForSequenceClassification", num_labels=3)
    theirs = their_keras_model(family, "ForSequenceClassification", reference)
    ours = keras_class(pellucid, family, "ForSequenceClassification").from_pretrained(tmp_path)
    arguments = {"input_ids": tf.constant(IDS), "attention_mask": tf.constant(MASK), "labels": tf.constant(LABELS)}
    expected = theirs(arguments, output_hidden_states=True, output_attentions=True)
    got = ours(arguments, output_hidden_states=True, output_attentions=True)
    assert type(got).__name__ == type(expected).__name__
    assert list(got) == list(expected)
    assert got.loss.shape == expected.loss.shape == (3,)
    np.testing.assert_allclose(got.loss, expected.loss, rtol=1e-4, atol=1e-5)
    np.testing.assert_allclose(got.logits, expected.logits, rtol=1e-4, atol=1e-5)
    is_token = MASK.astype(bool)
    for mine, other in zip(got.hidden_states, expected.hidden_states, strict=True):
        np.testing.assert_allclose(mine.numpy()[is_token], other.numpy()[is_token], rtol=1e-4, atol=2e-5)
    for mine, other in zip(got.attentions, expected.attentions, strict=True):
        by_query = [np.moveaxis(one.numpy(), 1, 2)[is_token] for one in (mine, other)]
        np.testing.assert_allclose(*by_query, rtol=1e-4, atol=1e-5)
    shown = [repr(model(tf.constant(IDS[:1]))) for model in (ours, theirs)]
    assert [one.partition("array(")[0] for one in shown] == [shown[0].partition("array(")[0]] * 2
    assert [one.rpartition(")>,")[2] for one in shown] == [", hidden_states=None, attentions=None)".lstrip(",")] * 2
    assert ours.count_params() == theirs.count_params()


@FAMILIES
@pytest.mark.filterwarnings("ignore")
def test_an_encoder_answers_as_the_class_of_transformers(family: str, tmp_path: Path) -> None:
    theirs = their_keras_model(family, "Model", checkpoint(tmp_path, family, "Model"))
    ours = keras_class(pellucid, family, "Model").from_pretrained(tmp_path)
    expected, got = (model(tf.constant(IDS), attention_mask=tf.constant(MASK)) for model in (theirs, ours))
    assert (type(got).__name__, list(got)) == (type(expected).__name__, list(expected))
    is_token = MASK.astype(bool)
    np.testing.assert_allclose(got[0].numpy()[is_token], expected[0].numpy()[is_token], rtol=1e-4, atol=2e-5)
    for mine, other in zip(got[1:], expected[1:], strict=True):
        np.testing.assert_allclose(mine, other, rtol=1e-4, atol=1e-5)


@FAMILIES
@pytest.mark.filterwarnings("ignore")
def test_one_step_of_training_moves_the_weights_as_in_transformers(family: str, tmp_path: Path) -> None:
    still = {"attention_probs_dropout_prob": 0.0, "hidden_dropout_prob": 0.0}
    if family == "distilbert":
        still = {"attention_dropout": 0.0, "dropout": 0.0, "seq_classif_dropout": 0.0}
    reference = checkpoint(tmp_path, family, "ForSequenceClassification", num_labels=3, **still)
    theirs = their_keras_model(family, "ForSequenceClassification", reference)
    ours = keras_class(pellucid, family, "ForSequenceClassification").from_pretrained(tmp_path)
    import keras
    import tf_keras

    after = []
    for model, optimizers in ((theirs, tf_keras.optimizers), (ours, keras.optimizers)):
        model.compile(optimizer=optimizers.SGD(0.05))
        losses = model.fit({"input_ids": IDS, "attention_mask": MASK}, LABELS, epochs=2, verbose=0).history["loss"]
        after.append((losses, model(tf.constant(IDS), attention_mask=tf.constant(MASK)).logits.numpy()))
    np.testing.assert_allclose(after[1][0], after[0][0], rtol=1e-4)
    np.testing.assert_allclose(after[1][1], after[0][1], rtol=1e-3, atol=1e-4)
    ours.save_pretrained(tmp_path / "trained")
    again = type(reference).from_pretrained(tmp_path / "trained")
    logits = again(torch.tensor(IDS), attention_mask=torch.tensor(MASK)).logits.detach().numpy()
    np.testing.assert_allclose(logits, after[1][1], rtol=1e-4, atol=2e-5)


@pytest.mark.filterwarnings("ignore:`torch.jit.script:DeprecationWarning")
@pytest.mark.parametrize(("family", "suffix"), [(family, suffix) for family in SIZES for suffix in SUFFIXES[family]])
def test_every_head_answers_as_on_pytorch(family: str, suffix: str, tmp_path: Path) -> None:
    reference = checkpoint(tmp_path, family, suffix)
    # Tokens that stand together, and padding's id in all other cells.
    mask = np.sort(MASK, axis=1)[:, ::-1].copy()
    ids = np.where(mask == 1, np.maximum(IDS, 2), 0)
    if suffix == "ForMultipleChoice":
        ids, mask = ids[:, None], mask[:, None]
    with torch.no_grad():
        expected = reference(torch.tensor(ids), attention_mask=torch.tensor(mask))
    got = keras_class(pellucid, family, suffix).from_pretrained(tmp_path)(tf.constant(ids), tf.constant(mask))
    is_token = mask.astype(bool)
    for name, value in got.items():
        theirs = expected[name].numpy()
        ours = value.numpy()
        if ours.shape[:2] == is_token.shape and suffix != "ForMultipleChoice":
            ours, theirs = ours[is_token], theirs[is_token]
        np.testing.assert_allclose(ours, theirs, rtol=1e-4, atol=1e-5, err_msg=name)


OF_TOKENS = np.where(MASK == 1, IDS % 3, -100)

HEADS: dict[str, tuple[str, str, dict[str, Any], dict[str, Any]]] = {
    "token_classification": ("bert", "ForTokenClassification", {"num_labels": 3}, {"labels": OF_TOKENS}),
    "masked_language_model": ("bert", "ForMaskedLM", {}, {"labels": np.where(MASK == 1, IDS, -100)}),
    "next_sentence": ("bert", "ForNextSentencePrediction", {}, {"labels": np.array([0, 1, 1])}),
    "replaced_tokens": ("electra", "ForPreTraining", {}, {"labels": (OF_TOKENS == 1).astype(int)}),
}


@pytest.mark.parametrize("head", HEADS)
def test_every_head_has_the_loss_of_pytorch_and_learns_by_it(head: str, tmp_path: Path) -> None:
    family, suffix, changes, labels = HEADS[head]
    reference = checkpoint(tmp_path, family, suffix, **changes)
    told = {name: torch.tensor(value) for name, value in labels.items()}
    expected = reference(torch.tensor(IDS), attention_mask=torch.tensor(MASK), **told).loss.item()
    model = keras_class(pellucid, family, suffix).from_pretrained(tmp_path)
    inputs = {"input_ids": IDS, "attention_mask": MASK}
    loss = tf.reduce_mean(model({**inputs, **labels}).loss)
    np.testing.assert_allclose(loss.numpy(), expected, rtol=1e-4)
    model.compile(optimizer="sgd")
    history = model.fit(inputs, labels["labels"], epochs=1, batch_size=3, verbose=0, shuffle=False).history
    assert np.isfinite(history["loss"][0])
    model.compile(optimizer="sgd")
    assert model.evaluate({**inputs, **labels}, batch_size=3, verbose=0) < expected


def test_a_span_and_choices_learn_too(tmp_path: Path) -> None:
    import keras  # `tf.keras` is the Keras of before where tf-keras is installed

    still = {"hidden_dropout_prob": 0.0, "attention_probs_dropout_prob": 0.0}
    checkpoint(tmp_path / "span", "bert", "ForQuestionAnswering", **still)
    model = keras_class(pellucid, "bert", "ForQuestionAnswering").from_pretrained(tmp_path / "span")
    model.compile(optimizer=keras.optimizers.SGD(0.01))
    span = {"start_positions": np.array([1, 2, 0]), "end_positions": np.array([3, 2, 4])}
    inputs = {"input_ids": IDS, "attention_mask": MASK}
    losses = model.fit({**inputs, **span}, epochs=3, verbose=0).history["loss"]
    assert losses[-1] < losses[0]
    again = model.fit(inputs, span, epochs=2, verbose=0).history["loss"]
    assert again[-1] < losses[-1]
    checkpoint(tmp_path / "choices", "bert", "ForMultipleChoice", **still)
    model = keras_class(pellucid, "bert", "ForMultipleChoice").from_pretrained(tmp_path / "choices")
    model.compile(optimizer=keras.optimizers.SGD(0.01))
    three = {name: np.stack([value, value[::-1]], axis=1) for name, value in inputs.items()}
    losses = model.fit(three, np.array([0, 1, 0]), epochs=3, verbose=0).history["loss"]
    assert losses[-1] < losses[0]
