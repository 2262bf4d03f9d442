"""Every task with every kind of tokenizer, beside `transformers`: WordPiece, byte-level BPE, and Unigram."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from pellucid import pipeline
from pellucid.engines import installed
from support.answers import assert_same
from support.family_tokenizers import TOKENIZER_CLASSES, write_family_tokenizer
from support.tiny import reference_model
from tasks.conftest import LABELS

pytestmark = [pytest.mark.reference, pytest.mark.filterwarnings("ignore")]

FAMILIES = ("roberta", "xlm-roberta", "camembert", "albert", "deberta", "deberta-v2", "electra", "mpnet", "modernbert")

EVERY_ENGINE = "xlm-roberta"
"""The family that all engines are asked for."""

RUNS = [("openvino", family) for family in FAMILIES]
RUNS += [(engine, EVERY_ENGINE) for engine in installed() if engine != "openvino"]

TEXTS = [
    "The quick brown fox jumps over the lazy dog.",
    "",
    " ",
    "  runs   of blanks \n\n\tand lines\r\n ",
    "naïve café – garçon à l'été",
    "e\u0301te\u0301 c\u0327a Ünïcödé",
    "東京 中文字符 日本語 한국어",
    "العربية שלום नमस्ते",
    "dogs 🐶🎬 👩\u200d👩\u200d👧 ok",
    "a" * 60 + " b",
    "don't can't it's 1,000.5 e-mail@example.org",
    "\u3000ideographic\u00a0nbsp \u200bzero ﬁ Ⅷ ½",
    "HELLO World",
    "( 9,9 ) ``quotes''",
]
"""Accents, marks of their own, scripts without blanks, signs of several code points, a long word, runs of blanks."""

LONG = " ".join(text for text in TEXTS if text.strip()) + "\n"

SHORT = [text for text in TEXTS if len(text) < 25]
"""Those that no tokenizer makes more tokens of than the tiny models take."""

Pair = Callable[[str, str, str, str], tuple[Any, Any]]


@pytest.fixture(scope="session")
def pair(tmp_path_factory: pytest.TempPathFactory) -> Pair:
    """The pipelines of both for a checkpoint of a family and a head, whose tokenizer is of the family's own kind."""
    pytest.importorskip("torch")
    transformers = pytest.importorskip("transformers")
    references: dict[tuple[str, str], tuple[Path, Any]] = {}
    ours: dict[tuple[str, str, str], Any] = {}

    def reference(task: str, suffix: str, family: str) -> tuple[Path, Any]:
        folder = tmp_path_factory.mktemp(family)
        known = write_family_tokenizer(folder, family)
        names = LABELS.get(suffix)
        if names:
            known["id2label"] = dict(enumerate(names))
            known["label2id"] = {name: n for n, name in enumerate(names)}
        reference_model(family, suffix, **known).save_pretrained(folder)
        class_name = f"{TOKENIZER_CLASSES[family].removesuffix('Fast')}Fast"
        getattr(transformers, class_name).from_pretrained(folder).save_pretrained(folder)
        return folder, transformers.pipeline(task, str(folder), dtype="float32")

    def both(task: str, suffix: str, family: str, engine: str) -> tuple[Any, Any]:
        if (task, family) not in references:
            references[task, family] = reference(task, suffix, family)
        folder, theirs = references[task, family]
        if (task, family, engine) not in ours:
            ours[task, family, engine] = pipeline(task, str(folder), engine=engine)
        return ours[task, family, engine], theirs

    return both


