"""The tokenizers of families that split as BERT does or by letters, and files of other versions of transformers."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

import pellucid
import pellucid.tokenizers as ours
from pellucid.errors import TokenizerError, TokenizerNotFoundError
from pellucid.tokenizers import AutoTokenizer, EsmTokenizer, PreTrainedTokenizerFast
from pellucid.tokenizers.auto import CLASSES, FAMILIES
from support.tokenizer_files import FIRST_PIECES, names, write_byte_level, write_config, write_sentencepiece
from support.tokenizer_parity import batches, check_same, check_same_tokenizer, compare_encodings, options

quick = settings(
    max_examples=80, deadline=None, suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large]
)

FAMILY = {"ElectraTokenizer": "electra", "MPNetTokenizer": "mpnet", "MobileBertTokenizer": "mobilebert"}


@pytest.fixture(scope="session")
def folders(minilm: Path, tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    """Each family's files, by the name of its Python class; MPNet's vocabulary has its special tokens in front."""
    root = tmp_path_factory.mktemp("wordpiece")
    tokens = (minilm / "vocab.txt").read_text(encoding="utf-8").splitlines()
    vocabularies = dict.fromkeys(FAMILY, tokens)
    vocabularies["MPNetTokenizer"] = ["<s>", "<pad>", "</s>", "<unk>", *tokens, "<mask>"]
    for name, vocabulary in vocabularies.items():
        write_config(root / name, "config", model_type=FAMILY[name])
        (root / name / "vocab.txt").write_text("\n".join(vocabulary) + "\n", encoding="utf-8")
    return {name: root / name for name in FAMILY}


@pytest.fixture(scope="session")
def pairs(folders: dict[str, Path], transformers: Any) -> dict[str, tuple[Any, Any]]:
    """Our tokenizer and the reference's, by class."""
    return {
        name: tuple(library.AutoTokenizer.from_pretrained(str(folder)) for library in (ours, transformers))
        for name, folder in folders.items()
    }


def test_every_class_is_public_under_both_names() -> None:
    for name, classes in CLASSES.items():
        for kind in classes:
            assert getattr(pellucid, kind.__name__) is getattr(ours, kind.__name__) is kind
            assert kind.__name__.removesuffix("Fast") == name
    assert set(FAMILIES.values()) <= set(CLASSES)


@pytest.mark.parametrize("name", FAMILY)
def test_the_model_type_names_the_class_in_both_forms(folders: dict[str, Path], name: str) -> None:
    for fast in (True, False):
        tokenizer = AutoTokenizer.from_pretrained(folders[name], use_fast=fast)
        assert type(tokenizer) is CLASSES[name][fast]
        row = tokenizer("hello", "world")
        cls, sep = tokenizer.cls_token_id, tokenizer.sep_token_id
        pieces = [tokenizer.encode(text, add_special_tokens=False) for text in ("hello", "world")]
        middle = [sep, sep] if name == "MPNetTokenizer" else [sep]
        assert row.input_ids == [cls, *pieces[0], *middle, *pieces[1], sep]
        assert row.input_ids == tokenizer.build_inputs_with_special_tokens(*pieces)
        assert ("token_type_ids" in row) is (name != "MPNetTokenizer")


def test_mpnet_takes_the_blank_before_a_mask_along(folders: dict[str, Path]) -> None:
    row = AutoTokenizer.from_pretrained(folders["MPNetTokenizer"])("a <mask> b", return_offsets_mapping=True)
    assert row.offset_mapping[2] == (1, 8)


@pytest.mark.parametrize("fast", [True, False])
@pytest.mark.parametrize("name", FAMILY)
def test_what_is_saved_loads_as_it_was(tmp_path: Path, folders: dict[str, Path], name: str, fast: bool) -> None:
    tokenizer = CLASSES[name][fast].from_pretrained(folders[name], do_lower_case=False)
    tokenizer.add_tokens(["<new>"])
    tokenizer.save_pretrained(tmp_path / "saved")
    assert ("tokenizer.json" in names(tmp_path / "saved")) is fast
    assert (tmp_path / "saved" / "vocab.txt").read_bytes() == (folders[name] / "vocab.txt").read_bytes()
    again = AutoTokenizer.from_pretrained(tmp_path / "saved", use_fast=fast)
    assert type(again) is type(tokenizer)
    tokenizer.name_or_path = again.name_or_path
    assert repr(again) == repr(tokenizer)
    for text in ("hello  WORLD <new>  naïve <mask>[MASK]", ""):
        assert again(text, "b").data == tokenizer(text, "b").data


