"""Configs: every key read, refused, harmless or listed; printed and saved as in `transformers`."""

from __future__ import annotations

import ast
import inspect
import json
import logging
from pathlib import Path
from typing import Any

import pytest

import pellucid
from pellucid import AutoConfig, BertConfig, BertModel, DistilBertConfig
from pellucid.architectures import FAMILIES
from pellucid.config_keys import COMMON, HARMLESS, READ, REFUSED
from pellucid.errors import ConfigError, UnknownModelTypeError, UnsupportedConfigError
from support.course_cache import BERT, CONFIGS

PRINTED = """BertConfig {
  "attention_probs_dropout_prob": 0.1,
  "classifier_dropout": null,
  "hidden_act": "gelu",
  "hidden_dropout_prob": 0.1,
  "hidden_size": 768,
  "initializer_range": 0.02,
  "intermediate_size": 3072,
  "layer_norm_eps": 1e-12,
  "max_position_embeddings": 512,
  "model_type": "bert",
  "num_attention_heads": 12,
  "num_hidden_layers": 12,
  "pad_token_id": 0,
  "position_embedding_type": "absolute",
  "transformers_version": "4.57.6",
  "type_vocab_size": 2,
  "use_cache": true,
  "vocab_size": 30522
}
"""


def test_a_default_config_is_printed_as_in_the_notebooks() -> None:
    assert str(BertConfig()) == PRINTED


