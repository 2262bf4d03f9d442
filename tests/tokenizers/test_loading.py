"""Which class is loaded, from which files, with which options; always as transformers does where it does."""

from __future__ import annotations

import json
import logging
import shutil
from pathlib import Path
from typing import Any

import pytest

from pellucid.errors import CheckpointNotFoundError, TokenizerError, TokenizerNotFoundError
from pellucid.tokenizers import (
    AddedToken,
    AutoTokenizer,
    BertTokenizer,
    BertTokenizerFast,
    DistilBertTokenizer,
    DistilBertTokenizerFast,
    ElectraTokenizerFast,
    PreTrainedTokenizerFast,
    RobertaTokenizerFast,
    XLMRobertaTokenizer,
    XLMRobertaTokenizerFast,
)
from support.tokenizer_parity import check_same_tokenizer


def write(folder: Path, **files: Any) -> Path:
    folder.mkdir(exist_ok=True)
    for name, content in files.items():
        name = {"vocab": "vocab.txt"}.get(name, f"{name}.json")
        (folder / name).write_text(content if isinstance(content, str) else json.dumps(content), encoding="utf-8")
    return folder


@pytest.fixture
def tiny_json(tiny: Any) -> str:
    return str(tiny.backend_tokenizer.to_str())


@pytest.mark.parametrize(
    ("config", "use_fast", "kind"),
    [
        ({"tokenizer_class": "BertTokenizer"}, True, BertTokenizerFast),
        ({"tokenizer_class": "BertTokenizerFast"}, True, BertTokenizerFast),
        ({"tokenizer_class": "BertTokenizer"}, False, BertTokenizer),
        ({"tokenizer_class": "DistilBertTokenizer"}, True, DistilBertTokenizerFast),
        ({"tokenizer_class": "DistilBertTokenizer"}, False, DistilBertTokenizer),
        ({"tokenizer_class": "ElectraTokenizer"}, True, ElectraTokenizerFast),
        ({"tokenizer_class": "RobertaTokenizerFast"}, True, RobertaTokenizerFast),
        ({"tokenizer_class": "XLMRobertaTokenizerFast"}, True, XLMRobertaTokenizerFast),
        ({"tokenizer_class": "XLMRobertaTokenizer"}, False, XLMRobertaTokenizer),
        ({"tokenizer_class": "PreTrainedTokenizerFast"}, True, PreTrainedTokenizerFast),
        ({"tokenizer_class": "TokenizersBackend"}, True, PreTrainedTokenizerFast),
        ({"tokenizer_class": "NobodyKnowsTokenizer"}, True, PreTrainedTokenizerFast),
    ],
)
def test_the_class_is_the_one_that_the_config_names(
    tmp_path: Path, tiny_json: str, config: dict[str, Any], use_fast: bool, kind: type
) -> None:
    folder = write(tmp_path / "model", tokenizer=tiny_json, tokenizer_config=config)
    tokenizer = AutoTokenizer.from_pretrained(folder, use_fast=use_fast)
    assert type(tokenizer) is kind
    assert tokenizer("hello").input_ids == [2, 11, 3]
    assert repr(tokenizer).startswith(f"{kind.__name__}(name_or_path='{folder}', vocab_size=15, ")


@pytest.mark.parametrize(("model_type", "kind"), [("bert", BertTokenizerFast), ("distilbert", DistilBertTokenizerFast)])
def test_without_a_named_class_the_model_type_tells(
    tmp_path: Path, tiny_vocabulary: Path, model_type: str, kind: type
) -> None:
    folder = write(tmp_path / "model", vocab=tiny_vocabulary.read_text(), config={"model_type": model_type})
    assert type(AutoTokenizer.from_pretrained(folder)) is kind


def test_a_model_without_token_types_gets_none_from_an_unknown_class(tmp_path: Path, tiny_json: str) -> None:
    folder = write(tmp_path / "model", tokenizer=tiny_json, config={"model_type": "roberta"})
    assert list(AutoTokenizer.from_pretrained(folder)("a")) == ["input_ids", "attention_mask"]


def test_a_tokenizer_json_alone_is_enough(tmp_path: Path, tiny_json: str) -> None:
    tokenizer = AutoTokenizer.from_pretrained(write(tmp_path / "model", tokenizer=tiny_json))
    assert type(tokenizer) is PreTrainedTokenizerFast
    assert tokenizer("hello").input_ids == [2, 11, 3]
    assert tokenizer.model_max_length == int(1e30)
    assert tokenizer.cls_token is None


