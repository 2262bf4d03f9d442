"""Names that are no module's weight or bias."""

from __future__ import annotations

from pellucid.checkpoints.names import NameTable

TABLE = NameTable(
    prefix="model.",
    body={"layers.{n}.attention.query": "encoder.{n}.self.query"},
    heads={"head": "classifier"},
    parameters={"layers.{n}.attention.query_bias": "encoder.{n}.self.q_bias"},
)
WANTED = ["layers.11.attention.query.weight", "layers.11.attention.query_bias", "head.weight"]


def test_a_parameter_of_its_own_has_a_name_of_its_own_with_prefix_and_number() -> None:
    names = [TABLE.hub_name(name) for name in WANTED]
    assert names == ["model.encoder.11.self.query.weight", "model.encoder.11.self.q_bias", "classifier.weight"]
    assert TABLE.hub_name(WANTED[1], has_prefix=False) == "encoder.11.self.q_bias"


def test_it_is_found_in_checkpoints_with_and_without_the_prefix() -> None:
    for prefix in ("model.", ""):
        stored = [f"{prefix}encoder.11.self.query.weight", f"{prefix}encoder.11.self.q_bias", "other"]
        match = TABLE.match(WANTED[:2], stored)
        assert match.found == dict(zip(WANTED[:2], stored[:2], strict=True))
        assert match.missing == []


def test_it_is_found_under_another_prefix_and_saved_under_its_own() -> None:
    table = NameTable(prefix="model.", body={"tokens": "words"}, heads={"head": "classifier"}, other_prefixes=("old.",))
    match = table.match(["tokens.weight", "head.weight"], ["old.words.gamma", "classifier.weight", "old.rest"])
    assert match.found == {"tokens.weight": "old.words.gamma", "head.weight": "classifier.weight"}
    assert match.unused == ["model.rest"]
    assert table.has_prefix(["old.words.weight"])
    assert table.hub_name("tokens.weight") == "model.words.weight"


def test_a_layer_may_have_several_parts_of_one_kind() -> None:
    table = NameTable(prefix="", body={"layers.{n}.parts.{m}.inner": "layer.{n}.ffn.{m}.dense"}, heads={})
    assert table.hub_name("layers.12.parts.3.inner.bias") == "layer.12.ffn.3.dense.bias"
