"""Vectors of texts beside sentence-transformers, and what is made of them."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from pellucid import PellucidError, pipeline
from pellucid.engines import installed
from support.tiny import pellucid_checkpoint

ENGINES = installed()

TEXTS = [
    "I've been waiting for a HuggingFace course my whole life.",
    "So have I!",
    "",
    "naïve café – 東京 🎬 العربية é\u0301",
    "a" * 300,
    "word " * 400,
]


@pytest.fixture(scope="module")
def reference(minilm: Path) -> Any:
    sentence_transformers = pytest.importorskip("sentence_transformers")
    return sentence_transformers.SentenceTransformer(str(minilm), device="cpu")


@pytest.mark.reference
@pytest.mark.minilm
@pytest.mark.parametrize("engine", ENGINES)
def test_minilm_gives_the_vectors_of_sentence_transformers(minilm: Path, reference: Any, engine: str) -> None:
    expected = reference.encode(TEXTS)
    pipe = pipeline("sentence-embedding", str(minilm), engine=engine)
    ours = pipe(TEXTS, return_tensors=True)
    assert ours.shape == expected.shape
    assert np.abs(ours - expected).max() < 1e-5
    alone = pipe(TEXTS[0])
    assert isinstance(alone, list)
    assert np.abs(np.array(alone) - expected[0]).max() < 1e-5
    json.dumps(alone)


@pytest.mark.reference
@pytest.mark.minilm
def test_short_vectors_and_similarities_are_those_of_sentence_transformers(minilm: Path, reference: Any) -> None:
    pipe = pipeline("sentence-embedding", str(minilm), engine="openvino")
    short = reference.encode(TEXTS, truncate_dim=64, normalize_embeddings=True)
    assert np.abs(pipe(TEXTS, truncate_dim=64, normalize=True, return_tensors=True) - short).max() < 1e-5
    found = pipeline("similarity", str(minilm), engine="openvino")(TEXTS[0], TEXTS[1:], top_k=3)
    scores = reference.similarity(reference.encode(TEXTS[:1]), reference.encode(TEXTS[1:])).numpy()[0]
    order = np.argsort(-scores)[:3]
    assert [one["index"] for one in found] == order.tolist()
    assert [one["text"] for one in found] == [TEXTS[1:][place] for place in order]
    assert np.abs(np.array([one["score"] for one in found]) - scores[order]).max() < 1e-5


@pytest.mark.reference
@pytest.mark.filterwarnings("ignore")
@pytest.mark.parametrize("measure", ["cosine", "dot", "euclidean", "manhattan"])
def test_the_checkpoint_names_the_measure(tmp_path: Path, measure: str) -> None:
    sentence_transformers = pytest.importorskip("sentence_transformers")
    folder = recipe(tmp_path / "made", {"pooling_mode_mean_tokens": True}, similarity_fn_name=measure)
    theirs = sentence_transformers.SentenceTransformer(str(folder), device="cpu")
    texts = ["good film", "bad", "i hate this"]
    expected = theirs.similarity(theirs.encode(texts), theirs.encode(texts[:2])).numpy()
    pipe = pipeline("sentence-embedding", str(folder), engine="numpy")
    np.testing.assert_allclose(pipe.similarity(texts, texts[:2]), expected, rtol=1e-4, atol=1e-5)
    np.testing.assert_allclose(pipe.similarity(pipe(texts), pipe(texts[:2])), expected, rtol=1e-4, atol=1e-5)
    assert pipe.similarity("good", pipe("bad")).shape == (1, 1)
    short = pipeline("sentence-embedding", str(folder), engine="numpy", truncate_dim=4)
    expected = pipe.similarity(pipe(texts, truncate_dim=4), pipe(texts, truncate_dim=4))
    np.testing.assert_allclose(short.similarity(texts, texts), expected, rtol=1e-4, atol=1e-5)
    with pytest.raises(PellucidError, match="must be texts, or their vectors"):
        pipe.similarity([["a"]], "b")


def test_only_vectors_are_compared() -> None:
    with pytest.raises(PellucidError, match="Only sentence embeddings are compared"):
        pipeline("sentiment-analysis", "builtin", engine="numpy").similarity("a", "b")


def recipe(folder: Path, pooling: dict[str, Any], *, normalises: bool = False, **general: Any) -> Path:
    """A checkpoint with the files of sentence-transformers beside it."""
    pellucid_checkpoint(folder, "bert", "Model")
    modules = [
        {"idx": 0, "name": "0", "path": "", "type": "sentence_transformers.models.Transformer"},
        {"idx": 1, "name": "1", "path": "1_Pooling", "type": "sentence_transformers.models.Pooling"},
    ]
    if normalises:
        modules.append({"idx": 2, "name": "2", "path": "2_Normalize", "type": "sentence_transformers.models.Normalize"})
    (folder / "modules.json").write_text(json.dumps(modules))
    (folder / "1_Pooling").mkdir()
    (folder / "1_Pooling" / "config.json").write_text(json.dumps({"word_embedding_dimension": 24, **pooling}))
    (folder / "sentence_bert_config.json").write_text(json.dumps({"max_seq_length": 12, "do_lower_case": False}))
    (folder / "config_sentence_transformers.json").write_text(json.dumps(general))
    return folder


MODES = ["cls_token", "mean_tokens", "max_tokens", "mean_sqrt_len_tokens", "weightedmean_tokens", "lasttoken"]


@pytest.mark.reference
@pytest.mark.filterwarnings("ignore")
@pytest.mark.parametrize("modes", [*((mode,) for mode in MODES), ("cls_token", "max_tokens")], ids=str)
@pytest.mark.parametrize("include_prompt", [True, False])
def test_pooling_is_read_from_the_checkpoint(tmp_path: Path, modes: tuple[str, ...], include_prompt: bool) -> None:
    sentence_transformers = pytest.importorskip("sentence_transformers")
    pooling: dict[str, Any] = {f"pooling_mode_{mode}": mode in modes for mode in MODES}
    pooling["include_prompt"] = include_prompt
    folder = recipe(tmp_path / "made", pooling, normalises="lasttoken" not in modes, prompts={"query": "the movie : "})
    texts = ["was good", "i hate this film", "bad " * 30]
    theirs = sentence_transformers.SentenceTransformer(str(folder), device="cpu")
    pipe = pipeline("sentence-embedding", str(folder), engine="numpy")
    for arguments in ({}, {"prompt_name": "query"}, {"prompt": "a film"}):
        expected = theirs.encode(texts, **arguments)
        assert np.abs(pipe(texts, return_tensors=True, **arguments) - expected).max() < 1e-5, arguments


def test_a_default_prompt_and_a_dense_layer_are_read(tmp_path: Path) -> None:
    from safetensors.numpy import save_file

    folder = recipe(
        tmp_path / "made", {"pooling_mode_mean_tokens": True}, prompts={"q": "a "}, default_prompt_name="q"
    )  # fmt: skip
    plain = pipeline("sentence-embedding", str(folder), engine="numpy")
    modules = json.loads((folder / "modules.json").read_text())
    modules.append({"idx": 2, "name": "2", "path": "2_Dense", "type": "sentence_transformers.models.Dense"})
    (folder / "modules.json").write_text(json.dumps(modules))
    (folder / "2_Dense").mkdir()
    (folder / "2_Dense" / "config.json").write_text(
        json.dumps({"in_features": 24, "out_features": 3, "activation_function": "torch.nn.modules.activation.Tanh"})
    )  # fmt: skip
    weight, bias = np.random.default_rng(0).standard_normal((3, 24)).astype(np.float32), np.ones(3, np.float32)
    save_file({"linear.weight": weight, "linear.bias": bias}, folder / "2_Dense" / "model.safetensors")
    dense = pipeline("sentence-embedding", str(folder), engine="numpy")
    pooled = plain("good", return_tensors=True)
    np.testing.assert_allclose(dense("good", return_tensors=True), np.tanh(weight @ pooled + bias), rtol=1e-5)
    np.testing.assert_allclose(plain("good"), plain("a good", prompt=""), rtol=1e-6)


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"pooling": "median"}, "not one of cls, mean"),
        ({"truncate_dim": 0}, "whole number above 0"),
        ({"prompt_name": "no"}, "none of the checkpoint's prompts: query"),
        ({"prompt": 3}, "must be a string"),
        ({"colour": 3}, "does not know colour"),
    ],
)
def test_what_means_nothing_is_refused_in_words(tmp_path: Path, arguments: dict[str, Any], message: str) -> None:
    folder = recipe(tmp_path / "made", {"pooling_mode_cls_token": True}, prompts={"query": "a"})
    with pytest.raises(PellucidError, match=message):
        pipeline("sentence-embedding", str(folder), engine="numpy")("a", **arguments)


def test_steps_that_are_not_computed_are_refused(tmp_path: Path) -> None:
    folder = recipe(tmp_path / "made", {"pooling_mode_cls_token": True})
    (folder / "modules.json").write_text(json.dumps([{"type": "sentence_transformers.models.LSTM", "path": "1_LSTM"}]))
    with pytest.raises(PellucidError, match="only Transformer, Pooling, Dense, Dropout and Normalize"):
        pipeline("sentence-embedding", str(folder), engine="numpy")
    (folder / "modules.json").write_text("[")
    with pytest.raises(PellucidError, match="not JSON"):
        pipeline("sentence-embedding", str(folder), engine="numpy")


def test_similarity_embeds_the_candidates_once(tmp_path: Path) -> None:
    folder = recipe(tmp_path / "made", {"pooling_mode_mean_tokens": True})
    pipe = pipeline("similarity", str(folder), engine="numpy")
    sizes = []
    run = pipe.model.runner.run

    def watched(packed: Any, **named: Any) -> Any:
        sizes.append(len(packed.lengths))
        return run(packed, **named)

    pipe.model.runner.run = watched  # type: ignore[method-assign]
    answers = pipe(["the movie", "i hate"], candidates=["good", "the movie", "bad"])
    assert sizes == [3, 2]
    assert answers[0][0]["text"] == "the movie"
    assert answers[0][0]["score"] == pytest.approx(1, abs=1e-6)
    with pytest.raises(PellucidError, match="nothing to search"):
        pipe("a")
    with pytest.raises(PellucidError, match="list of strings"):
        pipe("a", "b")


@pytest.mark.reference
@pytest.mark.filterwarnings("ignore")
def test_pairs_are_scored_as_by_sentence_transformers(tmp_path: Path) -> None:
    sentence_transformers = pytest.importorskip("sentence_transformers")
    folder = pellucid_checkpoint(tmp_path / "cross", "bert", "ForSequenceClassification", num_labels=1)
    theirs = sentence_transformers.CrossEncoder(str(folder), device="cpu")
    pairs = [("the movie", "was good"), ("the movie", "bad bad bad"), ("i", "hate this film")]
    expected = theirs.predict(pairs)
    pipe = pipeline("text-pair", str(folder), engine="numpy")
    assert [one["score"] for one in pipe(pairs)] == pytest.approx(expected.tolist(), abs=1e-5)
    assert pipe(pairs[0])["score"] == pytest.approx(float(expected[0]), abs=1e-5)
    assert pipe({"text": "the movie", "text_pair": "was good"}) == pipe(pairs[0])
    documents = ["was good", "bad bad bad", "love this"]
    ranked = theirs.rank("the movie", documents)
    ours = pipeline("rerank", str(folder), engine="numpy")("the movie", documents, top_k=2)
    assert [one["index"] for one in ours] == [one["corpus_id"] for one in ranked][:2]
    assert [one["score"] for one in ours] == pytest.approx([float(one["score"]) for one in ranked][:2], abs=1e-5)


def test_reranking_needs_documents_and_one_label(tmp_path: Path) -> None:
    one = pellucid_checkpoint(tmp_path / "one", "bert", "ForSequenceClassification", num_labels=1)
    two = pellucid_checkpoint(tmp_path / "two", "bert", "ForSequenceClassification", num_labels=2)
    with pytest.raises(PellucidError, match="There are no documents"):
        pipeline("rerank", str(one), engine="numpy")("the movie")
    with pytest.raises(PellucidError, match="not one of sigmoid, softmax, none"):
        pipeline("rerank", str(one), engine="numpy")("the movie", ["a"], function_to_apply="sgmoid")
    with pytest.raises(PellucidError, match="has 2 labels, and reranking needs"):
        pipeline("rerank", str(two), engine="numpy")
    with pytest.raises(PellucidError, match="must be a pair of strings"):
        pipeline("text-pair", str(one), engine="numpy")("the movie")