def test_an_unknown_class_without_tokenizer_json_lists_what_is_supported(tmp_path: Path) -> None:
    folder = write(tmp_path / "model", tokenizer_config={"tokenizer_class": "XYZTokenizer"}, vocab="a\n")
    with pytest.raises(TokenizerError, match=r"Tokenizer class XYZTokenizer does not exist.*BertTokenizer, .*Distil"):
        AutoTokenizer.from_pretrained(folder)


def test_a_vocabulary_that_nothing_explains_is_not_guessed_at(tmp_path: Path) -> None:
    with pytest.raises(TokenizerError, match=r"neither tokenizer_config.json nor config.json says"):
        AutoTokenizer.from_pretrained(write(tmp_path / "model", vocab="[UNK]\na\n"))


def test_no_files_at_all_lists_the_names_looked_for(tmp_path: Path) -> None:
    folder = write(tmp_path / "model", config={"model_type": "bert"})
    for kind in (AutoTokenizer, BertTokenizer):
        with pytest.raises(TokenizerNotFoundError, match=r"looked for tokenizer.json, vocab.txt") as caught:
            kind.from_pretrained(folder)
        assert isinstance(caught.value, OSError)
    with pytest.raises(TokenizerNotFoundError, match=r"looked for tokenizer.json"):
        PreTrainedTokenizerFast.from_pretrained(folder)
    with pytest.raises(TokenizerNotFoundError, match="needs a vocabulary: give vocab_file="):
        BertTokenizer()
    with pytest.raises(TokenizerError, match="needs a tokenizer: give tokenizer_file="):
        PreTrainedTokenizerFast()
    with pytest.raises(TokenizerNotFoundError, match="There is no tokenizer file"):
        PreTrainedTokenizerFast(tokenizer_file=str(tmp_path / "none.json"))


def test_a_file_is_no_folder(tiny_vocabulary: Path) -> None:
    with pytest.raises(CheckpointNotFoundError, match="is a file"):
        BertTokenizer.from_pretrained(tiny_vocabulary)


def test_only_from_pretrained_makes_sense_of_auto_tokenizer() -> None:
    with pytest.raises(OSError, match="designed to be instantiated using"):
        AutoTokenizer()


def test_every_constructor_gives_the_same_tokenizer(tmp_path: Path, tiny: Any, tiny_vocabulary: Path) -> None:
    file = tmp_path / "tokenizer.json"
    tiny.backend_tokenizer.save(str(file))
    made = [
        BertTokenizer(str(tiny_vocabulary)),
        BertTokenizer(vocab_file=tiny_vocabulary),
        BertTokenizerFast(tokenizer_file=str(file)),
        BertTokenizerFast(tokenizer_object=tiny.backend_tokenizer),
    ]
    for tokenizer in made:
        assert (
            tokenizer("Hello ae [MASK] zzz").input_ids
            == tiny("Hello ae [MASK] zzz").input_ids
            == [2, 11, 5, 9, 4, 1, 3]
        )
        assert tokenizer.backend_tokenizer is not tiny.backend_tokenizer


def test_another_class_than_the_saved_one_is_warned_of(
    tmp_path: Path, tiny_json: str, caplog: pytest.LogCaptureFixture
) -> None:
    folder = write(tmp_path / "model", tokenizer=tiny_json, tokenizer_config={"tokenizer_class": "BertTokenizer"})
    with caplog.at_level(logging.WARNING, logger="pellucid.tokenizers"):
        BertTokenizerFast.from_pretrained(folder)
        assert not caplog.records
        DistilBertTokenizer.from_pretrained(folder)
    assert "not the same type as the class this function is called from" in caplog.text


def test_a_tokenizer_in_a_subfolder_is_found(tmp_path: Path, tiny_json: str) -> None:
    write(tmp_path / "inner", tokenizer=tiny_json)
    assert AutoTokenizer.from_pretrained(tmp_path, subfolder="inner")("a").input_ids == [2, 5, 3]


