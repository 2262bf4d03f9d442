"""What the course notebooks print about tokenizers, value for value."""

from __future__ import annotations

import json
import os
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from pellucid.tokenizers import AutoTokenizer, BertTokenizer

SENTENCE = "I love to learn about LLMs!"
COURSE = "I've been waiting for a HuggingFace course my whole life."


@pytest.fixture
def bert_base_cased(tmp_path: Path, cased_vocabulary: Path) -> Path:
    """The tokenizer files of bert-base-cased without its tokenizer.json."""
    folder = tmp_path / "bert-base-cased"
    folder.mkdir()
    (folder / "vocab.txt").write_bytes(cased_vocabulary.read_bytes())
    (folder / "tokenizer_config.json").write_text(json.dumps({"do_lower_case": False, "model_max_length": 512}))
    (folder / "config.json").write_text(json.dumps({"model_type": "bert"}))
    return folder


@pytest.fixture
def sst2(tmp_path: Path, minilm: Path) -> Any:
    """The tokenizer of distilbert-base-uncased-finetuned-sst-2-english."""
    folder = tmp_path / "sst-2"
    folder.mkdir()
    (folder / "vocab.txt").write_bytes((minilm / "vocab.txt").read_bytes())
    (folder / "tokenizer_config.json").write_text(json.dumps({"do_lower_case": True, "model_max_length": 512}))
    (folder / "config.json").write_text(json.dumps({"model_type": "distilbert"}))
    return AutoTokenizer.from_pretrained(folder)


def test_both_classes_print_the_tokens_and_ids_of_the_first_notebook(bert_base_cased: Path) -> None:
    for tokenizer in (BertTokenizer.from_pretrained(bert_base_cased), AutoTokenizer.from_pretrained(bert_base_cased)):
        tokens = tokenizer.tokenize(SENTENCE)
        assert tokens == ["I", "love", "to", "learn", "about", "LL", "##Ms", "!"]
        ids = tokenizer.convert_tokens_to_ids(tokens)
        assert ids == [146, 1567, 1106, 3858, 1164, 12427, 25866, 106]
        assert str(tokenizer(SENTENCE)) == (
            "{'input_ids': [101, 146, 1567, 1106, 3858, 1164, 12427, 25866, 106, 102], "
            "'token_type_ids': [0, 0, 0, 0, 0, 0, 0, 0, 0, 0], "
            "'attention_mask': [1, 1, 1, 1, 1, 1, 1, 1, 1, 1]}"
        )


def test_saving_returns_the_four_paths_of_the_first_notebook(
    bert_base_cased: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    tokenizer = BertTokenizer.from_pretrained(bert_base_cased)
    assert tokenizer.save_pretrained("BertTokenizerFiles") == tuple(
        os.path.join("BertTokenizerFiles", name)  # noqa: PTH118 - the notebook prints plain strings
        for name in ("tokenizer_config.json", "special_tokens_map.json", "vocab.txt", "added_tokens.json")
    )


def test_four_sentences_of_the_first_notebook_pad_to_thirteen_tokens(bert_base_cased: Path) -> None:
    sequences = [
        SENTENCE,
        "actually, I love to learn about anything tech related!",
        "and I love to learn about languages",
        "NLP is perfect!",
    ]
    inputs = AutoTokenizer.from_pretrained(bert_base_cased)(
        sequences, padding=True, truncation=True, return_tensors="np"
    )
    assert inputs.input_ids.shape == (4, 13)


def test_two_sentences_of_the_second_notebook(sst2: Any) -> None:
    raw_inputs = ["this is the best thing happened to me", "I hate this so much!"]
    inputs = sst2(raw_inputs, padding=True, truncation=True, return_tensors="np")
    assert list(inputs) == ["input_ids", "attention_mask"]
    np.testing.assert_array_equal(
        inputs["input_ids"],
        [
            [101, 2023, 2003, 1996, 2190, 2518, 3047, 2000, 2033, 102],
            [101, 1045, 5223, 2023, 2061, 2172, 999, 102, 0, 0],
        ],
    )
    np.testing.assert_array_equal(inputs.attention_mask, [[1] * 10, [1] * 8 + [0] * 2])


def test_three_words_of_the_second_notebook_need_no_padding(sst2: Any) -> None:
    inputs = sst2(["Hello!", "Cool.", "Nice!"], return_tensors="np")
    expected = [[101, 7592, 999, 102], [101, 4658, 1012, 102], [101, 3835, 999, 102]]
    np.testing.assert_array_equal(inputs.input_ids, expected)


def test_the_course_sentence_of_the_second_notebook(sst2: Any) -> None:
    ids = sst2.convert_tokens_to_ids(sst2.tokenize(COURSE))
    assert ids == [1045, 1005, 2310, 2042, 3403, 2005, 1037, 17662, 12172, 2607, 2026, 2878, 2166, 1012]
    assert sst2(COURSE)["input_ids"] == [101, *ids, 102]
    assert sst2(COURSE, return_tensors="np").input_ids.tolist() == [[101, *ids, 102]]
    assert sst2.decode([101, *ids, 102]) == "[CLS] i've been waiting for a huggingface course my whole life. [SEP]"
    assert sst2.decode(ids) == "i've been waiting for a huggingface course my whole life."
    assert sst2.pad_token_id == 0
