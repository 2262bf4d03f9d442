from __future__ import annotations

import logging
from typing import Any

import pytest

from pellucid.errors import InputError, TokenizerError
from pellucid.tokenizers import AddedToken, BertTokenizerFast


def test_each_role_is_an_attribute_with_an_id(tiny: Any) -> None:
    assert (tiny.cls_token, tiny.cls_token_id) == ("[CLS]", 2)
    assert (tiny.pad_token, tiny.pad_token_id, tiny.pad_token_type_id) == ("[PAD]", 0, 0)
    assert tiny.special_tokens_map == {
        "unk_token": "[UNK]",
        "sep_token": "[SEP]",
        "pad_token": "[PAD]",
        "cls_token": "[CLS]",
        "mask_token": "[MASK]",
    }
    assert tiny.all_special_tokens == ["[UNK]", "[SEP]", "[PAD]", "[CLS]", "[MASK]"]
    assert tiny.all_special_ids == [1, 3, 0, 2, 4]


def test_a_role_that_nobody_fills_is_none_and_says_so_if_asked_to(tiny: Any, caplog: pytest.LogCaptureFixture) -> None:
    assert tiny.bos_token is None
    assert tiny.bos_token_id is None
    assert not caplog.records
    tiny.verbose = True
    with caplog.at_level(logging.ERROR, logger="pellucid.tokenizers"):
        assert tiny.eos_token is None
    assert caplog.messages == ["Using eos_token, but it is not set yet."]


def test_roles_are_set_by_token_and_by_id(tiny: Any) -> None:
    tiny.pad_token = "[MASK]"
    assert tiny.pad_token_id == 4
    tiny.eos_token_id = 3
    assert tiny.eos_token == "[SEP]"
    tiny.bos_token = AddedToken("[CLS]")
    assert tiny.bos_token == "[CLS]"
    tiny.additional_special_tokens_ids = [5, 6]
    assert tiny.additional_special_tokens == ["a", "b"]
    with pytest.raises(ValueError, match="Cannot set a non-string value as the pad_token"):
        tiny.pad_token = 3
    with pytest.raises(InputError, match="No token has the id 99"):
        tiny.pad_token_id = 99


def test_added_tokens_are_never_split_and_join_the_vocabulary(tiny: Any) -> None:
    assert tiny.add_tokens(["<new>", "hello", AddedToken("<x>", lstrip=True)]) == 3
    assert tiny.add_tokens("<new>") == 0
    assert tiny.add_tokens([]) == 0
    assert (len(tiny), tiny.vocab_size) == (17, 15)
    assert tiny.tokenize("a<new>b") == ["a", "<new>", "b"]
    assert tiny.get_added_vocab()["<new>"] == tiny.vocab["<new>"] == 15
    assert tiny.added_tokens_decoder[16].lstrip
    with pytest.raises(InputError, match="Token 1 is of type int"):
        tiny.add_tokens(["a", 3])


def test_a_call_under_way_keeps_the_vocabulary_it_began_with(tiny: Any) -> None:
    before = tiny.backend_tokenizer
    tiny.add_tokens(["<new>"])
    assert tiny.backend_tokenizer is not before
    assert before.get_vocab_size() == 15


def test_special_tokens_added_by_role_are_skipped_in_decoding(tiny: Any) -> None:
    assert tiny.add_special_tokens({"eos_token": "<eos>", "pad_token": "[PAD]"}) == 1
    assert tiny.eos_token_id == 15
    assert tiny.decode(tiny.encode("a <eos>"), skip_special_tokens=True) == "a"
    assert tiny.add_special_tokens({"additional_special_tokens": ["<1>"]}) == 1
    assert tiny.add_special_tokens({"additional_special_tokens": ["<2>"]}, replace_additional_special_tokens=False) == 1
    assert tiny.additional_special_tokens == ["<1>", "<2>"]
    assert tiny.add_special_tokens({"additional_special_tokens": ["<3>"]}) == 1
    assert tiny.additional_special_tokens == ["<3>"]
    assert tiny.add_special_tokens({}) == 0


def test_impossible_roles_are_refused(tiny: Any, tiny_vocabulary: Any) -> None:
    with pytest.raises(InputError, match=r"Key pad is not a special token. The roles are: bos_token"):
        tiny.add_special_tokens({"pad": "[PAD]"})
    with pytest.raises(TokenizerError, match="Special token pad_token has to be either str or AddedToken but got: int"):
        tiny.add_special_tokens({"pad_token": 1})
    with pytest.raises(TokenizerError, match="Special token cls_token has to be"):
        BertTokenizerFast(tiny_vocabulary, cls_token=["[CLS]"])
    with pytest.raises(TokenizerError, match="tokenize conflicts with the method tokenize"):
        BertTokenizerFast(tiny_vocabulary, tokenize=True)


def test_rows_of_ids_get_their_special_tokens(tiny: Any) -> None:
    assert tiny.num_special_tokens_to_add() == 2
    assert tiny.num_special_tokens_to_add(pair=True) == 3
    assert tiny.build_inputs_with_special_tokens([5, 6]) == [2, 5, 6, 3]
    assert tiny.build_inputs_with_special_tokens([5], [6]) == [2, 5, 3, 6, 3]
    assert tiny.create_token_type_ids_from_sequences([5], [6]) == [0, 0, 0, 1, 1]
    assert tiny.create_token_type_ids_from_sequences([5]) == [0, 0, 0]
    assert tiny.get_special_tokens_mask([2, 5, 3, 0], already_has_special_tokens=True) == [1, 0, 1, 1]
    assert tiny.get_special_tokens_mask([5, 6]) == [1, 0, 0, 1]
    assert tiny.get_special_tokens_mask([5], [6]) == [1, 0, 1, 0, 1]
    with pytest.raises(InputError, match="is one list"):
        tiny.get_special_tokens_mask([5], [6], already_has_special_tokens=True)
    tiny.model_max_length = 10
    assert (tiny.max_len_single_sentence, tiny.max_len_sentences_pair) == (8, 7)


@pytest.mark.reference
def test_adding_tokens_gives_what_the_reference_gives(transformers: Any, minilm: Any) -> None:
    from pellucid.tokenizers import AutoTokenizer

    tokenizers = [kind.from_pretrained(str(minilm)) for kind in (AutoTokenizer, transformers.AutoTokenizer)]
    seen = []
    for tokenizer in tokenizers:
        counts = [
            tokenizer.add_tokens(["<a>", "hello", AddedToken("<B>", lstrip=True, normalized=False)]),
            tokenizer.add_tokens("<a>", special_tokens=True),
            tokenizer.add_special_tokens({"additional_special_tokens": ["<c>", "[unused7]"], "bos_token": "<s>"}),
        ]
        text = "x <a>y <B> <b> <c>hello [unused7]<s>"
        seen.append(
            [
                counts,
                tokenizer(text).data,
                tokenizer.decode(tokenizer.encode(text), skip_special_tokens=True),
                repr(tokenizer),
                tokenizer.all_special_ids,
                tokenizer.special_tokens_map,
            ]
        )
    assert seen[0] == seen[1]
