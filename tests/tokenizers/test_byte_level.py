"""The byte-level tokenizers of RoBERTa and DeBERTa, against the fast ones of transformers on the same tiny files."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

import pellucid.tokenizers as ours
from pellucid.errors import InputError, TokenizerError, TokenizerNotFoundError
from pellucid.tokenizers import AutoTokenizer
from pellucid.tokenizers.auto import CLASSES
from support.tokenizer_files import names, write_byte_level, write_config
from support.tokenizer_parity import batches, check_same, check_same_tokenizer, compare_encodings, options, wild_text

quick = settings(
    max_examples=120, deadline=None, suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large]
)

SPECIAL = {
    "RobertaTokenizer": ["<s>", "<pad>", "</s>", "<unk>", "<mask>"],
    "DebertaTokenizer": ["[PAD]", "[CLS]", "[SEP]", "[UNK]", "[MASK]"],
}
FAMILY = {"RobertaTokenizer": "roberta", "DebertaTokenizer": "deberta"}


@pytest.fixture(scope="session")
def folders(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    """Each family's files, by the name of its Python class."""
    root = tmp_path_factory.mktemp("byte-level")
    for name, special in SPECIAL.items():
        write_config(write_byte_level(root / name, special), "config", model_type=FAMILY[name])
    return {name: root / name for name in SPECIAL}


@pytest.fixture(scope="session")
def pairs(folders: dict[str, Path], transformers: Any) -> dict[tuple[str, bool], tuple[Any, Any]]:
    """Our tokenizer and the reference's, by class and add_prefix_space."""
    return {
        (name, prefix): tuple(
            library.AutoTokenizer.from_pretrained(str(folder), add_prefix_space=prefix)
            for library in (ours, transformers)
        )
        for name, folder in folders.items()
        for prefix in (False, True)
    }


@pytest.mark.parametrize("name", SPECIAL)
def test_the_model_type_names_the_class_in_both_forms(folders: dict[str, Path], name: str) -> None:
    for fast in (True, False):
        tokenizer = AutoTokenizer.from_pretrained(folders[name], use_fast=fast)
        assert type(tokenizer) is CLASSES[name][fast]
        row = tokenizer("hello", "world")
        cls, sep = tokenizer.cls_token_id, tokenizer.sep_token_id
        pieces = (
            tokenizer.encode("hello", add_special_tokens=False),
            tokenizer.encode("world", add_special_tokens=False),
        )
        middle = [sep, sep] if name == "RobertaTokenizer" else [sep]
        assert row.input_ids == [cls, *pieces[0], *middle, *pieces[1], sep]
        assert row.input_ids == tokenizer.build_inputs_with_special_tokens(*pieces)
        assert ("token_type_ids" in row) is (name == "DebertaTokenizer")
        types = tokenizer("hello", "world", return_token_type_ids=True).token_type_ids
        assert types == tokenizer.create_token_type_ids_from_sequences(*pieces)


def test_every_text_comes_back_whole(folders: dict[str, Path]) -> None:
    tokenizer = AutoTokenizer.from_pretrained(folders["RobertaTokenizer"])
    for text in ("", " a  b ", "naïve 👍🏽\n\t中文 e\u0301 العربية", "\x00\u200b" + "x" * 3000):
        assert tokenizer.decode(tokenizer.encode(text), skip_special_tokens=True) == text


def test_the_mask_takes_the_blank_before_it_along(folders: dict[str, Path]) -> None:
    tokenizer = AutoTokenizer.from_pretrained(folders["RobertaTokenizer"])
    row = tokenizer("a <mask> the", return_offsets_mapping=True)
    assert tokenizer.convert_ids_to_tokens(row.input_ids) == ["<s>", "a", "<mask>", "Ġthe", "</s>"]
    assert row.offset_mapping == [(0, 0), (0, 1), (2, 8), (9, 12), (0, 0)]
    whole = AutoTokenizer.from_pretrained(folders["RobertaTokenizer"], trim_offsets=False)
    assert whole("a <mask> the", return_offsets_mapping=True).offset_mapping[2:4] == [(1, 8), (8, 12)]