@pytest.mark.reference
@pytest.mark.parametrize("name", FAMILY)
def test_the_tokenizer_is_that_of_the_reference(
    tmp_path: Path, folders: dict[str, Path], pairs: Any, transformers: Any, name: str
) -> None:
    check_same_tokenizer(*pairs[name])
    file = str(folders[name] / "vocab.txt")
    check_same_tokenizer(*(getattr(library, f"{name}Fast")(file) for library in (ours, transformers)))
    for index, library in enumerate((ours, transformers)):
        pairs[name][index].save_pretrained(str(tmp_path / library.__name__))
        again = [one.AutoTokenizer.from_pretrained(str(tmp_path / library.__name__)) for one in (ours, transformers)]
        check_same_tokenizer(*again)
    mine, reference = tmp_path / "pellucid.tokenizers", tmp_path / "transformers"
    assert names(mine) == names(reference)
    for file in ("tokenizer_config.json", "special_tokens_map.json"):
        assert json.loads((mine / file).read_text()) == json.loads((reference / file).read_text())


@pytest.mark.reference
@pytest.mark.parametrize("name", FAMILY)
@quick
@given(call=batches(), arguments=options(), truncation_side=st.sampled_from(["right", "left"]))
def test_calls_give_what_the_reference_gives(
    pairs: Any, name: str, call: dict[str, Any], arguments: dict[str, Any], truncation_side: str
) -> None:
    result = check_same(*pairs[name], truncation_side, {**call, **arguments})
    if result is not None:
        compare_encodings(*result)


RESIDUES = "<cls> <pad> <eos> <unk> L A G V S E R T I D P K Q N F Y M H W C X B U Z O . - <null_1> <mask>".split()


@pytest.fixture
def proteins(tmp_path: Path) -> Path:
    """ESM's own vocabulary."""
    write_config(tmp_path / "esm", "config", model_type="esm")
    (tmp_path / "esm" / "vocab.txt").write_text("\n".join(RESIDUES))
    return tmp_path / "esm"


PROTEINS = ["MKTAYIAK", " MKT <mask>AYI\n", "mkt", "M K-T.", "", "<cls>M<eos>", "M<null_1>K é J", "M JJ K", "<null_1"]


def test_proteins_are_split_into_residues(proteins: Path, tmp_path: Path) -> None:
    tokenizer = AutoTokenizer.from_pretrained(proteins)
    assert type(tokenizer) is EsmTokenizer
    row = tokenizer("MK <mask>j", return_offsets_mapping=True)
    assert row.tokens() == ["<cls>", "M", "K", "<mask>", "<unk>", "<eos>"]
    assert row.offset_mapping == [(0, 0), (0, 1), (1, 2), (3, 9), (9, 10), (0, 0)]
    assert list(row) == ["input_ids", "attention_mask", "offset_mapping"]
    assert tokenizer.build_inputs_with_special_tokens([5], [6]) == [0, 5, 2, 6, 2] == tokenizer("A", "G").input_ids
    tokenizer.save_pretrained(tmp_path / "saved")
    assert names(tmp_path / "saved") == ["special_tokens_map.json", "tokenizer_config.json", "vocab.txt"]
    assert (tmp_path / "saved" / "vocab.txt").read_bytes() == (proteins / "vocab.txt").read_bytes()
    again = AutoTokenizer.from_pretrained(tmp_path / "saved")
    assert again(PROTEINS, padding=True).data == tokenizer(PROTEINS, padding=True).data


@pytest.mark.reference
def test_proteins_are_split_as_in_the_reference(proteins: Path, transformers: Any) -> None:
    tokenizer, reference = (library.AutoTokenizer.from_pretrained(str(proteins)) for library in (ours, transformers))
    assert tokenizer.get_vocab() == reference.get_vocab()
    assert tokenizer.special_tokens_map == reference.special_tokens_map
    assert tokenizer(PROTEINS, padding=True).data == reference(PROTEINS, padding=True).data
    for text in PROTEINS:
        row = tokenizer(text, "MK", truncation=True, max_length=6)
        assert row.data == reference(text, "MK", truncation=True, max_length=6).data
        for skip in (True, False):
            ids = tokenizer.encode(text)
            assert tokenizer.decode(ids, skip_special_tokens=skip) == reference.decode(ids, skip_special_tokens=skip)


