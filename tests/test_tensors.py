"""Tensors in, tensors out: the kind that was given is the kind that comes back."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from pellucid import AutoModel, AutoModelForSequenceClassification, AutoTokenizer
from pellucid.engines import installed
from pellucid.errors import InputError, RaggedBatchError
from pellucid.tensors import kind_named, package_of

TEXTS = ["the movie was good", "bad"]


@pytest.fixture
def torch() -> Any:
    return pytest.importorskip("torch")


@pytest.mark.parametrize("engine", installed())
def test_pytorch_tensors_come_back_as_pytorch_tensors_with_the_same_numbers(
    classifier: Path, engine: str, torch: Any
) -> None:
    tokenizer = AutoTokenizer.from_pretrained(classifier)
    model = AutoModelForSequenceClassification.from_pretrained(classifier, engine=engine)
    inputs = tokenizer(TEXTS, padding=True, return_tensors="pt")
    assert {value.dtype for value in inputs.values()} == {torch.int64}
    output = model(**inputs, output_hidden_states=True, output_attentions=True)
    expected = model(**tokenizer(TEXTS, padding=True, return_tensors="np"), output_hidden_states=True)
    assert isinstance(output.logits, torch.Tensor)
    np.testing.assert_allclose(output.logits.detach().numpy(), expected.logits, rtol=1e-5, atol=1e-6)
    assert all(isinstance(layer, torch.Tensor) for layer in (*output.hidden_states, *output.attentions))
    probabilities = torch.nn.functional.softmax(output.logits, dim=-1)
    assert probabilities.sum(dim=-1).tolist() == pytest.approx([1, 1])
    assert isinstance(expected.logits, np.ndarray)


def test_lists_come_back_as_numpy_arrays(encoder: Path) -> None:
    assert isinstance(AutoModel.from_pretrained(encoder)([[2, 3]]).last_hidden_state, np.ndarray)


def test_two_kinds_in_one_call_are_refused(encoder: Path, torch: Any) -> None:
    model = AutoModel.from_pretrained(encoder)
    with pytest.raises(InputError, match="two kinds: `input_ids` PyTorch's, `attention_mask` NumPy's"):
        model(torch.tensor([[2, 3]]), attention_mask=np.ones((1, 2)))
    mixed = model(torch.tensor([[2, 3]]), attention_mask=[[1, 1]])
    assert isinstance(mixed.pooler_output, torch.Tensor), "lists go with every kind"


def test_the_tokenizer_speaks_of_pytorch_as_the_reference_does(classifier: Path, torch: Any) -> None:
    tokenizer = AutoTokenizer.from_pretrained(classifier)
    with pytest.raises(RaggedBatchError, match="lengths 6, 3"):
        tokenizer(TEXTS, return_tensors="pt")
    single = tokenizer(TEXTS[0], return_tensors="pt")
    assert single["input_ids"].shape == (1, 6)
    assert tokenizer.decode(single["input_ids"][0]) == "[CLS] the movie was good [SEP]"
    assert tokenizer.batch_decode(single["input_ids"], skip_special_tokens=True) == ["the movie was good"]
    assert single.to("cpu")["input_ids"] is not None
    padded = tokenizer.pad([{"input_ids": torch.tensor([2, 3])}, {"input_ids": torch.tensor([2])}])
    assert isinstance(padded["input_ids"], torch.Tensor)
    assert padded["input_ids"].tolist() == [[2, 3], [2, 0]]


@pytest.mark.reference
def test_pytorch_encodings_are_those_of_the_reference(classifier: Path, torch: Any) -> None:
    transformers = pytest.importorskip("transformers")
    theirs = transformers.BertTokenizerFast(classifier / "vocab.txt")(TEXTS, padding=True, return_tensors="pt")
    ours = AutoTokenizer.from_pretrained(classifier)(TEXTS, padding=True, return_tensors="pt")
    assert list(ours) == list(theirs)
    for key in theirs:
        assert torch.equal(ours[key], theirs[key])
    assert repr(ours) == repr(theirs)


def test_an_unknown_kind_names_the_known_ones(classifier: Path) -> None:
    tokenizer = AutoTokenizer.from_pretrained(classifier)
    with pytest.raises(InputError, match="return_tensors='jax' is not available. Give one of 'np', 'pt', 'tf'"):
        tokenizer(TEXTS[0], return_tensors="jax")


def test_a_kind_whose_library_is_missing_says_so(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "torch", None)
    with pytest.raises(InputError, match="return_tensors='pt' needs the package `torch`, which is not installed"):
        kind_named("pt")


def test_arrays_are_recognised_without_importing_their_library() -> None:
    assert package_of([1]) is None
    assert package_of(np.ones(1)) == "numpy"
    code = (
        "import sys; from pellucid.tensors import package_of; package_of([1]); "
        "exit('torch' in sys.modules or 'numpy' in sys.modules)"
    )
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0
