"""A Keras model's files: the Hub's, SavedModel, `.keras`; and a Keras model in a pipeline."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest

from pellucid import (
    AutoModelForSequenceClassification,
    AutoTokenizer,
    BertConfig,
    DistilBertConfig,
    TFBertForSequenceClassification,
    TFBertModel,
    TFDistilBertForSequenceClassification,
    pipeline,
)
from pellucid.engines import installed
from support.tiny import SIZES

tf = pytest.importorskip("tensorflow")
keras = pytest.importorskip("keras")

# TensorFlow's and Keras' own writers.
pytestmark = pytest.mark.filterwarnings("ignore:__array__ implementation doesn't accept a copy keyword")

IDS = np.array([[2, 5, 6, 7, 3, 9], [2, 8, 3, 0, 0, 0]])
MASK = np.array([[1, 1, 0, 1, 1, 1], [1, 1, 1, 0, 0, 0]])
SMALL = {**SIZES["bert"], "initializer_range": 0.5, "num_hidden_layers": 1}


@pytest.fixture(params=["bert", "distilbert"])
def changed(request: pytest.FixtureRequest) -> Any:
    """A model whose weights are no longer those it was made with."""
    model: Any
    if request.param == "bert":
        model = TFBertForSequenceClassification(BertConfig(**SMALL))
    else:
        sizes = {**SIZES["distilbert"], "initializer_range": 0.5, "n_layers": 1}
        model = TFDistilBertForSequenceClassification(DistilBertConfig(**sizes))
    random = np.random.default_rng(1)
    for variable in model.trainable_variables:
        variable.assign_add(random.normal(0, 0.2, variable.shape))
    return model


def inputs(model: Any, dtype: Any = tf.int32) -> dict[str, Any]:
    values = {"input_ids": IDS, "attention_mask": MASK, "token_type_ids": np.zeros_like(IDS)}
    return {name: tf.constant(values[name], dtype) for name in model.input_signature}


@pytest.mark.parametrize("engine", installed())
def test_every_engine_loads_the_weights_as_they_are(engine: str, changed: Any, tmp_path: Path) -> None:
    changed.save_pretrained(tmp_path)
    again = AutoModelForSequenceClassification.from_pretrained(tmp_path, engine=engine)
    np.testing.assert_allclose(again(IDS, MASK).logits, changed(IDS, MASK).logits, rtol=1e-4, atol=1e-5)


@pytest.mark.parametrize("dtype", ["float64", "float16", "bfloat16"])
def test_weights_are_saved_in_their_own_precision(dtype: str, tmp_path: Path) -> None:
    model = TFBertModel(BertConfig(**SMALL), dtype=dtype)
    model.save_pretrained(tmp_path)
    again = TFBertModel.from_pretrained(tmp_path, dtype="auto")
    assert again.dtype == dtype
    assert again.config.dtype == dtype
    np.testing.assert_array_equal(again(IDS).pooler_output, model(IDS).pooler_output)


def test_a_saved_model_takes_any_batch_and_length(changed: Any, tmp_path: Path) -> None:
    changed.save_pretrained(tmp_path, saved_model=True)
    assert sorted(entry.name for entry in (tmp_path / "saved_model").iterdir()) == ["1"]
    loaded = tf.saved_model.load(str(tmp_path / "saved_model" / "1"))
    expected = changed(IDS, MASK).logits
    for signature, dtype in (("serving_default", tf.int32), ("int64_serving", tf.int64)):
        served = loaded.signatures[signature](**inputs(changed, dtype))
        assert set(served) == {"logits"}
        np.testing.assert_allclose(served["logits"], expected, atol=1e-6)
    one = {name: value[:1, :3] for name, value in inputs(changed).items()}
    np.testing.assert_allclose(
        loaded.signatures["serving_default"](**one)["logits"], changed(IDS[:1, :3], MASK[:1, :3]).logits, atol=1e-6
    )
    changed.save_pretrained(tmp_path, saved_model=True, version=2)
    assert sorted(entry.name for entry in (tmp_path / "saved_model").iterdir()) == ["1", "2"]
    assert "model.safetensors" in {entry.name for entry in tmp_path.iterdir()}


def test_keras_and_tensorflow_export_the_same(changed: Any, tmp_path: Path) -> None:
    changed.export(tmp_path / "keras", verbose=False)
    tf.saved_model.save(changed, str(tmp_path / "tensorflow"))
    expected = changed(IDS, MASK).logits
    exported, saved = (tf.saved_model.load(str(tmp_path / name)) for name in ("keras", "tensorflow"))
    np.testing.assert_allclose(exported.serve(inputs(changed))["logits"], expected, atol=1e-6)
    served = saved.signatures["serving_default"](**inputs(changed))
    np.testing.assert_allclose(served["logits"], expected, atol=1e-6)


def test_a_saved_model_gives_the_layers_that_the_config_asks_for(tmp_path: Path) -> None:
    model = TFBertModel(BertConfig(**SMALL, output_hidden_states=True))
    tf.saved_model.save(model, str(tmp_path))
    saved = tf.saved_model.load(str(tmp_path))
    served = saved.signatures["serving_default"](**inputs(model))
    assert served["hidden_states"].shape == (2, 2, 6, 24)


def test_a_keras_file_holds_the_config_the_weights_and_how_it_was_compiled(changed: Any, tmp_path: Path) -> None:
    data = {name: value.numpy() for name, value in inputs(changed).items()}
    changed.compile(optimizer=keras.optimizers.Adam(0.25))
    changed.train_on_batch(data, np.array([0, 1]))
    changed.save(tmp_path / "model.keras")
    again = keras.models.load_model(tmp_path / "model.keras")
    assert type(again) is type(changed)
    assert again.config.to_dict() == changed.config.to_dict()
    assert float(again.optimizer.learning_rate.numpy()) == 0.25
    np.testing.assert_allclose(again(IDS, MASK).logits, changed(IDS, MASK).logits, atol=1e-6)
    again.train_on_batch(data, np.array([0, 1]))
    assert int(again.optimizer.iterations.numpy()) == 2


def test_keras_weights_are_all_saved_and_loaded(changed: Any, tmp_path: Path) -> None:
    changed.save_weights(tmp_path / "model.weights.h5")
    other = type(changed)(changed.config, seed=5)
    other.load_weights(tmp_path / "model.weights.h5")
    for name, array in changed.state_dict().items():
        np.testing.assert_array_equal(other.state_dict()[name], array, err_msg=name)


def test_a_pipeline_runs_a_keras_model_with_its_weights_as_they_are(classifier: Path) -> None:
    model = TFBertForSequenceClassification.from_pretrained(classifier)
    tokenizer = AutoTokenizer.from_pretrained(classifier)
    classify = pipeline("text-classification", model=model, tokenizer=tokenizer, top_k=None)
    texts = ["the movie was good", "i hate this"]

    def expected() -> Any:
        return tf.nn.softmax(model(tokenizer(texts, padding=True, return_tensors="tf")).logits).numpy()

    def scores() -> Any:
        answers = [{one["label"]: one["score"] for one in answer} for answer in classify(texts)]
        return [[answer["LABEL_0"], answer["LABEL_1"]] for answer in answers]

    np.testing.assert_allclose(scores(), expected(), atol=1e-5)
    was = expected()
    model.classifier.bias.assign([3.0, -1.0])
    np.testing.assert_allclose(scores(), expected(), atol=1e-5)
    assert np.abs(expected() - was).max() > 0.01
    assert len(pipeline("feature-extraction", model=model, tokenizer=tokenizer)("good")[0]) == 3
