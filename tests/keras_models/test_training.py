"""`compile`, `fit`, `evaluate` and `predict`, as the Hugging Face course's third chapter uses them."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest

from pellucid import (
    AutoTokenizer,
    BatchEncoding,
    BertConfig,
    DistilBertConfig,
    TFAutoModelForSequenceClassification,
    TFBertForSequenceClassification,
    TFBertModel,
    TFDistilBertForSequenceClassification,
)
from pellucid.errors import InputError
from pellucid.outputs import TFSequenceClassifierOutput
from support.tiny import SIZES

tf = pytest.importorskip("tensorflow")
keras = pytest.importorskip("keras")

# Keras says it of every data set, and whatever one does.
pytestmark = pytest.mark.filterwarnings("ignore:`shuffle=True` was passed, but will be ignored")

STILL = {"hidden_dropout_prob": 0.0, "attention_probs_dropout_prob": 0.0}
SMALL = {**SIZES["bert"], "num_hidden_layers": 1, "initializer_range": 0.2}

GOOD = ["the movie was good", "i love this film !", "great , very good movie", "this was great"]
BAD = ["the movie was bad", "i hate this film !", "not great , very bad movie", "this was not good"]
TEXTS, LABELS = [*GOOD, *BAD], np.array([1, 1, 1, 1, 0, 0, 0, 0])


def made(**changes: Any) -> Any:
    return TFBertForSequenceClassification(BertConfig(**{**SMALL, **changes}))


@pytest.fixture
def encoded(classifier: Path) -> BatchEncoding:
    return AutoTokenizer.from_pretrained(classifier)(TEXTS, padding=True, return_tensors="np")


def cross_entropy() -> Any:
    return keras.losses.SparseCategoricalCrossentropy(from_logits=True)


def batches(encoded: BatchEncoding) -> Any:
    """Batches of three, the last one shorter, each as long as its longest text."""
    lengths = encoded["attention_mask"].sum(axis=1)

    def parts() -> Any:
        for start in range(0, len(TEXTS), 3):
            longest = lengths[start : start + 3].max()
            yield (
                {name: array[start : start + 3, :longest] for name, array in encoded.items()},
                LABELS[start : start + 3],
            )

    spec = {name: tf.TensorSpec([None, None], tf.int64) for name in encoded}
    made = tf.data.Dataset.from_generator(parts, output_signature=(spec, tf.TensorSpec([None], tf.int64)))
    return made.apply(tf.data.experimental.assert_cardinality(3))


def test_the_third_chapter_of_the_course_runs(classifier: Path) -> None:
    tokenizer = AutoTokenizer.from_pretrained(classifier)
    model = TFAutoModelForSequenceClassification.from_pretrained(classifier, num_labels=2, **STILL)
    columns = dict(tokenizer(TEXTS, padding=True, return_tensors="np"))
    train = tf.data.Dataset.from_tensor_slices((columns, LABELS)).shuffle(8, seed=0).batch(4)
    steps = len(train) * 5
    schedule = keras.optimizers.schedules.PolynomialDecay(1e-3, end_learning_rate=0.0, decay_steps=steps)
    model.compile(optimizer=keras.optimizers.Adam(learning_rate=schedule), loss=cross_entropy(), metrics=["accuracy"])
    history = model.fit(train, validation_data=train, epochs=5, verbose=0).history
    assert set(history) == {"loss", "accuracy", "val_loss", "val_accuracy"}
    assert history["val_loss"][-1] < history["val_loss"][0]
    logits = model.predict(train.map(lambda x, y: x), verbose=0)["logits"]
    assert logits.shape == (8, 2)
    predictions = model.predict(columns, verbose=0).logits.argmax(axis=-1)
    assert (predictions == LABELS).mean() == model.evaluate(columns, LABELS, verbose=0)[1]


def test_a_small_problem_is_learned_by_heart(encoded: BatchEncoding) -> None:
    model = made(**STILL)
    model.compile(optimizer=keras.optimizers.Adam(1e-2), loss=cross_entropy(), metrics=["accuracy"])
    losses = model.fit(encoded, LABELS.tolist(), epochs=30, verbose=0).history["loss"]
    assert losses[-1] < 0.2 < losses[0]
    assert model.evaluate(encoded, LABELS, verbose=0)[1] == 1.0


@pytest.mark.parametrize("where", ["y", "y by name", "x", "data set", "run eagerly"])
def test_without_a_loss_the_models_own_is_taken(where: str, encoded: BatchEncoding) -> None:
    model = made(**STILL)
    expected = model(encoded, labels=LABELS).loss.mean()
    model.compile(optimizer=keras.optimizers.SGD(0.0), run_eagerly=where == "run eagerly")
    data: dict[str, tuple[Any, ...]] = {
        "y by name": (dict(encoded), {"labels": LABELS}),
        "x": ({**encoded, "labels": LABELS},),
        "data set": (tf.data.Dataset.from_tensor_slices(({**encoded, "labels": LABELS},)).batch(4),),
    }
    history = model.fit(*data.get(where, (dict(encoded), LABELS)), epochs=1, verbose=0).history
    assert history["loss"] == [pytest.approx(expected, rel=1e-5)]
    assert model.evaluate(*data.get(where, (dict(encoded), LABELS)), verbose=0) == pytest.approx(expected, rel=1e-5)


def test_the_own_loss_is_weighted_as_keras_weights_losses(encoded: BatchEncoding) -> None:
    model, weights = made(**STILL), np.arange(8.0)
    model.compile(optimizer="sgd", loss=cross_entropy())
    expected = model.evaluate(encoded, LABELS, sample_weight=weights, verbose=0)
    model.compile(optimizer="sgd", loss="auto")
    assert model.evaluate(encoded, LABELS, sample_weight=weights, verbose=0) == pytest.approx(expected, rel=1e-5)


def test_regression_and_several_labels_are_trained_on_their_own_loss(encoded: BatchEncoding) -> None:
    for changes, labels in (({"num_labels": 1}, LABELS * 2.0 - 1), ({"num_labels": 3}, np.eye(3)[LABELS])):
        model = made(**STILL, **changes)
        model.compile(optimizer=keras.optimizers.Adam(3e-3))
        losses = model.fit(encoded, labels, epochs=8, verbose=0).history["loss"]
        assert losses[-1] < losses[0]
    assert model.config.problem_type == "multi_label_classification"


def test_what_has_no_labels_is_told(encoded: BatchEncoding) -> None:
    model = made()
    model.compile(optimizer="sgd")
    with pytest.raises(InputError, match="There are no labels to train on. Pass them as `y`"):
        model.fit(encoded, verbose=0)
    bare = TFBertModel(BertConfig(**SMALL))
    bare.compile(optimizer="sgd")
    with pytest.raises(InputError, match="TFBertModel has no head to compute a loss of"):
        bare.fit(encoded, LABELS, verbose=0)


@pytest.mark.parametrize("optimizer", ["adam", "sgd"])
def test_frozen_layers_do_not_move_and_the_others_do(optimizer: str, encoded: BatchEncoding) -> None:
    model = made()
    model.layers[0].trainable = False
    assert [variable.path.rpartition("/")[2] for variable in model.trainable_variables] == ["weight", "bias"]
    before = model.state_dict()
    model.compile(optimizer=optimizer)
    model.fit(encoded, LABELS, epochs=1, verbose=0)
    moved = {name for name, array in model.state_dict().items() if not np.array_equal(array, before[name])}
    assert moved == {"classifier.weight", "classifier.bias"}
    model.bert.trainable = True
    model.bert.embeddings.trainable = False
    model.compile(optimizer=optimizer)
    model.fit(encoded, LABELS, epochs=1, verbose=0)
    still = {name for name, array in model.state_dict().items() if np.array_equal(array, before[name])}
    assert still == {name for name in before if name.startswith("bert.embeddings.")}


def test_a_step_is_a_step_down_the_gradient(encoded: BatchEncoding) -> None:
    model = made(**STILL)
    with tf.GradientTape() as tape:
        loss = tf.reduce_mean(
            model({name: tf.constant(array) for name, array in encoded.items()}, labels=LABELS_TF).loss
        )
    gradients = [tf.convert_to_tensor(one).numpy() for one in tape.gradient(loss, model.trainable_variables)]
    before = [variable.numpy() for variable in model.trainable_variables]
    model.compile(optimizer=keras.optimizers.SGD(0.1))
    model.train_on_batch(dict(encoded), LABELS)
    for variable, was, gradient in zip(model.trainable_variables, before, gradients, strict=True):
        np.testing.assert_allclose(variable.numpy(), was - 0.1 * gradient, atol=1e-5, err_msg=variable.path)


LABELS_TF = tf.constant(LABELS)


def test_dropout_is_for_fit_alone(encoded: BatchEncoding) -> None:
    model = made(hidden_dropout_prob=0.5)
    model.compile(optimizer=keras.optimizers.SGD(0.0))
    fitted = [model.fit(encoded, LABELS, verbose=0).history["loss"][0] for _ in range(2)]
    quiet = [model.evaluate(encoded, LABELS, verbose=0) for _ in range(2)]
    assert fitted[0] != fitted[1]
    assert quiet[0] == quiet[1]
    assert quiet[0] == pytest.approx(model(encoded, labels=LABELS).loss.mean(), rel=1e-5)


def test_predictions_over_batches_of_other_lengths_are_those_of_a_call(encoded: BatchEncoding) -> None:
    model = made()
    for data in (encoded, dict(encoded), batches(encoded)):
        output = model.predict(data, verbose=0)
        assert isinstance(output, TFSequenceClassifierOutput)
        assert output["logits"] is output.logits
        np.testing.assert_allclose(output.logits, model(encoded).logits, atol=1e-5)


def test_predicted_states_are_ragged_where_lengths_differ(encoded: BatchEncoding) -> None:
    states = TFBertModel(BertConfig(**SMALL)).predict(batches(encoded), verbose=0).last_hidden_state
    assert isinstance(states, tf.RaggedTensor)
    assert states.shape[0] == len(TEXTS)


def test_a_distilled_model_is_trained_in_mixed_precision(encoded: BatchEncoding) -> None:
    sizes = {**SIZES["distilbert"], "n_layers": 1, "initializer_range": 0.2}
    still = {"dropout": 0.0, "attention_dropout": 0.0, "seq_classif_dropout": 0.0}
    keras.config.set_dtype_policy("mixed_float16")
    try:
        model = TFDistilBertForSequenceClassification(DistilBertConfig(**sizes, **still))
        model.compile(optimizer=keras.optimizers.Adam(3e-3))
        data = {name: array for name, array in encoded.items() if name != "token_type_ids"}
        losses = model.fit(data, LABELS, epochs=12, verbose=0).history["loss"]
    finally:
        keras.config.set_dtype_policy("float32")
    assert losses[-1] < losses[0]


def test_compiling_again_forgets_the_loss(encoded: BatchEncoding) -> None:
    model = made(**STILL)
    model.compile(optimizer="sgd", loss=lambda labels, logits: tf.zeros(tf.shape(logits)[0]))
    assert model.evaluate(encoded, LABELS, verbose=0) == 0
    model.compile(optimizer="sgd")
    assert model.evaluate(encoded, LABELS, verbose=0) > 0
    assert model.jit_compile is False