def test_a_vocabulary_that_is_none_of_residues_is_refused(proteins: Path) -> None:
    (proteins / "vocab.txt").write_text("A\nG")
    with pytest.raises(TokenizerError, match="has no '<unk>', the token for what is unknown"):
        AutoTokenizer.from_pretrained(proteins)
    (proteins / "vocab.txt").write_text("\n".join(["<unk>", *map(str, range(5000))]))
    with pytest.raises(TokenizerError, match="has 5,001 tokens; one of residues has 4,096 at most"):
        AutoTokenizer.from_pretrained(proteins)


@pytest.fixture
def modern(tmp_path: Path) -> Path:
    """The form of ModernBERT's files: a tokenizer.json of byte-level BPE, and no class of its own."""
    special = ["[UNK]", "[CLS]", "[SEP]", "[PAD]", "[MASK]"]
    tokenizer = ours.DebertaTokenizerFast.from_pretrained(write_byte_level(tmp_path / "bpe", special))
    folder = write_config(tmp_path / "modern", "config", model_type="modernbert")
    (folder / "tokenizer.json").write_text(tokenizer.backend_tokenizer.to_str())
    write_config(
        folder,
        "tokenizer_config",
        tokenizer_class="PreTrainedTokenizerFast",
        model_input_names=["input_ids", "attention_mask"],
        clean_up_tokenization_spaces=True,
        model_max_length=8192,
        **{f"{role}_token": f"[{role.upper()}]" for role in ("unk", "cls", "sep", "pad", "mask")},
    )
    return folder


def test_modernbert_needs_no_class_of_its_own(modern: Path) -> None:
    tokenizer = AutoTokenizer.from_pretrained(modern)
    assert type(tokenizer) is PreTrainedTokenizerFast
    assert list(tokenizer("hello")) == ["input_ids", "attention_mask"]
    (modern / "tokenizer_config.json").unlink()
    assert list(AutoTokenizer.from_pretrained(modern)("hello")) == ["input_ids", "attention_mask"]


@pytest.mark.reference
def test_modernbert_is_that_of_the_reference(modern: Path, transformers: Any) -> None:
    check_same_tokenizer(*(library.AutoTokenizer.from_pretrained(str(modern)) for library in (ours, transformers)))


# What transformers 5.24 writes into tokenizer_config.json of each class, beside the special tokens.
FIVE: dict[str, dict[str, Any]] = {
    "AlbertTokenizer": {"add_prefix_space": True, "do_lower_case": True, "keep_accents": False, "trim_offsets": True,
                        "unk_id": 1, "extra_special_tokens": ["<pad>", "[CLS]", "[SEP]", "[MASK]", "(", ")"]},
    "CamembertTokenizer": {"add_prefix_space": True, "unk_id": 0,
                           "extra_special_tokens": ["<s>NOTUSED", "</s>NOTUSED", "<unk>NOTUSED"]},
    "DebertaTokenizer": {"add_prefix_space": True, "errors": "replace"},
    "DebertaV2Tokenizer": {"add_prefix_space": True, "do_lower_case": False, "split_by_punct": False, "unk_id": 3,
                           "extra_special_tokens": ["[PAD]", "[CLS]", "[SEP]"]},
    "MPNetTokenizer": {"do_lower_case": False, "strip_accents": None, "tokenize_chinese_chars": True},
    "RobertaTokenizer": {"add_prefix_space": True, "errors": "replace", "trim_offsets": False},
    "XLMRobertaTokenizer": {"add_prefix_space": True, "unk_id": 0, "extra_special_tokens": ["<s>", "</s>"]},
}  # fmt: skip
OLD_OPTIONS: dict[str, dict[str, Any]] = {
    "DebertaTokenizer": {"add_prefix_space": True},
    "MPNetTokenizer": {"do_lower_case": False},
    "RobertaTokenizer": {"add_prefix_space": True, "trim_offsets": False},
}


