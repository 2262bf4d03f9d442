from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from pellucid.errors import CheckpointError, InputError, TokenizerError
from pellucid.tokenizers import (
    AddedToken,
    AutoTokenizer,
    BertTokenizer,
    BertTokenizerFast,
    DistilBertTokenizerFast,
    PreTrainedTokenizerFast,
)

FAST = ["tokenizer_config.json", "special_tokens_map.json", "vocab.txt", "added_tokens.json", "tokenizer.json"]


def names(folder: Path) -> list[str]:
    return sorted(path.name for path in folder.iterdir() if not path.name.startswith("."))


def test_the_fast_class_writes_both_forms(tiny: Any, tmp_path: Path) -> None:
    paths = tiny.save_pretrained(tmp_path / "saved")
    assert paths == tuple(str(tmp_path / "saved" / name) for name in FAST)
    assert names(tmp_path / "saved") == sorted(set(FAST) - {"added_tokens.json"})


def test_the_old_class_writes_the_old_form(tiny_vocabulary: Path, tmp_path: Path) -> None:
    tokenizer = BertTokenizer(tiny_vocabulary)
    tokenizer.add_tokens(["<new>"])
    paths = tokenizer.save_pretrained(tmp_path / "saved")
    assert [Path(path).name for path in paths] == FAST[:-1]
    assert names(tmp_path / "saved") == sorted(FAST[:-1])
    assert json.loads((tmp_path / "saved" / "added_tokens.json").read_text()) == {"<new>": 15}
    assert (tmp_path / "saved" / "vocab.txt").read_bytes() == tiny_vocabulary.read_bytes()


def test_an_old_save_leaves_nothing_behind_that_would_be_read(tiny: Any, tiny_vocabulary: Path, tmp_path: Path) -> None:
    tiny.add_tokens(["<new>"])
    tiny.save_pretrained(tmp_path / "saved")
    BertTokenizer(tiny_vocabulary).save_pretrained(tmp_path / "saved")
    assert names(tmp_path / "saved") == ["special_tokens_map.json", "tokenizer_config.json", "vocab.txt"]
    assert len(AutoTokenizer.from_pretrained(tmp_path / "saved")) == 15


@pytest.mark.parametrize("kind", [BertTokenizer, BertTokenizerFast, DistilBertTokenizerFast])
def test_what_is_saved_loads_as_it_was(kind: Any, tiny_vocabulary: Path, tmp_path: Path) -> None:
    tokenizer = kind(tiny_vocabulary, do_lower_case=False, model_max_length=12, padding_side="left")
    tokenizer.add_tokens(["<new>", AddedToken("<strip>", lstrip=True)])
    tokenizer.add_special_tokens({"additional_special_tokens": ["<special>"], "mask_token": "<m>"})
    tokenizer.pad_token = "[MASK]"
    tokenizer.save_pretrained(tmp_path / "saved")
    again = AutoTokenizer.from_pretrained(tmp_path / "saved", use_fast=kind.__name__.endswith("Fast"))
    assert type(again) is kind
    tokenizer.name_or_path = again.name_or_path
    assert repr(again) == repr(tokenizer)
    for text in ("hello HELLO ae <new> b  <strip> <special>c<m>", "[MASK]"):
        assert again(text, "b").data == tokenizer(text, "b").data


def test_the_old_class_writes_tokenizer_json_where_the_vocabulary_does_not_tell_all(tiny: Any, tmp_path: Path) -> None:
    from tokenizers import pre_tokenizers

    odd = BertTokenizer(tokenizer_object=tiny.backend_tokenizer)
    odd.backend_tokenizer.pre_tokenizer = pre_tokenizers.WhitespaceSplit()
    odd.save_pretrained(tmp_path / "saved")
    assert "tokenizer.json" in names(tmp_path / "saved")
    assert AutoTokenizer.from_pretrained(tmp_path / "saved").tokenize("a, b") == odd.tokenize("a, b") == ["[UNK]", "b"]


