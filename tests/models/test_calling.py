"""Calling a model: rectangles in, rectangles out; and what cannot be computed on."""

from __future__ import annotations

import threading
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from pellucid import AutoModel, AutoModelForSequenceClassification, AutoTokenizer, DistilBertConfig, DistilBertModel
from pellucid.engines import installed
from pellucid.engines.kernels import WithKernels
from pellucid.errors import IdsOutOfRangeError, InputError, InputTypeError, RaggedBatchError, TextTooLongError
from pellucid.outputs import ModelOutput

ENGINES = installed()

IDS = [[2, 5, 6, 7, 3], [2, 8, 3, 0, 0]]
MASK = [[1, 1, 1, 1, 1], [1, 1, 1, 0, 0]]


@pytest.fixture(params=ENGINES)
def model(request: pytest.FixtureRequest, classifier: Path) -> Any:
    return AutoModelForSequenceClassification.from_pretrained(classifier, engine=request.param)


@pytest.fixture
def bare(encoder: Path) -> Any:
    return AutoModel.from_pretrained(encoder)


def test_lists_arrays_and_encodings_give_the_same(model: Any, classifier: Path) -> None:
    expected = model(IDS, MASK).logits
    tokens = AutoTokenizer.from_pretrained(classifier)
    encoding = tokens(["a b c", "d"], padding=True, return_tensors="np")
    assert encoding["input_ids"].tolist() == IDS
    for given in (
        model(np.array(IDS), np.array(MASK)),
        model(input_ids=np.array(IDS, np.int32), attention_mask=np.array(MASK, bool)),
        model(**encoding),
        model(encoding),
        model({"input_ids": IDS, "attention_mask": np.array(MASK, np.float32)}),
    ):
        np.testing.assert_array_equal(given.logits, expected)


def test_padding_counts_without_a_mask_and_not_with_one(model: Any) -> None:
    alone = model([IDS[1][:3]]).logits
    np.testing.assert_allclose(model(IDS, MASK).logits[1:], alone, rtol=1e-4, atol=1e-6)
    assert np.abs(model(IDS).logits[1:] - alone).max() > 1e-3


def test_one_row_is_a_batch_of_one(model: Any) -> None:
    np.testing.assert_array_equal(model(IDS[0]).logits, model([IDS[0]]).logits)


def test_an_output_is_reached_by_attribute_key_and_index(bare: Any) -> None:
    output = bare(IDS, MASK, output_hidden_states=True, output_attentions=True)
    assert isinstance(output, ModelOutput)
    assert type(output).__name__ == "BaseModelOutputWithPoolingAndCrossAttentions"
    assert list(output) == ["last_hidden_state", "pooler_output", "hidden_states", "attentions"]
    assert output[0] is output.last_hidden_state is output["last_hidden_state"]
    assert output[1:3] == (output.pooler_output, output.hidden_states)
    assert output.last_hidden_state.shape == (2, 5, 24)
    assert [state.shape for state in output.hidden_states] == [(2, 5, 24)] * 4
    assert [attention.shape for attention in output.attentions] == [(2, 4, 5, 5)] * 3
    assert output.past_key_values is None
    assert "past_key_values" not in output
    assert len(output.to_tuple()) == len(output) == 4
    with pytest.raises(KeyError, match="There is no output 'logits'"):
        _ = output["logits"]
    plain = bare(IDS, MASK)
    assert plain.hidden_states is None
    np.testing.assert_allclose(plain[0], output[0], rtol=1e-5, atol=1e-6)


def test_a_tuple_is_given_when_asked_for(bare: Any) -> None:
    states, pooled = bare(IDS, MASK, return_dict=False)
    assert (states.shape, pooled.shape) == ((2, 5, 24), (2, 24))


def test_attentions_are_zero_at_padding_and_sum_to_one_at_tokens(bare: Any) -> None:
    mask = np.array([[1, 1, 0, 1, 1], [0, 0, 1, 1, 1]])
    for attention in bare(IDS, mask, output_attentions=True).attentions:
        is_token = mask.astype(bool)
        assert (attention * ~is_token[:, None, None, :] == 0).all()
        assert (attention * ~is_token[:, None, :, None] == 0).all()
        np.testing.assert_allclose(np.moveaxis(attention, 1, 2)[is_token].sum(axis=-1), 1, rtol=1e-5)