@pytest.mark.parametrize("name", SPECIAL)
def test_words_alone_need_a_blank_before_each(folders: dict[str, Path], name: str) -> None:
    tokenizer = AutoTokenizer.from_pretrained(folders[name])
    for call in (
        lambda: tokenizer(["hello", "world"], is_split_into_words=True),
        lambda: tokenizer.encode_ragged([["hello"]], is_split_into_words=True),
    ):
        with pytest.raises(InputError, match="with add_prefix_space=True to use it with pretokenized"):
            call()
    spaced = AutoTokenizer.from_pretrained(folders[name], add_prefix_space=True)
    words = spaced(["hello", "world"], is_split_into_words=True)
    assert words.word_ids()[1:-1] == [0] * words.word_ids().count(0) + [1] * words.word_ids().count(1)


@pytest.mark.reference
@pytest.mark.parametrize("prefix", [False, True])
@pytest.mark.parametrize("name", SPECIAL)
def test_the_tokenizer_is_that_of_the_reference(pairs: Any, name: str, prefix: bool) -> None:
    check_same_tokenizer(*pairs[name, prefix])


@pytest.mark.reference
@pytest.mark.parametrize("name", SPECIAL)
@quick
@given(call=batches(), arguments=options(), truncation_side=st.sampled_from(["right", "left"]))
def test_calls_give_what_the_reference_gives(
    pairs: Any, name: str, call: dict[str, Any], arguments: dict[str, Any], truncation_side: str
) -> None:
    if name == "RobertaTokenizer":
        # Without special tokens, further windows of the reference have type 1 where all types are 0.
        arguments = {**arguments, "add_special_tokens": True}
    result = check_same(*pairs[name, False], truncation_side, {**call, **arguments})
    if result is not None:
        compare_encodings(*result)


@pytest.mark.reference
@pytest.mark.parametrize("name", SPECIAL)
@quick
@given(call=batches(), arguments=options())
def test_calls_with_a_blank_before_each_text_give_what_the_reference_gives(
    pairs: Any, name: str, call: dict[str, Any], arguments: dict[str, Any]
) -> None:
    if name == "RobertaTokenizer":
        # The reference trims the first token of each further window by one blank less, as if a text began there.
        arguments = {**arguments, "truncation": False, "return_overflowing_tokens": False}
    result = check_same(*pairs[name, True], "right", {**call, **arguments})
    if result is not None:
        compare_encodings(*result)


@pytest.mark.reference
@pytest.mark.parametrize("name", SPECIAL)
@quick
@given(text=wild_text, skip=st.booleans(), clean=st.sampled_from([None, True, False]))
def test_decoding_gives_what_the_reference_gives(
    pairs: Any, name: str, text: str, skip: bool, clean: bool | None
) -> None:
    tokenizer, reference = pairs[name, False]
    ids = tokenizer.encode(text)
    arguments = {"skip_special_tokens": skip, "clean_up_tokenization_spaces": clean}
    assert tokenizer.decode(ids, **arguments) == reference.decode(ids, **arguments)
    tokens = tokenizer.tokenize(text)
    assert tokens == reference.tokenize(text)
    assert tokenizer.convert_tokens_to_string(tokens) == reference.convert_tokens_to_string(tokens)


CONFIGS: list[dict[str, Any]] = [
    {},
    {"add_prefix_space": True},
    {"trim_offsets": False},
    {"mask_token": {"__type": "AddedToken", "content": "<m>", "lstrip": True}, "model_max_length": 99},
    {"additional_special_tokens": ["<new>", "hello"], "padding_side": "left"},
    {"cls_token": "<first>", "sep_token": "<last>"},
]