@pytest.fixture
def old_files(tmp_path: Path, folders: dict[str, Path], request: Any) -> Path:
    """Vocabulary files of a class, by its Python name."""
    name = request.param
    if name in FIRST_PIECES:
        return write_sentencepiece(tmp_path / "old", name)
    if name in folders:
        return folders[name]
    double = name == "RobertaTokenizer"
    special = ["<s>", "<pad>", "</s>", "<unk>", "<mask>"] if double else ["[PAD]", "[CLS]", "[SEP]", "[UNK]", "[MASK]"]
    return write_byte_level(tmp_path / "old", special)


@pytest.mark.parametrize(("old_files", "name"), [(name, name) for name in FIVE], indirect=["old_files"])
def test_files_of_transformers_5_load(tmp_path: Path, old_files: Path, name: str) -> None:
    tokenizer = CLASSES[name][1].from_pretrained(old_files, **OLD_OPTIONS.get(name, {}))
    config = {
        "tokenizer_class": name,
        "backend": "tokenizers",
        "is_local": True,
        "local_files_only": False,
        "model_max_length": 512,
        **{role: text for role, text in tokenizer.special_tokens_map.items() if isinstance(text, str)},
        **FIVE[name],
    }
    write_config(tmp_path / "five", "tokenizer_config", **config)
    (tmp_path / "five" / "tokenizer.json").write_text(tokenizer.backend_tokenizer.to_str())
    again = AutoTokenizer.from_pretrained(tmp_path / "five")
    assert type(again) is type(tokenizer)
    assert again.model_max_length == 512
    assert again.get_vocab() == tokenizer.get_vocab()
    for text in ("Hello  the <mask> naïve (9,9) [MASK]", " a ", ""):
        call = {"text": text, "text_pair": "b", "return_offsets_mapping": True}
        assert again(**call).data == tokenizer(**call).data
    again.save_pretrained(tmp_path / "four")
    assert AutoTokenizer.from_pretrained(tmp_path / "four")("Hello the").data == tokenizer("Hello the").data


def test_the_class_of_transformers_5_for_any_file_changes_nothing(tmp_path: Path) -> None:
    files = write_byte_level(tmp_path / "bpe", ["<s>", "<pad>", "</s>", "<unk>", "<mask>"])
    tokenizer = ours.RobertaTokenizerFast.from_pretrained(files, add_prefix_space=True)
    write_config(tmp_path / "five", "tokenizer_config", tokenizer_class="TokenizersBackend", backend="tokenizers")
    (tmp_path / "five" / "tokenizer.json").write_text(tokenizer.backend_tokenizer.to_str())
    write_config(tmp_path / "five", "config", model_type="roberta")
    again = AutoTokenizer.from_pretrained(tmp_path / "five")
    assert type(again) is PreTrainedTokenizerFast
    assert again("hello").data == tokenizer("hello").data
    assert again("hello").tokens()[1].startswith("Ġ")
    again.save_pretrained(tmp_path / "four")
    assert AutoTokenizer.from_pretrained(tmp_path / "four")("hello").tokens() == tokenizer("hello").tokens()


def test_berts_class_gives_no_types_to_a_model_that_transformers_5_named_it_for(tmp_path: Path, tiny: Any) -> None:
    (tmp_path / "tokenizer.json").write_text(tiny.backend_tokenizer.to_str())
    write_config(tmp_path, "config", model_type="distilbert")
    for more, types in (({}, True), ({"backend": "tokenizers"}, False)):
        write_config(tmp_path, "tokenizer_config", tokenizer_class="BertTokenizer", **more)
        tokenizer = AutoTokenizer.from_pretrained(tmp_path)
        assert type(tokenizer) is ours.BertTokenizerFast
        assert ("token_type_ids" in tokenizer("hello")) is types


@pytest.mark.parametrize("file", ["vocab.txt", "vocab.json", "spiece.model", "sentencepiece.bpe.model", "spm.model"])
def test_old_files_that_nothing_explains_are_not_guessed_at(tmp_path: Path, file: str) -> None:
    with pytest.raises(TokenizerNotFoundError, match=r"looked for tokenizer.json, merges.txt, sentencepiece.bpe.model"):
        AutoTokenizer.from_pretrained(tmp_path)
    (tmp_path / file).write_text("a")
    with pytest.raises(TokenizerError, match=f"has a {file}, but neither tokenizer_config.json nor config.json says"):
        AutoTokenizer.from_pretrained(tmp_path)