def test_a_large_batch_is_cut_and_put_together_in_order(model: Any) -> None:
    random = np.random.default_rng(0)
    lengths = random.integers(1, 40, 200)
    ids = random.integers(4, 40, (200, 40))
    mask = np.arange(40) < lengths[:, None]
    whole = model(ids, mask).logits
    for row in (0, 17, 199):
        np.testing.assert_allclose(whole[row], model([ids[row, : lengths[row]]]).logits[0], rtol=1e-4, atol=1e-5)


def test_one_model_is_called_from_many_threads(model: Any) -> None:
    batches = [np.random.default_rng(i).integers(4, 40, (1 + i % 3, 2 + i)) for i in range(12)]
    expected = [model(batch).logits for batch in batches]
    wrong: list[int] = []

    def work(offset: int) -> None:
        for step in range(24):
            i = (offset + step) % len(batches)
            if np.abs(model(batches[i]).logits - expected[i]).max() > 1e-5:
                wrong.append(i)

    threads = [threading.Thread(target=work, args=(offset,)) for offset in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert not wrong


@pytest.mark.parametrize(
    ("arguments", "error", "message"),
    [
        ({"input_ids": [[2, 5], [2]]}, RaggedBatchError, r"rows of `input_ids` have 2, 1 values.*padding=True"),
        ({"input_ids": [[2, 9999]]}, IdsOutOfRangeError, r"id 9999 at \[0, 1\] is outside the vocabulary .* 0 to \d+"),
        ({"input_ids": [[2, -1]]}, IdsOutOfRangeError, r"id -1 at \[0, 1\]"),
        ({"input_ids": [[2], [3]], "token_type_ids": [[0], [2]]}, IdsOutOfRangeError, r"type 2 at \[1, 0\]"),
        ({"input_ids": [[2.0, 3.0]]}, InputTypeError, "`input_ids` holds float64 and must hold whole numbers"),
        ({"input_ids": [["a"]]}, InputTypeError, "`input_ids` holds <U1"),
        ({"input_ids": [[[2]]]}, InputError, r"has the shape \(1, 1, 1\); it must have two axes"),
        ({"input_ids": [[]]}, InputError, "at least one token|must hold whole numbers"),
        (
            {"input_ids": [[2] * 41]},
            TextTooLongError,
            "Text 0 has 41 tokens; .* accepts at most 40. Pass `truncation=True`",
        ),
        ({"input_ids": [[2, 3]], "attention_mask": [[1]]}, InputError, r"shape \(1, 1\), and `input_ids` has \(1, 2\)"),
        ({"input_ids": [[2, 3]], "attention_mask": [[1, 3]]}, InputError, "holds the values 1, 3; it must hold 1"),
        ({"input_ids": [[2, 3], [2, 3]], "attention_mask": [[1, 0], [0, 0]]}, InputError, "Row 1 of `attention_mask`"),
        ({"input_ids": [[2, 3]], "position_ids": [[0, 40]]}, IdsOutOfRangeError, "position 40 in row 0"),
        ({}, InputError, "without `input_ids`"),
    ],
    ids=str,
)
def test_what_cannot_be_computed_on_is_told_and_the_next_call_works(
    model: Any, arguments: dict[str, Any], error: type[Exception], message: str
) -> None:
    with pytest.raises(error, match=message):
        model(**arguments)
    assert model(IDS, MASK).logits.shape == (2, 2)


def test_a_family_without_types_says_so() -> None:
    model = DistilBertModel(DistilBertConfig(vocab_size=9, dim=4, n_heads=2, n_layers=1, hidden_dim=4))
    with pytest.raises(InputError, match="DistilBertModel takes no `token_type_ids`"):
        model([[1, 2]], token_type_ids=[[0, 0]])
    assert type(model([[1, 2]])).__name__ == "BaseModelOutput"


def test_memory_mapped_weights_are_shared_with_the_graph(classifier: Path) -> None:
    model = AutoModelForSequenceClassification.from_pretrained(classifier, engine="openvino")
    model.runner.prepare()
    program, *_ = model.runner._programs[(), None]
    if isinstance(program, WithKernels):
        program = program._engines()
    stored = {tensor.data.__array_interface__["data"][0] for tensor in model.tensors.values()}
    held = {array.__array_interface__["data"][0] for array in program._arrays}
    assert held == stored