@pytest.mark.reference
@pytest.mark.parametrize("config", range(len(CONFIGS)))
@pytest.mark.parametrize("with_json", [False, True])
@pytest.mark.parametrize("name", SPECIAL)
def test_every_option_of_the_files_does_what_it_does_in_the_reference(
    tmp_path: Path, folders: dict[str, Path], transformers: Any, name: str, with_json: bool, config: int
) -> None:
    options = dict(CONFIGS[config])
    if name == "DebertaTokenizer" and not with_json and "cls_token" in options:
        pytest.skip("the reference puts [CLS] and [SEP] whatever the roles say")
    for file in ("vocab.json", "merges.txt"):
        (tmp_path / file).write_bytes((folders[name] / file).read_bytes())
    write_config(tmp_path, "tokenizer_config", tokenizer_class=name, **options)
    if with_json:
        converted = getattr(ours, f"{name}Fast").from_pretrained(folders[name], add_prefix_space=True)
        (tmp_path / "tokenizer.json").write_text(converted.backend_tokenizer.to_str())
    check_same_tokenizer(AutoTokenizer.from_pretrained(tmp_path), transformers.AutoTokenizer.from_pretrained(tmp_path))


@pytest.mark.reference
@pytest.mark.parametrize("name", SPECIAL)
def test_the_constructor_gives_what_the_reference_gives(folders: dict[str, Path], transformers: Any, name: str) -> None:
    files = [str(folders[name] / file) for file in ("vocab.json", "merges.txt")]
    check_same_tokenizer(*(getattr(library, f"{name}Fast")(*files) for library in (ours, transformers)))


@pytest.mark.reference
@pytest.mark.parametrize("name", SPECIAL)
def test_saved_files_are_those_of_the_reference(
    tmp_path: Path, folders: dict[str, Path], transformers: Any, name: str
) -> None:
    for library, folder in ((ours, tmp_path / "ours"), (transformers, tmp_path / "theirs")):
        tokenizer = getattr(library, f"{name}Fast").from_pretrained(str(folders[name]), model_max_length=32)
        tokenizer.add_tokens(["<new>"])
        tokenizer.save_pretrained(str(folder))
    assert names(tmp_path / "ours") == names(tmp_path / "theirs")
    for file in names(tmp_path / "ours"):
        mine, reference = tmp_path / "ours" / file, tmp_path / "theirs" / file
        if file == "merges.txt":
            assert mine.read_bytes() == reference.read_bytes()
        else:
            assert json.loads(mine.read_text()) == json.loads(reference.read_text()), file
    for folder in ("ours", "theirs"):
        again = [library.AutoTokenizer.from_pretrained(str(tmp_path / folder)) for library in (ours, transformers)]
        check_same_tokenizer(*again)
        assert again[0].tokenize("a<new>b") == ["a", "<new>", "b"]


@pytest.mark.parametrize("fast", [True, False])
@pytest.mark.parametrize("name", SPECIAL)
def test_what_is_saved_loads_as_it_was(tmp_path: Path, folders: dict[str, Path], name: str, fast: bool) -> None:
    tokenizer = CLASSES[name][fast].from_pretrained(folders[name], add_prefix_space=True, padding_side="left")
    tokenizer.add_tokens(["<new>"])
    tokenizer.save_pretrained(tmp_path / "saved")
    again = AutoTokenizer.from_pretrained(tmp_path / "saved", use_fast=fast)
    assert type(again) is type(tokenizer)
    tokenizer.name_or_path = again.name_or_path
    assert repr(again) == repr(tokenizer)
    for text in ("hello  WORLD <new>  naïve <mask>[MASK]", ""):
        assert again(text, "b").data == tokenizer(text, "b").data
    assert tokenizer.save_vocabulary(tmp_path / "v") == tuple(
        str(tmp_path / "v" / file) for file in ("vocab.json", "merges.txt")
    )


VOCABULARY = json.dumps({"<s>": 0, "</s>": 1, "a": 2, "b": 3, "ab": 4})


