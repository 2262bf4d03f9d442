"""The TensorFlow classes, as the course's notebooks use them; on a checkpoint with random weights."""

from __future__ import annotations

import logging
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import pellucid
from pellucid import (
    AutoModel,
    AutoModelForSequenceClassification,
    AutoTokenizer,
    BertConfig,
    TFAutoModel,
    TFAutoModelForSequenceClassification,
    TFBertForSequenceClassification,
    TFBertModel,
)
from pellucid.errors import InputError
from support.tiny import SIZES, pellucid_checkpoint

tf = pytest.importorskip("tensorflow")

TEXTS = ["the movie was good", "i hate this so not !"]


@pytest.fixture(scope="module")
def distilled(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return pellucid_checkpoint(tmp_path_factory.mktemp("distilled"), "distilbert", "ForSequenceClassification")


def test_the_tokenizer_makes_tensors_of_32_bits(classifier: Path) -> None:
    tokenizer = AutoTokenizer.from_pretrained(classifier)
    inputs = tokenizer(TEXTS, padding=True, truncation=True, return_tensors="tf")
    assert inputs["input_ids"].dtype == tf.int32
    assert inputs.input_ids.shape == (2, 9)
    expected = tokenizer(TEXTS, padding=True, return_tensors="np")
    for key, value in inputs.items():
        np.testing.assert_array_equal(value.numpy(), expected[key])
    assert tokenizer.decode(inputs["input_ids"][0], skip_special_tokens=True) == TEXTS[0]


@pytest.mark.parametrize("name", ["classifier", "distilled"])
def test_an_encoding_goes_in_and_tensors_come_out_with_the_numbers_of_numpy(
    name: str, request: pytest.FixtureRequest
) -> None:
    folder = request.getfixturevalue(name)
    inputs = AutoTokenizer.from_pretrained(folder)(TEXTS, padding=True, return_tensors="tf")
    output = TFAutoModelForSequenceClassification.from_pretrained(folder)(inputs)
    assert isinstance(output.logits, tf.Tensor)
    assert type(output).__name__ == "TFSequenceClassifierOutput"
    judge = AutoModelForSequenceClassification.from_pretrained(folder, engine="numpy", dtype="float64")
    expected = judge({key: value.numpy() for key, value in inputs.items()}).logits
    np.testing.assert_allclose(output.logits.numpy(), expected, rtol=1e-4, atol=1e-5)
    softmax = tf.math.softmax(output.logits, axis=-1)
    np.testing.assert_allclose(tf.reduce_sum(softmax, axis=-1).numpy(), 1, rtol=1e-6)


def test_an_output_is_shown_as_in_the_notebook(classifier: Path) -> None:
    model = TFAutoModelForSequenceClassification.from_pretrained(classifier)
    shown = repr(model(tf.constant([5, 6, 7])))
    assert shown.startswith(
        "TFSequenceClassifierOutput(loss=None, logits=<tf.Tensor: shape=(1, 2), dtype=float32, numpy="
    )
    assert shown.endswith(", hidden_states=None, attentions=None)")


def test_padding_counts_without_a_mask_and_not_with_one(classifier: Path) -> None:
    model = TFAutoModelForSequenceClassification.from_pretrained(classifier)
    batch = tf.constant([[20, 20, 20], [20, 20, 0]])
    alone = model(tf.constant([[20, 20]])).logits.numpy()
    masked = model(batch, attention_mask=tf.constant([[1, 1, 1], [1, 1, 0]])).logits.numpy()
    np.testing.assert_allclose(masked[1:], alone, rtol=1e-4, atol=1e-5)
    assert np.abs(model(batch).logits.numpy()[1:] - alone).max() > 1e-3


def test_an_encoder_gives_states_and_layers(encoder: Path) -> None:
    output = TFAutoModel.from_pretrained(encoder)([[2, 5, 3]], output_hidden_states=True, output_attentions=True)
    assert type(output).__name__ == "TFBaseModelOutputWithPoolingAndCrossAttentions"
    assert list(output) == ["last_hidden_state", "pooler_output", "hidden_states", "attentions"]
    assert output.last_hidden_state.shape == (1, 3, 24)
    assert all(isinstance(layer, tf.Tensor) for layer in (*output.hidden_states, *output.attentions))
    expected = AutoModel.from_pretrained(encoder, engine="numpy", dtype="float64")([[2, 5, 3]]).last_hidden_state
    np.testing.assert_allclose(output.last_hidden_state.numpy(), expected, rtol=1e-4, atol=1e-5)


def test_a_model_is_made_from_a_config_and_saved(tmp_path: Path) -> None:
    model = TFBertModel(BertConfig(**SIZES["bert"]))
    model.save_pretrained(tmp_path)
    again = TFBertModel.from_pretrained(tmp_path)
    assert again.config.architectures == ["BertModel"], "the name that both libraries know"
    np.testing.assert_array_equal(model([[2, 3]]).pooler_output.numpy(), again([[2, 3]]).pooler_output.numpy())


def test_weights_are_reported_in_the_words_of_the_notebooks(
    classifier: Path, encoder: Path, caplog: pytest.LogCaptureFixture
) -> None:
    with caplog.at_level(logging.WARNING):
        TFAutoModel.from_pretrained(classifier)
    (unused,) = caplog.messages
    assert unused.startswith(
        "Some weights of the PyTorch model were not used when initializing the TF 2.0 model TFBertModel: "
        "['classifier.bias', 'classifier.weight']\n"
        "- This IS expected if you are initializing TFBertModel from a PyTorch model trained on another task or with "
        "another architecture (e.g. initializing a TFBertForSequenceClassification model from a BertForPreTraining "
        "model).\n"
    )
    assert (
        "\nAll the weights of TFBertModel were initialized from the PyTorch model.\nIf your task is similar" in unused
    )
    caplog.clear()
    TFBertForSequenceClassification.from_pretrained(encoder)
    assert caplog.messages == [
        "All PyTorch model weights were used when initializing TFBertForSequenceClassification.\n\n"
        "Some weights or buffers of the TF 2.0 model TFBertForSequenceClassification were not initialized from the "
        "PyTorch model and are newly initialized: ['classifier.weight', 'classifier.bias']\n"
        "You should probably TRAIN this model on a down-stream task to be able to use it for predictions and inference."
    ]


def test_another_engine_is_refused(classifier: Path) -> None:
    with pytest.raises(InputError, match="Use BertModel, which computes on every engine"):
        TFBertModel.from_pretrained(classifier, engine="numpy")


def test_tensors_of_two_kinds_are_refused(classifier: Path) -> None:
    model = pellucid.BertModel.from_pretrained(classifier)
    with pytest.raises(InputError, match="two kinds"):
        model(tf.constant([[2, 3]]), attention_mask=np.ones((1, 2)))
    assert isinstance(model(tf.constant([[2, 3]])).pooler_output, tf.Tensor)


def threads_agree(model: Any) -> bool:
    from concurrent.futures import ThreadPoolExecutor

    batches = [[[2, *range(5, 5 + n), 3]] for n in range(12)]
    expected = [model(batch).logits.numpy() for batch in batches]
    with ThreadPoolExecutor(8) as pool:
        got = list(pool.map(lambda batch: model(batch).logits.numpy(), batches * 4))
    return all(np.allclose(one, expected[i % 12], atol=1e-6) for i, one in enumerate(got))


def test_one_model_is_called_from_many_threads(classifier: Path) -> None:
    assert threads_agree(TFAutoModelForSequenceClassification.from_pretrained(classifier))