def test_files_of_transformers_5_load(tmp_path: Path, tiny_json: str) -> None:
    cased = json.loads(tiny_json)
    cased["normalizer"]["lowercase"] = False
    config = {
        "backend": "tokenizers",
        "tokenizer_class": "BertTokenizer",
        "cls_token": {"content": "[CLS]", "lstrip": False, "normalized": False, "rstrip": False, "single_word": False},
        "sep_token": "[SEP]",
        "is_local": True,
        "extra_special_tokens": ["<a>", {"content": "<b>", "special": True, "unheard_of": 1}],
        "model_max_length": 64,
    }
    tokenizer = AutoTokenizer.from_pretrained(write(tmp_path / "model", tokenizer=cased, tokenizer_config=config))
    assert tokenizer.additional_special_tokens == ["<a>", "<b>"]
    assert tokenizer.tokenize("HELLO hello <a> <b>") == ["[UNK]", "hello", "<a>", "<b>"]
    lowering = AutoTokenizer.from_pretrained(tmp_path / "model", do_lower_case=True)
    assert lowering.tokenize("HELLO") == ["hello"]
    assert tokenizer.cls_token_id == 2
    assert tokenizer.model_max_length == 64


def test_extra_special_tokens_by_name_are_attributes(tmp_path: Path, tiny_json: str) -> None:
    config = {"tokenizer_class": "BertTokenizer", "extra_special_tokens": {"image_token": "<image>"}}
    tokenizer = AutoTokenizer.from_pretrained(write(tmp_path / "model", tokenizer=tiny_json, tokenizer_config=config))
    assert tokenizer.image_token == "<image>"
    assert tokenizer.image_token_id == 15
    assert tokenizer.tokenize("a<image>b") == ["a", "<image>", "b"]
    with pytest.raises(AttributeError, match="BertTokenizerFast has no attribute audio_token"):
        _ = tokenizer.audio_token


CONFIGS: list[dict[str, Any]] = [
    {},
    {"do_lower_case": False},
    {"do_lower_case": False, "strip_accents": True},
    {"strip_accents": False},
    {"tokenize_chinese_chars": False},
    {"do_basic_tokenize": False, "do_lower_case": False},
    {"never_split": ["don't"]},
    {"unk_token": "[unused1]"},
    {"cls_token": {"__type": "AddedToken", "content": "[unused2]", "lstrip": True}, "model_max_length": 99},
    {"additional_special_tokens": ["<new>", "[unused5]"], "padding_side": "left", "truncation_side": "left"},
    {"added_tokens_decoder": {"30522": {"content": "<new>", "lstrip": True, "special": False}}},
    {"added_tokens_decoder": {"1": {"content": "[unused0]", "special": True}, "30522": {"content": "<n>"}}},
    {"clean_up_tokenization_spaces": False, "model_input_names": ["input_ids"]},
]
MAPS: list[dict[str, Any]] = [
    {},
    {"mask_token": {"content": "[MASK]", "lstrip": True, "rstrip": False, "normalized": True, "single_word": False}},
    {"additional_special_tokens": ["<new>", {"content": "<two>", "lstrip": True}], "pad_token": "[unused9]"},
]


@pytest.mark.reference
@pytest.mark.parametrize("with_json", [False, True])
@pytest.mark.parametrize(
    ("config", "special"), [(index, index % len(MAPS)) for index in range(len(CONFIGS))] + [(0, 1), (0, 2), (1, 2)]
)
def test_every_option_of_the_files_does_what_it_does_in_the_reference(
    tmp_path: Path, minilm: Path, transformers: Any, config: int, special: int, with_json: bool
) -> None:
    folder = write(
        tmp_path / "model",
        tokenizer_config={"tokenizer_class": "BertTokenizer", **CONFIGS[config]},
        special_tokens_map=MAPS[special],
        added_tokens={"<old>": 30522, "<older>": 30523},
    )
    shutil.copy(minilm / ("tokenizer.json" if with_json else "vocab.txt"), folder)
    check_same_tokenizer(AutoTokenizer.from_pretrained(folder), transformers.AutoTokenizer.from_pretrained(str(folder)))


@pytest.mark.reference
@pytest.mark.parametrize(
    "overrides",
    [
        {"do_lower_case": False},
        {"strip_accents": False},
        {"tokenize_chinese_chars": False},
        {"model_max_length": 7, "padding_side": "left"},
        {"mask_token": "<mask>"},
        {"additional_special_tokens": ["<new>"]},
        {"pad_token": AddedToken("<pad>", lstrip=True)},
        {"split_special_tokens": True},
    ],
)
def test_options_given_in_the_call_win_as_in_the_reference(
    minilm: Path, transformers: Any, overrides: dict[str, Any]
) -> None:
    check_same_tokenizer(
        AutoTokenizer.from_pretrained(minilm, **overrides),
        transformers.AutoTokenizer.from_pretrained(str(minilm), **overrides),
    )