@pytest.mark.parametrize(
    ("file", "content", "message"),
    [
        ("vocab.json", "[1]", "holds a list; it must hold a dictionary"),
        ("vocab.json", "{}", "vocab.json is empty"),
        ("vocab.json", "", "vocab.json is not JSON"),
        ("vocab.json", '{"a": 0, "b"', "vocab.json is not JSON"),
        ("vocab.json", '{"a": 0, "a": 1}', "the key 'a' stands twice"),
        ("vocab.json", '{"a": "0"}', "gives the token 'a' the id '0'"),
        ("vocab.json", '{"a": true}', "gives the token 'a' the id True"),
        ("vocab.json", '{"a": -1}', "the id -1; ids are whole numbers from 0"),
        ("vocab.json", '{"a": 4000000000}', "the id 4000000000; ids are whole numbers from 0"),
        ("vocab.json", '{"a": 1.5}', "the id 1.5"),
        ("vocab.json", '{"a": 1, "b": 1}', "gives the id 1 to two tokens, 'a' and 'b'"),
        ("vocab.json", "[" * 100_000, "vocab.json is not JSON"),
        ("merges.txt", "#version: 0.2\na b c\n", r"have 3 words in line 2 \('a b c'\)"),
        ("merges.txt", "#version: 0.2\na\n", "have 1 words in line 2"),
        ("merges.txt", "#version: 0.2\n\na b\n", "have 0 words in line 2"),
        ("merges.txt", "a z\n", "need the token 'z' in line 1, which the vocabulary does not have"),
        ("merges.txt", "b a\n", "need the token 'ba' in line 1"),
        ("merges.txt", b"a b\n\xff b\n", "not UTF-8: byte 0xff in line 2"),
    ],
)
def test_damaged_files_are_refused_with_the_place(tmp_path: Path, file: str, content: Any, message: str) -> None:
    (tmp_path / "vocab.json").write_text(VOCABULARY)
    (tmp_path / "merges.txt").write_text("#version: 0.2\na b\n")
    (tmp_path / file).write_bytes(content.encode() if isinstance(content, str) else content)
    with pytest.raises(TokenizerError, match=message) as caught:
        ours.RobertaTokenizer.from_pretrained(tmp_path)
    assert caught.value.path == str(tmp_path / file)
    assert len(str(caught.value)) < 600


def test_files_of_any_line_end_and_without_merges_are_read(tmp_path: Path) -> None:
    (tmp_path / "vocab.json").write_text(VOCABULARY)
    for content, tokens in (("#version: 0.2\r\na b\r\n", ["ab"]), ("a b", ["ab"]), ("", ["a", "b"])):
        (tmp_path / "merges.txt").write_bytes(content.encode())
        assert ours.RobertaTokenizer.from_pretrained(tmp_path).tokenize("ab") == tokens


def test_a_file_too_large_is_not_read(tmp_path: Path) -> None:
    for file in ("vocab.json", "merges.txt"):
        (tmp_path / "vocab.json").write_text(VOCABULARY)
        (tmp_path / "merges.txt").write_text("a b\n")
        with (tmp_path / file).open("wb") as sparse:
            sparse.truncate(2**40)
        with pytest.raises(TokenizerError, match=r"1,099,511,627,776 bytes; at most 16,000,000 are read"):
            ours.DebertaTokenizer.from_pretrained(tmp_path)


def test_missing_files_are_named(tmp_path: Path) -> None:
    write_config(tmp_path, "config", model_type="roberta")
    (tmp_path / "vocab.json").write_text(VOCABULARY)
    with pytest.raises(TokenizerNotFoundError, match="looked for tokenizer.json, vocab.json, merges.txt"):
        AutoTokenizer.from_pretrained(tmp_path)
    needed = r"needs a vocabulary: give vocab_file= \(the path of a vocab.json\) and merges_file= "
    with pytest.raises(TokenizerNotFoundError, match=needed):
        ours.RobertaTokenizer(str(tmp_path / "vocab.json"))
    with pytest.raises(TokenizerError, match="vocab.json cannot be read"):
        ours.DebertaTokenizer(str(tmp_path / "no" / "vocab.json"), str(tmp_path / "merges.txt"))