def listed_once(entities: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """What `transformers` answers, without its error: the first entity of a text is listed twice if it has no length.

    Such is a blank that is a token of byte-level BPE. It is laid beside itself there, and does not overlap.
    """
    is_empty = len(entities) > 1 and entities[0]["start"] == entities[0]["end"]
    return entities[1:] if is_empty and entities[0] == entities[1] else entities


@pytest.mark.parametrize("strategy", ["none", "simple", "first", "average", "max"])
@pytest.mark.parametrize(("engine", "family"), RUNS)
def test_labels_of_tokens(pair: Pair, family: str, engine: str, strategy: str) -> None:
    ours, reference = pair("token-classification", "ForTokenClassification", family, engine)
    for ignored in (["O"], []):
        call: dict[str, Any] = {"aggregation_strategy": strategy, "ignore_labels": ignored}
        answers = ours(TEXTS, **call)
        assert_same(answers, reference(TEXTS, **call))
        json.dumps(answers)
        if strategy != "none":
            assert_same(ours(LONG, stride=6, **call), listed_once(reference(LONG, stride=6, **call)))


QUESTION = "naïve 東京?"

QUESTIONS: list[dict[str, Any]] = [
    {"context": TEXTS[0]},
    {"context": LONG, "top_k": 5},
    {"context": LONG, "doc_stride": 5, "max_answer_len": 4, "top_k": 3},
    {"context": LONG, "align_to_words": False, "top_k": 9},
    {"context": LONG, "handle_impossible_answer": True, "top_k": 4},
    *({"context": text, "top_k": 2} for text in TEXTS if text.strip()),
]


@pytest.mark.parametrize(("engine", "family"), RUNS)
def test_answers_to_questions(pair: Pair, family: str, engine: str) -> None:
    ours, reference = pair("question-answering", "ForQuestionAnswering", family, engine)
    for one in QUESTIONS:
        given = {"question": QUESTION, "doc_stride": 8, **one}
        answers = ours(**given)
        assert_same(answers, reference(**given))
        json.dumps(answers)


@pytest.mark.parametrize(("engine", "family"), RUNS)
def test_words_behind_masks(pair: Pair, family: str, engine: str) -> None:
    ours, reference = pair("fill-mask", "ForMaskedLM", family, engine)
    mask = ours.tokenizer.mask_token
    for text in SHORT:
        for masked in (f"{text} {mask}", f"{mask}{text}", f"{mask} {text}{mask}"):
            assert_same(ours(masked), reference(masked))
            assert_same(ours(masked, top_k=3), reference(masked, top_k=3))
    texts = [f"{mask} dog", f"the {mask} fox {mask}"]
    assert_same(ours(texts), reference(texts))
    for targets in (["the", "dog"], ["dog", "zzz", "naïve", "dog"], "fox"):
        assert_same(ours(texts[0], targets=targets), reference(texts[0], targets=targets))


@pytest.mark.parametrize(("engine", "family"), RUNS)
def test_labels_of_texts_and_pairs(pair: Pair, family: str, engine: str) -> None:
    ours, reference = pair("text-classification", "ForSequenceClassification", family, engine)
    assert_same(ours(TEXTS, truncation=True, top_k=None), reference(TEXTS, truncation=True, top_k=None))
    pairs = [{"text": text, "text_pair": other} for text in SHORT[:6] for other in SHORT[1:3]]
    assert_same(ours(pairs, truncation=True), [reference(pair, truncation=True) for pair in pairs])


@pytest.mark.parametrize(("engine", "family"), RUNS)
def test_labels_that_nobody_trained(pair: Pair, family: str, engine: str) -> None:
    ours, reference = pair("zero-shot-classification", "ForSequenceClassification", family, engine)
    labels = ["dog", "naïve café", "東京"]
    for multi in (False, True):
        call = {"candidate_labels": labels, "multi_label": multi, "hypothesis_template": "on {}."}
        texts = [text for text in TEXTS if text]
        assert_same(ours(texts, **call), reference(texts, **call))


@pytest.mark.parametrize(("engine", "family"), RUNS)
@pytest.mark.parametrize(
    ("task", "suffix"),
    [
        ("text-classification", "ForSequenceClassification"),
        ("token-classification", "ForTokenClassification"),
        ("fill-mask", "ForMaskedLM"),
        ("question-answering", "ForQuestionAnswering"),
    ],
)
def test_no_stage_parts_from_the_reference(pair: Pair, family: str, engine: str, task: str, suffix: str) -> None:
    ours, reference = pair(task, suffix, family, engine)
    for text in ("naïve dogs 🐶", "HELLO World"):
        item: Any = {"question": QUESTION, "context": text} if task == "question-answering" else text
        trace = ours.trace(f"{text} {ours.tokenizer.mask_token}" if task == "fill-mask" else item)
        found = trace.compare(reference, attentions=True, absolute=1e-5, relative=1e-4)
        assert found.agrees, str(found)
        outputs = [name.replace("_", " ") for name in trace.sequences[0].values]
        layers = ours.model.config.num_hidden_layers
        assert len(found.stages) == 3 + 2 * layers + len(outputs)
