from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

import pellucid.tokenizers
from pellucid.errors import TokenizerError
from pellucid.tokenizers import BertTokenizerFast
from support.tokenizer_files import FIRST_PIECES, write_byte_level, write_sentencepiece
from support.tokenizer_parity import check_same_tokenizer

CORPUS = [["the cat sat on the mat", "the dog sat on the log"], ["cats and dogs and logs"]] * 20


def test_a_new_vocabulary_splits_as_the_old_one_did(tiny: Any) -> None:
    trained = tiny.train_new_from_iterator(CORPUS, vocab_size=80, show_progress=False)
    assert type(trained) is BertTokenizerFast
    assert trained.tokenize("The cat!") == ["the", "cat", "[UNK]"]
    row = trained("the mat", "the log")
    assert row.tokens() == ["[CLS]", "the", "mat", "[SEP]", "the", "log", "[SEP]"]
    assert row.token_type_ids == [0, 0, 0, 0, 1, 1, 1]
    assert tiny.tokenize("hello") == ["hello"]


def test_special_tokens_may_be_renamed_and_added(tiny: Any) -> None:
    trained = tiny.train_new_from_iterator(
        CORPUS,
        vocab_size=80,
        new_special_tokens=["<new>"],
        special_tokens_map={"[CLS]": "<s>", "[UNK]": "<unk>"},
        show_progress=False,
    )
    assert (trained.cls_token, trained.unk_token) == ("<s>", "<unk>")
    assert trained("cat <new> ü").tokens() == ["<s>", "cat", "<new>", "<unk>", "[SEP]"]
    assert "<new>" in trained.all_special_tokens


def test_arguments_that_no_trainer_takes_are_refused(tiny: Any) -> None:
    with pytest.raises(TokenizerError, match="The trainer cannot be made of these arguments"):
        tiny.train_new_from_iterator(CORPUS, vocab_size="many")


@pytest.mark.reference
def test_training_gives_what_the_reference_gives(uncased: Any, reference_uncased: Any) -> None:
    mine, reference = (
        tokenizer.train_new_from_iterator(
            CORPUS, 60, new_special_tokens=["<n>"], special_tokens_map={"[MASK]": "<m>"}, show_progress=False
        )
        for tokenizer in (uncased, reference_uncased)
    )
    assert set(mine.get_vocab()) == set(reference.get_vocab())
    assert mine.special_tokens_map == reference.special_tokens_map
    assert mine.tokenize("the cat <m> <n>") == reference.tokenize("the cat <m> <n>")


@pytest.mark.parametrize("name", ["RobertaTokenizer", "DebertaTokenizer"])
@pytest.mark.reference
def test_a_byte_level_tokenizer_trained_anew_is_that_of_the_reference(
    name: str, transformers: Any, tmp_path: Path
) -> None:
    special = ["<s>", "<pad>", "</s>", "<unk>", "<mask>", "[PAD]", "[CLS]", "[SEP]", "[UNK]", "[MASK]"]
    folder = str(write_byte_level(tmp_path, special))
    trained = [
        getattr(library, f"{name}Fast")
        .from_pretrained(folder)
        .train_new_from_iterator(CORPUS, 300, show_progress=False)
        for library in (pellucid.tokenizers, transformers)
    ]
    check_same_tokenizer(*trained)


@pytest.mark.parametrize("name", FIRST_PIECES)
def test_a_sentencepiece_tokenizer_can_be_trained_anew(name: str, tmp_path: Path) -> None:
    tokenizer = getattr(pellucid.tokenizers, name).from_pretrained(write_sentencepiece(tmp_path / "old", name))
    trained = tokenizer.train_new_from_iterator(CORPUS, 300, show_progress=False)
    assert type(trained) is type(tokenizer)
    row = trained("hello  world <mask>", "b")
    assert row.input_ids[0] == trained.cls_token_id
    assert row.input_ids[-1] == trained.sep_token_id
    trained.save_pretrained(tmp_path / "new")
    assert type(tokenizer).from_pretrained(tmp_path / "new")("hello  world <mask>", "b").data == row.data