def test_a_tokenizer_without_an_old_form_writes_tokenizer_json_alone(tiny: Any, tmp_path: Path) -> None:
    tokenizer = PreTrainedTokenizerFast(tokenizer_object=tiny.backend_tokenizer, cls_token="[CLS]")
    paths = tokenizer.save_pretrained(str(tmp_path / "saved"))
    assert [Path(path).name for path in paths] == ["tokenizer_config.json", "special_tokens_map.json", "tokenizer.json"]
    with pytest.raises(InputError, match="does not have a legacy version"):
        tokenizer.save_pretrained(tmp_path / "other", legacy_format=True)
    assert not (tmp_path / "other").exists()


def test_the_form_and_a_prefix_may_be_asked_for(tiny: Any, tmp_path: Path) -> None:
    assert len(tiny.save_pretrained(tmp_path / "old", legacy_format=True)) == 4
    assert len(tiny.save_pretrained(tmp_path / "new", legacy_format=False)) == 3
    paths = tiny.save_pretrained(tmp_path / "prefix", filename_prefix="my")
    assert [Path(path).name for path in paths] == [f"my-{name}" for name in FAST]
    assert tiny.save_vocabulary(tmp_path / "v") == (str(tmp_path / "v" / "vocab.txt"),)


def test_a_chat_template_is_kept(tiny: Any, tmp_path: Path) -> None:
    tiny.chat_template = "{{ messages }}"
    tiny.save_pretrained(tmp_path / "saved")
    assert AutoTokenizer.from_pretrained(tmp_path / "saved").chat_template == "{{ messages }}"


def test_what_cannot_be_saved_changes_nothing(tiny_vocabulary: Path, tmp_path: Path) -> None:
    tokenizer = BertTokenizerFast(tiny_vocabulary, oddity=object())
    with pytest.raises(TokenizerError, match="cannot be written as JSON"):
        tokenizer.save_pretrained(tmp_path / "saved")
    assert not (tmp_path / "saved").exists()
    with pytest.raises(CheckpointError, match="is a file"):
        BertTokenizer(tiny_vocabulary).save_pretrained(tiny_vocabulary)


@pytest.mark.reference
@pytest.mark.parametrize("name", ["BertTokenizer", "BertTokenizerFast", "DistilBertTokenizerFast"])
def test_saved_files_are_those_of_the_reference(name: str, transformers: Any, minilm: Path, tmp_path: Path) -> None:
    import pellucid.tokenizers

    folders = tmp_path / "ours", tmp_path / "theirs"
    returned = []
    for library, folder in zip((pellucid.tokenizers, transformers), folders, strict=True):
        tokenizer = getattr(library, name)(str(minilm / "vocab.txt"), model_max_length=32)
        tokenizer.add_tokens(["<new>"])
        tokenizer.add_special_tokens({"additional_special_tokens": ["<special>"]})
        returned.append([Path(path).name for path in tokenizer.save_pretrained(str(folder))])
    assert returned[0] == returned[1]
    assert names(folders[0]) == names(folders[1])
    for file in names(folders[0]):
        if file == "vocab.txt":
            assert (folders[0] / file).read_bytes() == (folders[1] / file).read_bytes()
        else:
            assert json.loads((folders[0] / file).read_text()) == json.loads((folders[1] / file).read_text()), file


@pytest.mark.reference
@pytest.mark.parametrize("saver", ["ours", "theirs"])
def test_each_library_loads_what_the_other_saved(saver: str, transformers: Any, minilm: Path, tmp_path: Path) -> None:
    libraries = {"ours": AutoTokenizer, "theirs": transformers.AutoTokenizer}
    tokenizer = libraries[saver].from_pretrained(str(minilm), do_lower_case=False)
    tokenizer.add_tokens(["<new>"])
    tokenizer.save_pretrained(str(tmp_path / "saved"))
    ours, theirs = (library.from_pretrained(str(tmp_path / "saved")) for library in libraries.values())
    assert repr(ours) == repr(theirs)
    text = "Hello WORLD <new> [MASK] naïve"
    assert ours(text).data == theirs(text).data == tokenizer(text).data
