"""Files that are damaged or lie: each is a TokenizerError that names the file; nothing else ever comes out."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from pellucid.errors import PellucidError, TokenizerError
from pellucid.tokenizers import AutoTokenizer, BertTokenizer, PreTrainedTokenizerFast

VOCABULARY = ["[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]", "a", "b"]


def vocabulary_file(folder: Path, content: bytes) -> Path:
    path = folder / "vocab.txt"
    path.write_bytes(content)
    return path


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b"", "is empty"),
        (b"\n\n", "is empty"),
        (b"[UNK]\na\nb\na\n", "has the token 'a' twice, in lines 2 and 4"),
        (b"[UNK]\n\n\na\n", "has the token '' twice, in lines 2 and 3"),
        (b"a\nb\n", r"has no '\[UNK\]', the token for unknown words"),
        (b"[UNK]\na\n\xff\xfe\n", "is not UTF-8: byte 0xff in line 3"),
    ],
)
def test_a_damaged_vocabulary_is_refused_with_its_line(tmp_path: Path, content: bytes, message: str) -> None:
    path = vocabulary_file(tmp_path, content)
    with pytest.raises(TokenizerError, match=message) as caught:
        BertTokenizer(path)
    assert caught.value.path == str(path)


def test_a_vocabulary_that_is_no_file_is_refused(tmp_path: Path) -> None:
    for path in (tmp_path, tmp_path / "none.txt"):
        with pytest.raises(TokenizerError, match="cannot be read"):
            BertTokenizer(path)


@pytest.mark.parametrize("end", ["\n", "\r\n", "\r"])
def test_line_ends_of_every_system_are_read(tmp_path: Path, end: str) -> None:
    tokens = [*VOCABULARY, "\u2028", "\x85", "x y"]
    path = vocabulary_file(tmp_path, end.join([*tokens, ""]).encode())
    assert BertTokenizer(path).get_vocab() == {token: index for index, token in enumerate(tokens)}


def test_blank_lines_at_the_end_are_no_tokens(tmp_path: Path) -> None:
    assert len(BertTokenizer(vocabulary_file(tmp_path, "\n".join([*VOCABULARY, "", "", ""]).encode()))) == 7
    assert len(BertTokenizer(vocabulary_file(tmp_path, "\n".join(VOCABULARY).encode()))) == 7


def test_special_tokens_that_the_vocabulary_lacks_get_the_next_ids(tmp_path: Path) -> None:
    tokenizer = BertTokenizer(vocabulary_file(tmp_path, b"[UNK]\na\n"))
    assert len(tokenizer) == 6
    assert tokenizer("a").tokens() == ["[CLS]", "a", "[SEP]"]
    assert min(tokenizer("a").input_ids[::2]) >= 2


@pytest.fixture(scope="module")
def valid(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Any]:
    path = vocabulary_file(tmp_path_factory.mktemp("valid"), "\n".join(VOCABULARY).encode())
    state: dict[str, Any] = json.loads(BertTokenizer(path).backend_tokenizer.to_str())
    return state


DEEP = '{"version":"1.0","normalizer":' + '{"type":"Sequence","normalizers":[' * 50_000


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b"", "tokenizer.json is empty"),
        (b" \n", "tokenizer.json is empty"),
        (b"{", "is not a tokenizer"),
        (b"[]", "is not a tokenizer"),
        (b'"text"', "is not a tokenizer"),
        (b"\xff\xfe{}", "is not a tokenizer"),
        (b"\xef\xbb\xbf{}", "is not a tokenizer"),
        (b"version https://git-lfs.github.com/spec/v1\n", "is not a tokenizer"),
        (b"<html>not found</html>", "is not a tokenizer"),
        (DEEP.encode(), "is not a tokenizer"),
    ],
)
def test_a_damaged_tokenizer_json_is_refused(tmp_path: Path, content: bytes, message: str) -> None:
    (tmp_path / "tokenizer.json").write_bytes(content)
    with pytest.raises(TokenizerError, match=message) as caught:
        AutoTokenizer.from_pretrained(tmp_path)
    assert len(str(caught.value)) < 600


CRAFTED: list[dict[str, Any]] = [
    {"truncation": {"max_length": 2, "strategy": "LongestFirst", "stride": 8}},
    {"truncation": {"max_length": 0, "strategy": "LongestFirst", "stride": 0}},
    {"padding": {"strategy": {"Fixed": 2**40}, "direction": "Right", "pad_to_multiple_of": 0, "pad_id": 0,
                 "pad_type_id": 0, "pad_token": "[PAD]"}},
    {"post_processor": {"type": "TemplateProcessing", "single": [{"SpecialToken": {"id": "[NO]", "type_id": 0}}],
                        "pair": [], "special_tokens": {}}},
    {"post_processor": {"type": "BertProcessing", "sep": ["[SEP]", 4_000_000_000], "cls": ["[CLS]", 2]}},
    {"pre_tokenizer": {"type": "FixedLength", "length": 0}},
    {"decoder": {"type": "Strip", "content": "a", "start": 99, "stop": 99}},
    {"normalizer": {"type": "Precompiled", "precompiled_charsmap": "AAAA"}},
    {"model": {"type": "BPE", "vocab": {"a": 0, "b": 1}, "merges": [["a", "b"]]}},
    {"model": {"type": "BPE", "vocab": {"a": 0, "b": 1, "ab": 2}, "merges": [["a", "b"]],
               "continuing_subword_prefix": "##########"}},
    {"model": {"type": "WordPiece", "unk_token": "[UNK]", "continuing_subword_prefix": "##",
               "max_input_chars_per_word": 100, "vocab": {"a": 2**31, "b": 2**31, "[UNK]": 0}}},
    {"model": {"type": "Unigram", "unk_id": 99, "vocab": [["a", 0.0]]}},
    {"model": {"type": "WordPiece", "vocab": {"a": -1}}},
    {"added_tokens": [{"id": 2**31, "content": "", "single_word": False, "lstrip": False, "rstrip": False,
                       "normalized": False, "special": True}]},
]  # fmt: skip


@pytest.mark.parametrize("change", CRAFTED, ids=lambda change: json.dumps(change)[:40])
def test_a_crafted_tokenizer_json_works_or_is_refused(
    tmp_path: Path, valid: dict[str, Any], change: dict[str, Any]
) -> None:
    (tmp_path / "tokenizer.json").write_text(json.dumps({**valid, **change}))
    use(tmp_path)


def use(folder: Path) -> None:
    """Load and use a tokenizer in every way; only our own errors may come out."""
    try:
        tokenizer = AutoTokenizer.from_pretrained(folder)
    except PellucidError:
        return
    for call in (
        lambda: tokenizer(["a b ab zzz \U0001f600", ""], ["b", "a"], truncation=True, max_length=5),
        lambda: tokenizer("a b a b", truncation=True, max_length=4, return_overflowing_tokens=True),
        lambda: tokenizer(["a", "a b"], padding=True),
        lambda: tokenizer.decode([0, 1, 2, 99]),
        lambda: tokenizer.convert_tokens_to_string(["a", "##b"]),
        lambda: tokenizer.add_tokens(["<new>"]),
        lambda: (repr(tokenizer), len(tokenizer), tokenizer.get_vocab()),
    ):
        try:
            call()
        except PellucidError:
            continue


PARTS = st.recursive(
    st.one_of(
        st.none(), st.booleans(), st.integers(-5, 2**33), st.sampled_from(["", "a", "[CLS]", "Sequence", "Strip"])
    ),
    lambda inner: st.one_of(st.lists(inner, max_size=3), st.dictionaries(st.sampled_from(["type", "id", "x"]), inner)),
    max_leaves=6,
)


@settings(max_examples=300, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(data=st.data())
def test_a_mutated_tokenizer_json_works_or_is_refused(tmp_path: Path, valid: dict[str, Any], data: Any) -> None:
    state = json.loads(json.dumps(valid))
    for _ in range(data.draw(st.integers(1, 3))):
        place: Any = state
        while True:
            keys = list(place) if isinstance(place, dict) else list(range(len(place)))
            if not keys:
                break
            key = data.draw(st.sampled_from(keys))
            if not isinstance(place[key], (dict, list)) or data.draw(st.booleans()):
                if isinstance(place, dict) and data.draw(st.integers(0, 3)) == 0:
                    del place[key]
                else:
                    place[key] = data.draw(PARTS)
                break
            place = place[key]
    (tmp_path / "tokenizer.json").write_text(json.dumps(state))
    use(tmp_path)


@pytest.mark.parametrize(
    ("name", "content", "message"),
    [
        ("tokenizer_config.json", "{", "tokenizer_config.json is not JSON"),
        ("tokenizer_config.json", "[]", "holds a list"),
        ("tokenizer_config.json", '{"model_max_length": "long"}', "model_max_length='long' is not a number"),
        ("tokenizer_config.json", '{"model_max_length": -1}', "model_max_length=-1 is below 0"),
        ("tokenizer_config.json", '{"padding_side": "top"}', "Padding side should be selected"),
        ("tokenizer_config.json", '{"cls_token": 7}', "Special token cls_token has to be either str or AddedToken"),
        ("tokenizer_config.json", '{"cls_token": {"content": 7}}', "cls_token holds a token that cannot be read"),
        ("tokenizer_config.json", '{"cls_token": {"text": "a"}}', "Special token cls_token has to be"),
        ("tokenizer_config.json", '{"additional_special_tokens": "a"}', "additional_special_tokens has to be a list"),
        ("tokenizer_config.json", '{"added_tokens_decoder": [1]}', "added_tokens_decoder is a list"),
        (
            "tokenizer_config.json",
            '{"added_tokens_decoder": {"a": {"content": "b"}}}',
            "where a token's id is expected",
        ),
        ("tokenizer_config.json", '{"added_tokens_decoder": {"1": "b"}}', "Found a str in the saved"),
        ("tokenizer_config.json", '{"model_input_names": 3}', "model_input_names"),
        ("special_tokens_map.json", "nonsense", "special_tokens_map.json is not JSON"),
        ("special_tokens_map.json", '{"pad_token": [1]}', "Special token pad_token has to be"),
        ("added_tokens.json", '{"<a>": null}', "where a token's id is expected"),
        ("tokenizer_config.json", '{"tokenizer_class": ["BertTokenizer"]}', None),
        ("config.json", '{"model_type": {"a": 1}}', None),
        ("config.json", "nonsense", "config.json is not JSON"),
    ],
)
def test_damaged_configs_are_refused(
    tmp_path: Path, valid: dict[str, Any], name: str, content: str, message: str | None
) -> None:
    (tmp_path / "tokenizer.json").write_text(json.dumps(valid))
    (tmp_path / name).write_text(content)
    if message is None:
        assert type(AutoTokenizer.from_pretrained(tmp_path)) is PreTrainedTokenizerFast
        return
    with pytest.raises(PellucidError, match=message):
        AutoTokenizer.from_pretrained(tmp_path)


def test_files_that_run_code_elsewhere_are_only_read(tmp_path: Path, valid: dict[str, Any]) -> None:
    (tmp_path / "tokenizer.json").write_text(json.dumps(valid))
    (tmp_path / "evil.py").write_text("raise SystemExit")
    config = {"auto_map": {"AutoTokenizer": ["evil.Tokenizer", None]}, "tokenizer_file": "/etc/passwd"}
    (tmp_path / "tokenizer_config.json").write_text(json.dumps(config))
    assert AutoTokenizer.from_pretrained(tmp_path, trust_remote_code=True).tokenize("a") == ["a"]
