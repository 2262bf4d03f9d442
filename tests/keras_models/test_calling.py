"""A TensorFlow class as a Keras model: its variables, its gradients, and its calls, eager and in graphs."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest

from pellucid import (
    AutoModel,
    AutoTokenizer,
    BertConfig,
    DistilBertConfig,
    TFAutoModel,
    TFAutoModelForSequenceClassification,
    TFBertForSequenceClassification,
    TFBertModel,
    TFDistilBertForSequenceClassification,
    TFDistilBertModel,
)
from pellucid.errors import EngineError, InputError, PellucidError
from pellucid.packing import pack_rectangle
from support.tiny import SIZES

tf = pytest.importorskip("tensorflow")
keras = pytest.importorskip("keras")

IDS = [[2, 5, 6, 7, 3, 9], [2, 8, 3, 0, 0, 0], [0, 0, 2, 30, 31, 3]]
MASK = [[1, 1, 0, 1, 1, 1], [1, 1, 1, 0, 0, 0], [0, 0, 1, 1, 1, 1]]
TYPES = [[0, 0, 0, 1, 1, 1], [0, 1, 1, 0, 0, 0], [0, 0, 0, 0, 1, 1]]

SMALL = {**SIZES["bert"], "initializer_range": 0.5, "num_hidden_layers": 1}
SMALL_DISTILLED = {**SIZES["distilbert"], "initializer_range": 0.5, "n_layers": 1}


@pytest.fixture
def model() -> Any:
    return TFBertForSequenceClassification(BertConfig(**SMALL))


def everything(output: Any) -> list[np.ndarray[Any, Any]]:
    return [np.asarray(value) for value in tf.nest.flatten(dict(output))]


# Layers and variables.


def test_a_model_is_shown_as_keras_shows_its_models(model: Any) -> None:
    assert isinstance(model, keras.Model)
    assert repr(TFBertModel(BertConfig(**SMALL), name="one")) == "<TFBertModel name=one, built=True>"
    lines: list[str] = []
    model.summary(print_fn=lines.append)
    assert "bert (Part)" in "\n".join(lines)
    assert model.count_params() == model.num_parameters() == sum(int(np.prod(v.shape)) for v in model.weights)


def test_weights_are_variables_under_the_names_of_the_hub_in_pytorchs_layout(model: Any) -> None:
    held = {variable.path.partition("/")[2]: tuple(variable.shape) for variable in model.trainable_variables}
    hub = {
        name.replace(".", "/").replace("layer/0", "layer_._0"): tensor.shape
        for name, tensor in model.named_tensors().items()
    }
    assert held == hub
    assert tuple(model.bert.encoder.layer[0].intermediate.dense.weight.shape) == (40, 24)
    assert (
        model.bert.encoder.layer[0].output.dense.weight is model._held._variables["layers.0.feed_forward.outer.weight"]
    )


def test_an_encoder_has_its_part_under_the_familys_name_too() -> None:
    assert [layer.name for layer in TFBertModel(BertConfig(**SMALL)).layers] == ["bert"]
    distilled = TFDistilBertForSequenceClassification(DistilBertConfig(**SMALL_DISTILLED))
    assert [layer.name for layer in distilled.layers] == ["distilbert", "pre_classifier", "classifier"]


def test_a_part_is_not_called(model: Any) -> None:
    with pytest.raises(InputError, match="A part of a model \\('bert'\\) is not called by itself"):
        model.bert(tf.constant([[1.0]]))


def test_another_layer_in_the_place_of_a_part_is_refused(model: Any) -> None:
    for owner, name in ((model, "classifier"), (model.bert.encoder.layer[0], "output")):
        with pytest.raises(InputError, match="another layer in its place would not be computed with"):
            setattr(owner, name, keras.layers.Dense(3))


def test_no_weight_is_a_constant_of_a_graph(model: Any) -> None:
    graph = model._served().get_concrete_function().graph
    sizes = [
        int(np.prod([axis.size for axis in node.attr["value"].tensor.tensor_shape.dim], dtype=int))
        for node in graph.as_graph_def().node
        if node.op == "Const"
    ]
    assert sizes
    assert max(sizes) < 24, "the smallest weight has 24 numbers"


# Gradients.


@pytest.mark.parametrize("family", ["bert", "distilbert"])
def test_gradients_are_slopes_of_the_loss(family: str) -> None:
    """Of every parameter, along a random direction, against a difference quotient in float64."""
    model: Any = (
        TFBertForSequenceClassification(BertConfig(**SMALL, num_labels=3), dtype="float64")
        if family == "bert"
        else TFDistilBertForSequenceClassification(DistilBertConfig(**SMALL_DISTILLED, num_labels=3), dtype="float64")
    )

    def loss() -> Any:
        return tf.reduce_sum(model(tf.constant(IDS), tf.constant(MASK), labels=tf.constant([0, 2, 1])).loss)

    with tf.GradientTape() as tape:
        value = loss()
    gradients = tape.gradient(value, model.trainable_variables)
    random, step = np.random.default_rng(0), 1e-5
    for variable, gradient in zip(model.trainable_variables, gradients, strict=True):
        now, direction = variable.numpy(), random.standard_normal(variable.shape)
        both = []
        for sign in (1, -1):
            variable.assign(now + sign * step * direction)
            both.append(loss().numpy())
        variable.assign(now)
        slope = (both[0] - both[1]) / (2 * step)
        assert np.vdot(tf.convert_to_tensor(gradient), direction) == pytest.approx(slope, rel=1e-5, abs=1e-8), (
            variable.path
        )


def test_arrays_of_numpy_come_back_without_gradients_and_tensors_with_them(model: Any) -> None:
    with tf.GradientTape(persistent=True) as tape:
        assert isinstance(model(np.array(IDS)).logits, np.ndarray)
        logits = model(tf.constant(IDS)).logits
    assert tape.gradient(logits, model.classifier.bias) is not None


# Calls.


def test_every_form_of_arguments_gives_the_same(model: Any) -> None:
    expected = model(IDS, MASK, TYPES).logits.numpy()
    named = {"input_ids": tf.constant(IDS), "attention_mask": tf.constant(MASK), "token_type_ids": tf.constant(TYPES)}
    for got in (
        model(**named),
        model(named),
        model(list(named.values())),
        model(tf.constant(IDS, tf.int64), attention_mask=tf.constant(MASK, tf.float32), token_type_ids=TYPES),
        model({name: np.array(value) for name, value in named.items()}),
    ):
        np.testing.assert_allclose(got.logits, expected, atol=1e-6)
    np.testing.assert_allclose(model(IDS[0]).logits, model([IDS[0]]).logits, atol=1e-6)
    assert len(model(named, return_dict=False)) == 1


@pytest.mark.parametrize("dtype", ["float32", "float64", "bfloat16", "float16"])
@pytest.mark.parametrize("name", ["bert", "distilbert"])
def test_numbers_are_those_of_numpy_with_padding_left_and_holes(
    name: str, dtype: str, tmp_path: Path, encoder: Path
) -> None:
    folder, arguments = encoder, {"token_type_ids": TYPES}
    if name == "distilbert":
        folder, arguments = tmp_path, {}
        TFDistilBertModel(DistilBertConfig(**SMALL_DISTILLED)).save_pretrained(tmp_path)
    asked: dict[str, Any] = {**arguments, "output_hidden_states": True, "output_attentions": True}
    judge = AutoModel.from_pretrained(folder, engine="numpy", dtype="float64")(IDS, MASK, **asked)
    got = TFAutoModel.from_pretrained(folder, dtype=dtype)(IDS, MASK, **asked)
    assert got.last_hidden_state.dtype == dtype
    assert list(got) == [name for name in got.names() if name in judge]
    bounds = {"float32": (1e-4, 1e-5), "float64": (1e-9, 1e-10)}.get(dtype, (0.1, 0.3))
    for key in judge:
        pairs = zip(tf.nest.flatten(got[key]), tf.nest.flatten(judge[key]), strict=True)
        for mine, other in pairs:
            np.testing.assert_allclose(np.asarray(mine).astype(float), other, *bounds, err_msg=key)
            if key in ("last_hidden_state", "hidden_states"):
                assert not np.asarray(mine)[~np.array(MASK, bool)].any(), "zeros at padding"


def test_a_graph_answers_as_an_eager_call(model: Any) -> None:
    asked = {"output_hidden_states": True, "output_attentions": True}

    @tf.function(input_signature=[tf.TensorSpec([None, None], tf.int64)] * 2)
    def graph(ids: Any, mask: Any) -> Any:
        return model(ids, attention_mask=mask, labels=tf.zeros([tf.shape(ids)[0]], tf.int32), **asked)

    for ids, mask in ((IDS, MASK), ([[2, 3]], [[1, 1]])):
        expected = model(tf.constant(ids), tf.constant(mask), labels=tf.zeros(len(ids), tf.int32), **asked)
        got = graph(tf.constant(ids, tf.int64), tf.constant(mask, tf.int64))
        assert type(got) is type(expected)
        for mine, other in zip(everything(got), everything(expected), strict=True):
            np.testing.assert_allclose(mine, other, atol=1e-5)


def test_in_a_graph_one_row_is_a_batch_and_all_that_is_left_out_is_filled_up(model: Any) -> None:
    one = tf.function(lambda ids: model(ids, position_ids=tf.range(6)[tf.newaxis] + 1).logits)
    expected = model([IDS[0]], position_ids=[[1, 2, 3, 4, 5, 6]]).logits
    np.testing.assert_allclose(one(tf.constant(IDS[0])), expected, atol=1e-6)
    np.testing.assert_allclose(
        tf.function(lambda: model([IDS[0], IDS[2]]).logits)(), model([IDS[0], IDS[2]]).logits, atol=1e-6
    )


def test_a_model_is_a_layer_of_a_model(model: Any) -> None:
    inputs = {name: keras.Input((None,), dtype="int32", name=name) for name in ("input_ids", "attention_mask")}
    joined = keras.Model(inputs, keras.layers.Activation("softmax")(model(inputs).logits))
    given = {"input_ids": tf.constant(IDS), "attention_mask": tf.constant(MASK)}
    np.testing.assert_allclose(joined(given), tf.nn.softmax(model(given).logits), atol=1e-6)


@pytest.mark.parametrize("seed", range(4))
def test_a_graph_packs_as_the_host_does(seed: int) -> None:
    from pellucid.engines.tensorflow_layout import Rectangle

    random = np.random.default_rng(seed)
    ids, types = random.integers(0, 99, (2, 5, 9))
    mask = random.random((5, 9)) < 0.4
    mask[:, 4] = True
    packed = pack_rectangle(ids, mask, types)
    given = {"input_ids": ids, "attention_mask": mask, "token_type_ids": types}
    rectangle = Rectangle.of({name: tf.constant(value) for name, value in given.items()})
    for in_columns in (True, False):
        made = rectangle.packed(in_columns=in_columns)
        for got, expected in (
            (made.ids, packed.ids), (made.types, packed.types), (made.positions, packed.positions),
            (made.layout.first_rows, packed.starts),
        ):  # fmt: skip
            np.testing.assert_array_equal(got, expected)
        rows = np.asarray(made.layout.row_of_cell)
        assert rows.shape == (5, 9 if in_columns else mask.any(axis=0).sum())
        np.testing.assert_array_equal(rows.ravel()[made.layout.cell_of_row], np.arange(mask.sum()))
    np.testing.assert_array_equal(rectangle.unpacked(tf.constant(packed.ids)[:, tf.newaxis])[..., 0], ids * mask)


def test_dropout_changes_the_answers_of_training_alone(model: Any) -> None:
    given = {"input_ids": tf.constant(IDS), "attention_mask": tf.constant(MASK)}
    quiet = [model(given, training=False).logits.numpy() for _ in range(2)]
    loud = [model(given, training=True).logits.numpy() for _ in range(2)]
    np.testing.assert_array_equal(*quiet)
    assert np.abs(loud[0] - loud[1]).max() > 1e-3
    assert np.abs(loud[0] - quiet[0]).max() > 1e-3


def test_what_is_dropped_is_what_the_config_says() -> None:
    changes = {"hidden_dropout_prob": 0.0, "attention_probs_dropout_prob": 0.0}
    still = TFBertForSequenceClassification(BertConfig(**SMALL, **changes))
    np.testing.assert_array_equal(still(IDS, MASK, training=True).logits, still(IDS, MASK).logits)
    gone = TFBertForSequenceClassification(BertConfig(**SMALL, **changes, classifier_dropout=1.0))
    np.testing.assert_array_equal(gone(IDS, MASK, training=True).logits, np.zeros((3, 2)))


def test_the_loss_has_one_number_for_each_text(model: Any) -> None:
    output = model(IDS, MASK, labels=[1, -100, 0])
    log_likely = tf.nn.log_softmax(output.logits).numpy()
    np.testing.assert_allclose(output.loss, [-log_likely[0, 1], 0, -log_likely[2, 0]], rtol=1e-5)
    assert next(iter(output)) == "loss"


# What cannot be computed on.


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"input_ids": [[2, 9999]]}, r"id 9999 at \[0, 1\] is outside the vocabulary"),
        ({"input_ids": [[2] * 41]}, "Text 0 has 41 tokens; .* accepts at most 40"),
        ({"input_ids": [[2, 3]], "attention_mask": [[0, 0]]}, "Row 0 of `attention_mask` has no token"),
        ({"input_ids": [[2, 5], [2]]}, "rows of `input_ids` have 2, 1 values"),
        ({"input_ids": [[2]], "labels": [7]}, "The label 7 of row 0 is none of the model's 2 labels"),
        ({}, "without `input_ids`"),
    ],
    ids=str,
)
def test_what_cannot_be_computed_on_is_told(model: Any, arguments: dict[str, Any], message: str) -> None:
    for call in (lambda: model(**arguments), lambda: model(arguments)):
        with pytest.raises(PellucidError, match=message):
            call()


@pytest.mark.parametrize(
    ("ids", "mask", "message"),
    [
        ([[2, 9999]], [[1, 1]], "The ids of the tokens must be from 0 to"),
        ([[2] * 41], [[1] * 41], "The positions of the tokens must be from 0 to 39"),
        ([[2, 3]], [[0, 0]], "A row of `attention_mask` has no token"),
    ],
    ids=["ids", "positions", "mask"],
)
def test_in_a_graph_it_is_told_when_the_graph_is_run(model: Any, ids: Any, mask: Any, message: str) -> None:
    graph = tf.function(lambda ids, mask: model(ids, attention_mask=mask).logits)
    with pytest.raises(tf.errors.InvalidArgumentError, match=message):
        graph(tf.constant(ids), tf.constant(mask))
    assert graph(tf.constant([[2, 9999]]), tf.constant([[1, 0]])).shape == (1, 2), "padding may hold anything"


def test_an_encoder_takes_no_labels_and_a_family_without_types_no_types() -> None:
    with pytest.raises(InputError, match="TFBertModel has no head to compute a loss of"):
        TFBertModel(BertConfig(**SMALL))(IDS, labels=[0, 0, 0])
    with pytest.raises(InputError, match="TFDistilBertModel takes no `token_type_ids`"):
        TFDistilBertModel(DistilBertConfig(**SMALL_DISTILLED))(IDS, token_type_ids=TYPES)


def test_another_backend_of_keras_is_told(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(keras.backend, "backend", lambda: "jax")
    with pytest.raises(EngineError, match="a Keras model on TensorFlow, and Keras runs on 'jax'. Set KERAS_BACKEND="):
        TFBertModel(BertConfig(**SMALL))


def test_a_mixed_policy_computes_in_half_precision_and_keeps_the_weights_in_full(model: Any) -> None:
    keras.config.set_dtype_policy("mixed_float16")
    try:
        mixed = TFBertForSequenceClassification(BertConfig(**SMALL))
        plain = TFBertForSequenceClassification(BertConfig(**SMALL), dtype="float32")
    finally:
        keras.config.set_dtype_policy("float32")
    assert {variable.dtype for variable in mixed.weights} == {"float32"}
    assert (mixed(IDS, MASK).logits.dtype, plain(IDS, MASK).logits.dtype) == (tf.float16, tf.float32)
    np.testing.assert_allclose(mixed(IDS, MASK).logits, model(IDS, MASK).logits, atol=0.05)


def test_a_batch_encoding_goes_in(classifier: Path) -> None:
    model = TFAutoModelForSequenceClassification.from_pretrained(classifier)
    tokenizer = AutoTokenizer.from_pretrained(classifier)
    texts = ["the movie was good", "i hate this so not !"]
    tensors, arrays = (model(tokenizer(texts, padding=True, return_tensors=kind)) for kind in ("tf", "np"))
    np.testing.assert_allclose(tensors.logits, arrays.logits, atol=1e-6)
    assert (type(tensors.logits), type(arrays.logits)) == (type(tf.constant(0)), np.ndarray)