def test_a_checkpoints_config_is_printed_as_in_the_notebooks(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    Path("bert-base-cased").mkdir()
    Path("bert-base-cased/config.json").write_text(json.dumps(CONFIGS[BERT]))
    expected = {
        "_name_or_path": "bert-base-cased",
        **CONFIGS[BERT],
        "classifier_dropout": None,
        "transformers_version": "4.57.6",
    }
    printed = str(AutoConfig.from_pretrained("bert-base-cased"))
    assert printed == f"BertConfig {json.dumps(expected, indent=2, sort_keys=True)}\n"


@pytest.mark.reference
@pytest.mark.parametrize("prefix", ["Bert", "DistilBert"])
@pytest.mark.parametrize(
    "values",
    [
        {},
        {"num_labels": 3},
        {"id2label": {0: "no", 1: "yes"}, "label2id": {"no": 0, "yes": 1}},
        {"problem_type": "regression", "num_labels": 1, "pad_token_id": None},
        {"architectures": ["X"], "output_attentions": True, "my_own_key": [1, 2]},
    ],
    ids=str,
)
def test_configs_are_those_of_the_reference(prefix: str, values: dict[str, Any], tmp_path: Path) -> None:
    transformers = pytest.importorskip("transformers")
    if values.get("output_attentions"):
        values = {**values, "attn_implementation": "eager"}
    theirs = getattr(transformers, f"{prefix}Config")(**values)
    values.pop("attn_implementation", None)
    ours = getattr(pellucid, f"{prefix}Config")(**values)
    drop = {"_attn_implementation_internal", "_output_attentions", "_attn_implementation"}
    expected = {key: value for key, value in json.loads(theirs.to_json_string()).items() if key not in drop}
    assert json.loads(ours.to_json_string()) == expected
    theirs.save_pretrained(tmp_path / "theirs")
    ours.save_pretrained(tmp_path / "ours")
    reread = type(ours).from_pretrained(tmp_path / "theirs")
    reread.name_or_path = ""
    reread.output_attentions = ours.output_attentions
    reread.transformers_version = ours.transformers_version
    assert reread == ours
    assert type(theirs).from_pretrained(tmp_path / "ours").to_diff_dict().keys() >= expected.keys()
    for name in ("num_labels", "id2label", "label2id", "hidden_size", "num_attention_heads", "use_return_dict"):
        assert getattr(ours, name) == getattr(theirs, name), name


@pytest.mark.reference
@pytest.mark.filterwarnings("ignore:.torch.jit.script:DeprecationWarning")
@pytest.mark.parametrize("model_type", FAMILIES)
def test_every_key_that_the_reference_reads_is_known(model_type: str) -> None:
    transformers = pytest.importorskip("transformers")
    family = FAMILIES[model_type]
    if not hasattr(transformers, f"{family.class_prefix}Model"):
        pytest.skip("the reference has no such family; tests/parity/test_golden.py has the numbers of a newer one")
    module = inspect.getmodule(getattr(transformers, f"{family.class_prefix}Model"))
    read = {
        node.attr
        for node in ast.walk(ast.parse(inspect.getsource(module)))
        if isinstance(node, ast.Attribute) and isinstance(node.value, ast.Name | ast.Attribute)
        and (getattr(node.value, "id", "") == "config" or getattr(node.value, "attr", "") == "config")
    }  # fmt: skip
    methods = {
        name for name in dir(transformers.PretrainedConfig) if callable(getattr(transformers.PretrainedConfig, name))
    }
    answered = {"num_labels", "use_return_dict", *family.config.attribute_map}
    unknown = {key for key in read - methods - answered if not key.startswith("_")}
    # Read where a config has them, and no released one of ELECTRA does.
    unknown -= {"summary_first_dropout", "summary_proj_to_labels"}
    assert unknown <= {*COMMON, *family.config.defaults}
    base = {key for key in transformers.PretrainedConfig().to_dict() if not key.startswith("_")}
    assert base <= {*COMMON, "id2label", "label2id", "transformers_version", "model_type"}


@pytest.mark.parametrize("family", FAMILIES.values(), ids=FAMILIES)
def test_every_key_is_read_or_refused_or_harmless_and_only_one_of_them(family: Any) -> None:
    assert not (set(READ) & set(REFUSED) | set(READ) & set(HARMLESS) | set(REFUSED) & set(HARMLESS))
    config = family.config()

    class Watched:
        """Notes which attributes are read."""

        def __init__(self) -> None:
            self.seen: set[str] = set()

        def __getattr__(self, name: str) -> Any:
            self.seen.add(config.attribute_map.get(name, name))
            return getattr(config, name)

    watched = Watched()
    family.read_config(watched)
    # Read elsewhere: the first by `initialise`, the second by tokenizers' padding.
    read = watched.seen | {"initializer_range", "pad_token_id"}
    own = set(family.config.defaults)
    assert own == (read & own) | set(family.config.harmless) | set(family.config.supported)
    assert not family.config.harmless & (read | set(family.config.supported))


def test_keys_that_nobody_reads_are_kept_listed_and_never_become_methods(tmp_path: Path) -> None:
    strange = {"my_note": "x", "to_dict": "evil", "_name_or_path": "else", "auto_map": {"AutoModel": "evil.Model"}}
    (tmp_path / "config.json").write_text(json.dumps({"model_type": "bert", **strange}))
    config = AutoConfig.from_pretrained(tmp_path)
    assert config.my_note == "x"
    assert callable(config.to_dict)
    assert config.name_or_path == str(tmp_path)
    assert set(config.unread) == {"my_note", "to_dict", "auto_map"}
    assert config.to_dict()["auto_map"] == strange["auto_map"]


def test_common_names_reach_a_familys_own() -> None:
    config = DistilBertConfig(hidden_size=32, n_heads=4)
    assert (config.dim, config.hidden_size, config.num_attention_heads) == (32, 32, 4)
    config.num_hidden_layers = 2
    assert config.n_layers == 2
    with pytest.raises(AttributeError, match="no_such_key"):
        _ = config.no_such_key


def test_changing_the_number_of_labels_names_them_anew() -> None:
    config = BertConfig(id2label={"0": "a", "1": "b"})
    assert (config.id2label, config.label2id, config.num_labels) == ({0: "a", 1: "b"}, {"a": 0, "b": 1}, 2)
    config.num_labels = 2
    assert config.id2label[0] == "a"
    config.num_labels = 3
    assert config.id2label == {0: "LABEL_0", 1: "LABEL_1", 2: "LABEL_2"}


def test_contradicting_labels_are_told(caplog: pytest.LogCaptureFixture) -> None:
    with caplog.at_level(logging.WARNING):
        BertConfig(num_labels=3, id2label={0: "a"})
    assert "`num_labels=3` which is incompatible to the `id2label` map of length `1`" in caplog.text
    with pytest.raises(ConfigError, match="names 1 labels"):
        BertConfig.from_dict({}, num_labels=3, id2label={0: "a"})


def test_arguments_that_are_no_attributes_are_given_back(tmp_path: Path) -> None:
    BertConfig().save_pretrained(tmp_path)
    config, unused = AutoConfig.from_pretrained(tmp_path, hidden_size=8, foo=1, return_unused_kwargs=True)
    assert (config.hidden_size, unused) == (8, {"foo": 1})


@pytest.mark.parametrize(
    ("values", "message"),
    [
        ({"num_attention_heads": 7}, "`hidden_size` 768 cannot be divided among `num_attention_heads` 7 heads"),
        ({"hidden_act": "gelo"}, "`hidden_act` is 'gelo', and must be one of gelu, gelu_accurate"),
        ({"hidden_act": ["gelu"]}, "`hidden_act` is"),
        ({"pad_token_id": 30522}, "`pad_token_id` is 30522, and must be an id below `vocab_size` 30522"),
        ({"pad_token_id": "0"}, "`pad_token_id` is '0'"),
        ({"layer_norm_eps": 0}, "`layer_norm_eps` is 0, and must be a number above 0"),
        ({"layer_norm_eps": "NaN"}, "`layer_norm_eps` is 'NaN'"),
        ({"hidden_size": -1}, "`hidden_size` is -1"),
        ({"hidden_size": "768"}, "`hidden_size` is '768'"),
        ({"vocab_size": None}, "`vocab_size` is None"),
        ({"num_hidden_layers": True}, "`num_hidden_layers` is True"),
        (
            {"position_embedding_type": "rotary"},
            "`position_embedding_type` is 'rotary', and only 'absolute' or 'relative_key'",
        ),
        ({"is_decoder": True}, "`is_decoder` is True"),
        ({"pruned_heads": {"0": [1]}}, "`pruned_heads` is"),
        ({"quantization_config": {"bits": 4}}, "`quantization_config` is"),
        ({"id2label": {0: "a", 2: "b"}}, r"`id2label` numbers its labels \[0, 2\]"),
    ],
    ids=str,
)
def test_what_cannot_be_computed_is_refused_with_its_reason(values: dict[str, Any], message: str) -> None:
    with pytest.raises(UnsupportedConfigError, match=message):
        BertModel(BertConfig(**values))


def test_all_reasons_are_told_at_once() -> None:
    with pytest.raises(UnsupportedConfigError) as caught:
        DistilBertConfig(n_heads=7, activation="x", is_decoder=True).check()
    assert len(caught.value.reasons) == 3
    assert "`dim` 768 cannot be divided among `n_heads` 7 heads" in str(caught.value)
    assert "`activation` is 'x'" in str(caught.value)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("", "is not JSON: Expecting value at line 1, column 1"),
        ('{"model_type": "bert",}', "line 1, column 2"),
        ('["bert"]', "holds a list; it must hold a dictionary"),
        ('{"model_type": "bert", "model_type": "roberta"}', "'model_type' stands twice"),
        ('{"layer_norm_eps": NaN, "model_type": "bert"}', "NaN is not a number of JSON"),
        ("[" * 100_000, "is not JSON"),
        ('{"a": ' + "9" * 5000 + "}", "is not JSON"),
        ('{"num_labels": "three", "model_type": "bert"}', "`num_labels` is 'three'"),
        ('{"id2label": ["a"], "model_type": "bert"}', "`id2label` is .* must be a dictionary"),
        ('{"id2label": {"a": "b"}, "model_type": "bert"}', "must be whole numbers"),
        ('{"problem_type": "x", "model_type": "bert"}', "`problem_type` is 'x'; it must be one of"),
    ],
    ids=lambda text: text[:40],
)
def test_a_damaged_config_is_told_by_its_place(tmp_path: Path, text: str, message: str) -> None:
    (tmp_path / "config.json").write_text(text)
    with pytest.raises(ConfigError, match=message):
        AutoConfig.from_pretrained(tmp_path)


def test_a_config_that_is_too_large_is_not_read(tmp_path: Path) -> None:
    (tmp_path / "config.json").write_text(" " * 4_000_001)
    with pytest.raises(ConfigError, match="4,000,001 bytes"):
        AutoConfig.from_pretrained(tmp_path)


@pytest.mark.parametrize(
    ("config", "message"),
    [
        ({}, "has no `model_type`"),
        ({"model_type": "brt"}, "'brt', which this version does not run. Did you mean 'bert'"),
        ({"model_type": "llama"}, "Families that it runs: albert, bert"),
        ({"model_type": 3}, "`model_type` 3"),
    ],
    ids=str,
)
def test_an_unknown_family_names_the_known_ones(tmp_path: Path, config: dict[str, Any], message: str) -> None:
    (tmp_path / "config.json").write_text(json.dumps(config))
    with pytest.raises(UnknownModelTypeError, match=message):
        AutoConfig.from_pretrained(tmp_path)


def test_auto_config_makes_a_familys_config() -> None:
    assert AutoConfig.for_model("distilbert", dim=8) == DistilBertConfig(dim=8)
    with pytest.raises(OSError, match=r"AutoConfig is not constructed. Use `AutoConfig.from_pretrained"):
        AutoConfig()
