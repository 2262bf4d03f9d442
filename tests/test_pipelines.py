"""Pipelines: the arguments, shapes and defaults of `transformers`, and what goes beyond."""

from __future__ import annotations

import copy
import inspect
import json
import logging
import shutil
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import pellucid
from pellucid import AutoModelForSequenceClassification, AutoTokenizer, PellucidError, pipeline
from pellucid.engines import installed
from pellucid.errors import (
    InputError,
    InputTypeError,
    MissingHeadError,
    PipelineError,
    TextTooLongError,
    UnknownTaskError,
    VocabularyMismatchError,
)
from pellucid.streaming import windows
from support.answers import assert_same
from support.fake_hub import FakeHub
from support.family_tokenizers import TOKENIZER_CLASSES, write_family_tokenizer
from support.tiny import CLASS_PREFIX, WORDPIECE, pellucid_checkpoint

ENGINES = installed()

TEXTS = [
    "the movie was good",
    "i hate this",
    "",
    "a very not great film !",
    "naïve café – 東京 🎬 العربية é",
    "bad bad bad , very bad ? i love the movie . was it good",
    "the",
]


@pytest.fixture(params=ENGINES)
def pipe(request: pytest.FixtureRequest, classifier: Path) -> Any:
    return pipeline("text-classification", str(classifier), engine=request.param)


# --- the same as transformers ---------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def references(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Any]:
    """For each family the reference's pipelines on a checkpoint, and the checkpoint."""
    pytest.importorskip("torch")
    transformers = pytest.importorskip("transformers")
    from support.tiny import reference_model, write_tokenizer

    made = {}
    for family in WORDPIECE:
        folder = tmp_path_factory.mktemp(family)
        labels = {"id2label": {0: "sad", 1: "fine", 2: "glad"}, "label2id": {"sad": 0, "fine": 1, "glad": 2}}
        reference_model(family, "ForSequenceClassification", **labels).save_pretrained(folder)
        write_tokenizer(folder)
        tokenizer = getattr(transformers, f"{CLASS_PREFIX[family]}TokenizerFast")(folder / "vocab.txt")
        tokenizer.save_pretrained(folder)
        made[family] = (
            folder,
            {
                task: transformers.pipeline(task, str(folder), dtype="float32")
                for task in ("text-classification", "feature-extraction")
            },
        )
    return made


CALLS: list[tuple[dict[str, Any], Any, dict[str, Any]]] = [
    ({}, TEXTS[0], {}),
    ({}, TEXTS, {}),
    ({}, TEXTS[:1], {}),
    ({}, TEXTS[0], {"top_k": 1}),
    ({}, TEXTS[:2], {"top_k": 1}),
    ({}, TEXTS[0], {"top_k": None}),
    ({}, TEXTS[:2], {"top_k": 2}),
    ({}, TEXTS[:2], {"top_k": 99}),
    ({"top_k": None}, TEXTS[0], {}),
    ({"top_k": 2}, TEXTS[:2], {}),
    ({"top_k": None}, TEXTS[0], {"top_k": 1}),
    ({}, TEXTS[0], {"function_to_apply": "none"}),
    ({}, TEXTS[0], {"function_to_apply": "Sigmoid", "top_k": None}),
    ({"function_to_apply": "sigmoid"}, TEXTS[:3], {}),
    ({}, {"text": TEXTS[0], "text_pair": TEXTS[1]}, {}),
    ({}, [{"text": TEXTS[0], "text_pair": TEXTS[1]}, {"text": TEXTS[3]}], {}),
    ({}, [[[TEXTS[0], TEXTS[1]]]], {}),
    ({}, " ".join(TEXTS * 5), {"truncation": True, "max_length": 12}),
    ({}, " ".join(TEXTS * 5), {"truncation": True, "max_length": 12, "padding": "max_length"}),
    ({}, TEXTS[:2], {"batch_size": 2}),
    ({}, [], {}),
]


@pytest.mark.reference
@pytest.mark.parametrize("engine", ENGINES)
@pytest.mark.parametrize("family", WORDPIECE)
@pytest.mark.parametrize(("construction", "inputs", "call"), CALLS, ids=str)
def test_text_classification_answers_as_the_reference(
    references: dict[str, Any],
    family: str,
    engine: str,
    construction: dict[str, Any],
    inputs: Any,
    call: dict[str, Any],
) -> None:
    transformers = pytest.importorskip("transformers")
    folder, made = references[family]
    theirs = made["text-classification"]
    if construction:
        theirs = transformers.pipeline(
            "text-classification", model=theirs.model, tokenizer=theirs.tokenizer, **construction
        )
    ours = pipeline("text-classification", str(folder), engine=engine, **construction)
    assert_same(ours(inputs, **call), theirs(inputs, **call))


@pytest.mark.reference
@pytest.mark.parametrize("num_labels", [1, 2])
@pytest.mark.parametrize(
    "problem_type", [None, "regression", "single_label_classification", "multi_label_classification"]
)
def test_the_kind_of_problem_chooses_the_function(tmp_path: Path, num_labels: int, problem_type: str | None) -> None:
    transformers = pytest.importorskip("transformers")
    from support.tiny import reference_model, write_tokenizer

    reference_model(
        "bert", "ForSequenceClassification", num_labels=num_labels, problem_type=problem_type
    ).save_pretrained(tmp_path)
    write_tokenizer(tmp_path)
    theirs = transformers.pipeline("text-classification", str(tmp_path))
    ours = pipeline("text-classification", str(tmp_path))
    for call in ({}, {"top_k": None}):
        assert_same(ours(TEXTS[0], **call), theirs(TEXTS[0], **call))


@pytest.mark.reference
@pytest.mark.parametrize("engine", ENGINES)
@pytest.mark.parametrize("family", WORDPIECE)
@pytest.mark.parametrize(
    ("inputs", "call"),
    [
        (TEXTS[0], {}),
        (TEXTS, {}),
        (" ".join(TEXTS * 5), {"truncation": True, "tokenize_kwargs": {"max_length": 9}}),
        (TEXTS[:2], {"tokenize_kwargs": {"add_special_tokens": False}}),
    ],
    ids=str,
)
def test_feature_extraction_answers_as_the_reference(
    references: dict[str, Any], family: str, engine: str, inputs: Any, call: dict[str, Any]
) -> None:
    folder, made = references[family]
    ours = pipeline("feature-extraction", str(folder), engine=engine)
    # The reference writes into the dictionary that it is given.
    assert_same(ours(inputs, **call), made["feature-extraction"](inputs, **copy.deepcopy(call)))


@pytest.mark.reference
def test_feature_extraction_gives_arrays_and_keeps_the_length_that_padding_asks_for(references: dict[str, Any]) -> None:
    folder, made = references["bert"]
    ours = pipeline("feature-extraction", str(folder))
    array = ours(TEXTS[0], return_tensors=True)
    np.testing.assert_allclose(
        array, made["feature-extraction"](TEXTS[0], return_tensors=True).numpy(), rtol=1e-4, atol=1e-5
    )
    padded = {"tokenize_kwargs": {"padding": "max_length", "max_length": 20}, "return_tensors": True}
    assert ours(TEXTS[0], **padded).shape == tuple(made["feature-extraction"](TEXTS[0], **padded).shape) == (1, 20, 24)
    assert (ours(TEXTS[0], **padded)[0, array.shape[1] :] == 0).all()


# --- and beyond -----------------------------------------------------------------------------------------------------


def test_an_answer_does_not_depend_on_what_it_is_batched_with(pipe: Any) -> None:
    together = pipe(TEXTS * 20, max_tokens=64)
    for text, answer in zip(TEXTS * 20, together, strict=True):
        (alone,) = pipe(text)
        assert alone["label"] == answer["label"]
        assert alone["score"] == pytest.approx(answer["score"], abs=1e-5)


def test_a_text_that_is_there_twice_is_computed_once(pipe: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    computed = []
    run = pipe.model.runner.run
    monkeypatch.setattr(pipe.model.runner, "run", lambda packed, **rest: computed.append(packed) or run(packed, **rest))
    texts = ["good", "bad", "good", "good movie", "bad", "good"]
    answers = pipe(texts)
    assert [len(packed.lengths) for packed in computed] == [3]
    assert_same(answers, [pipe(text)[0] for text in texts])
    pairs = pipe([{"text": "good", "text_pair": "bad"}, {"text": "good"}, {"text": "good", "text_pair": "bad"}])
    assert len(computed[-1].lengths) == 2
    assert pairs[0] == pairs[2] != pairs[1]


def test_answers_of_equal_texts_share_no_memory(encoder: Path) -> None:
    extract = pipeline("feature-extraction", str(encoder), engine="numpy", return_tensors=True)
    one, other = extract(["good movie", "good movie"])
    one[:] = 0
    assert other.any()


def test_a_generator_is_answered_in_order_and_only_as_far_as_it_is_read(pipe: Any) -> None:
    taken = 0

    def endless() -> Iterator[str]:
        nonlocal taken
        while True:
            taken += 1
            yield TEXTS[taken % len(TEXTS)]

    answers = pipe(endless())
    assert taken == 0
    first = [next(answers) for _ in range(40)]
    assert taken < 200, "at most one window is read ahead"
    expected = pipe([TEXTS[(i + 1) % len(TEXTS)] for i in range(40)])
    assert [answer["label"] for answer in first] == [answer["label"] for answer in expected]
    answers.close()


def test_a_failing_generator_gives_what_came_before_and_then_its_own_error(pipe: Any) -> None:
    def failing() -> Iterator[str]:
        yield from TEXTS[:5]
        raise RuntimeError("the source broke")

    answers = []
    with pytest.raises(RuntimeError, match="the source broke"):
        answers.extend(pipe(failing()))
    assert len(answers) == 5


def test_windows_grow_and_hold_every_item_once() -> None:
    cut = list(windows(range(1000), 64))
    assert [len(window) for window in cut[:5]] == [16, 32, 64, 64, 64]
    assert [item for window in cut for item in window] == list(range(1000))
    assert list(windows([], 8)) == []


@pytest.mark.parametrize(
    "inputs",
    [tuple(TEXTS[:3]), np.array(TEXTS[:3]), np.array(TEXTS[:3], object)],
    ids=["tuple", "array of text", "array of objects"],
)
def test_what_is_like_a_list_is_answered_like_a_list(pipe: Any, inputs: Any) -> None:
    assert pipe(inputs) == pipe(TEXTS[:3])


def test_a_progress_bar_counts_texts(pipe: Any, capsys: pytest.CaptureFixture[str]) -> None:
    pipe(TEXTS, progress=True)
    assert f"{len(TEXTS)}/{len(TEXTS)}" in capsys.readouterr().err
    pipe(TEXTS)
    assert not capsys.readouterr().err


def test_one_pipeline_is_used_by_many_threads_with_different_arguments(pipe: Any) -> None:
    calls = [{}, {"top_k": None}, {"truncation": True, "max_length": 5}, {"function_to_apply": "none"}] * 4
    expected = [json.dumps(pipe(TEXTS, **call)) for call in calls]
    got: dict[int, set[str]] = {}

    def work(i: int) -> None:
        got[i] = {json.dumps(pipe(TEXTS, **calls[i])) for _ in range(5)}

    threads = [threading.Thread(target=work, args=(i,)) for i in range(len(calls))]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert [got[i] for i in range(len(calls))] == [{one} for one in expected]


def test_answers_are_plain_numbers(pipe: Any) -> None:
    for call in ({}, {"top_k": None}, {"function_to_apply": "none"}):
        assert json.loads(json.dumps(pipe(TEXTS, **call))) == pipe(TEXTS, **call)


@pytest.mark.parametrize(
    ("inputs", "call", "error", "message"),
    [
        (None, {}, InputTypeError, "Input 0 is of type NoneType; it must be a string"),
        (["a", 3], {}, InputTypeError, "Input 1 is of type int"),
        (["a"] * 50 + [b"x"], {}, InputTypeError, "Input 50 is of type bytes"),
        ([["a", "b"]], {}, InputError, "The pipeline received invalid inputs"),
        ([{"txt": "a"}], {}, InputError, r"Input 0 is a dictionary with the keys \['txt'\]"),
        pytest.param({"a", "b"}, {}, InputTypeError, "a set, which has no order", id="a set"),
        (["a", "a b " * 30], {}, TextTooLongError, "Text 1 has 62 tokens; .* accepts at most 40"),
        (["a"] * 60 + ["a b " * 30], {}, TextTooLongError, "Text 60 has 62 tokens"),
        (["ok"] * 60 + ["bad \ud800"], {}, InputError, "Item 60 has a lone surrogate"),
        (["a", {"text": "b", "text_pair": 3}], {}, InputTypeError, "The second text of item 1 is int"),
        (
            ["a"] * 60 + ["b c"],
            {"truncation": "only_second", "max_length": 3},
            InputError,
            "item 60 has no second text",
        ),
        ("a", {"top_k": 0}, InputError, "`top_k=0` must be a whole number above 0"),
        ("a", {"top_k": "3"}, InputError, "`top_k='3'`"),
        ("a", {"function_to_apply": "default"}, InputError, "not one of sigmoid, softmax, none"),
        ("a", {"truncaton": True}, InputError, "does not know truncaton. Arguments: .*truncation"),
        ("a", {"batch_size": 0}, InputError, "`batch_size=0`"),
        ("a", {"max_tokens": -1}, InputError, "`max_tokens=-1`"),
    ],
    ids=str,
)
def test_bad_inputs_are_told_by_their_number_and_the_next_call_works(
    pipe: Any, inputs: Any, call: dict[str, Any], error: type[Exception], message: str
) -> None:
    with pytest.raises(error, match=message):
        pipe(inputs, **call)
    assert len(pipe(TEXTS)) == len(TEXTS)


def test_truncation_without_a_length_is_to_what_the_model_takes(pipe: Any) -> None:
    assert pipe.tokenizer.model_max_length > 10**20, "this tokenizer knows of no limit"
    assert pipe("a b " * 300, truncation=True)[0]["score"] > 0


def test_a_task_whose_head_the_checkpoint_lacks_is_refused(encoder: Path, caplog: pytest.LogCaptureFixture) -> None:
    with pytest.raises(
        MissingHeadError, match="no trained head for 'text-classification': classifier.weight, classifier.b"
    ):
        pipeline("text-classification", str(encoder))
    pipe = pipeline("text-classification", str(encoder), allow_untrained_head=True)
    assert "newly initialized" in caplog.text
    assert pipe("a")[0]["label"] in ("LABEL_0", "LABEL_1")


def test_an_encoder_without_a_pooler_extracts_features(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    from safetensors.numpy import load_file, save_file

    pellucid_checkpoint(tmp_path, "bert", "Model")
    weights = load_file(tmp_path / "model.safetensors")
    save_file({name: value for name, value in weights.items() if "pooler" not in name}, tmp_path / "model.safetensors")
    assert len(pipeline("feature-extraction", str(tmp_path))("a")[0]) == 3
    assert not caplog.text


def test_the_task_is_told_by_the_checkpoint(classifier: Path, encoder: Path) -> None:
    assert pipeline(model=str(classifier)).task == "text-classification"
    assert pipeline(model=str(encoder)).task == "feature-extraction"
    assert pipeline("sentiment-analysis", str(classifier)).task == "text-classification"


def test_models_and_tokenizers_may_be_given_ready(classifier: Path) -> None:
    model = AutoModelForSequenceClassification.from_pretrained(classifier)
    tokenizer = AutoTokenizer.from_pretrained(classifier)
    expected = pipeline("text-classification", str(classifier), engine=model.engine)(TEXTS)
    assert pipeline("text-classification", model, tokenizer=tokenizer)(TEXTS) == expected
    assert pipeline(model=model, tokenizer=str(classifier))(TEXTS) == expected
    with pytest.raises(PipelineError, match="Impossible to guess which tokenizer to use"):
        pipeline("text-classification", model)


@pytest.mark.reference
def test_pipeline_takes_the_arguments_of_the_reference_in_its_order() -> None:
    transformers = pytest.importorskip("transformers")
    ours = list(inspect.signature(pipeline).parameters)
    theirs = [name for name in inspect.signature(transformers.pipeline).parameters if name != "kwargs"]
    assert ours[: len(theirs)] == theirs


def test_a_pipeline_that_cannot_be_put_together_says_why(classifier: Path) -> None:
    with pytest.raises(RuntimeError, match="without either a task or a model"):
        pipeline()
    with pytest.raises(RuntimeError, match="tokenizer specified but not the model"):
        pipeline("text-classification", tokenizer=str(classifier))
    with pytest.raises(
        KeyError, match=r"Unknown task translate, available tasks are \['feature-extraction', 'fill-mask"
    ):
        pipeline("translate", str(classifier))
    with pytest.raises(UnknownTaskError):
        pipeline("vqa")
    with pytest.raises(ValueError, match="`dtype` is given both to pipeline"):
        pipeline("text-classification", str(classifier), dtype="float32", model_kwargs={"dtype": "float32"})
    with pytest.raises(ValueError, match="computes on text alone"):
        pipeline("text-classification", str(classifier), image_processor="x")


USUAL = {
    "sentiment-analysis": ("distilbert/distilbert-base-uncased-finetuned-sst-2-english", "714eb0f"),
    "ner": ("dbmdz/bert-large-cased-finetuned-conll03-english", "4c53496"),
    "question-answering": ("distilbert/distilbert-base-cased-distilled-squad", "564e9b5"),
    "fill-mask": ("distilbert/distilroberta-base", "fb53ab8"),
    "zero-shot-classification": ("facebook/bart-large-mnli", "d7645e1"),
    "feature-extraction": ("distilbert/distilbert-base-cased", "6ea8117"),
}


@pytest.mark.parametrize("task", USUAL)
def test_without_a_model_the_usual_checkpoint_is_taken_and_named(
    task: str, caplog: pytest.LogCaptureFixture, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("HF_HUB_OFFLINE", "1")
    with caplog.at_level(logging.WARNING), pytest.raises(OSError, match="model='builtin', which is inside"):
        pipeline(task, model_kwargs={"cache_dir": str(tmp_path)})
    name, revision = USUAL[task]
    assert f"defaulted to {name} and revision {revision}" in caplog.text


@pytest.mark.reference
def test_the_usual_checkpoints_are_those_of_the_reference() -> None:
    transformers = pytest.importorskip("transformers")
    for task, (name, revision) in USUAL.items():
        models = transformers.pipelines.check_task(task)[1]["default"]["model"]
        assert (name, revision) == (models.get("pt") or models)[:2]


def test_without_a_model_the_checkpoint_of_the_hub_is_loaded(
    classifier: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    files = {path.name: path.read_bytes() for path in classifier.iterdir()}
    name, revision = USUAL["sentiment-analysis"]
    with FakeHub() as hub:
        commit = hub.add(name, files)
        hub.repositories[name].references[revision] = commit
        hub.install(monkeypatch, tmp_path / "cache")
        assert pipeline("sentiment-analysis")("a")[0]["label"] in ("LABEL_0", "LABEL_1")


def test_a_usual_checkpoint_of_another_family_names_one_that_runs(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    name, revision = USUAL["zero-shot-classification"]
    with FakeHub() as hub:
        commit = hub.add(name, {"config.json": b'{"model_type": "bart"}'})
        hub.repositories[name].references[revision] = commit
        hub.install(monkeypatch, tmp_path / "cache")
        with pytest.raises(PellucidError, match="'bart', which this version does not run.*MoritzLaurer/DeBERTa"):
            pipeline("zero-shot-classification")


def test_a_saved_pipeline_is_a_checkpoint(classifier: Path, tmp_path: Path) -> None:
    pipe = pipeline("text-classification", str(classifier))
    pipe.save_pretrained(tmp_path / "saved")
    assert pipeline("text-classification", str(tmp_path / "saved"))(TEXTS) == pipe(TEXTS)
    assert {path.name for path in (tmp_path / "saved").iterdir()} >= {
        "config.json", "model.safetensors", "tokenizer_config.json", "vocab.txt",
    }  # fmt: skip


def test_the_builtin_checkpoint_answers_without_a_network() -> None:
    answers = pipeline("sentiment-analysis", model="builtin")(["I love to learn about LLMs!", "I hate this so much!"])
    assert [answer["label"] for answer in answers] == ["POSITIVE", "NEGATIVE"]
    assert all(answer["score"] > 0.9 for answer in answers)


def test_every_error_here_is_one_of_ours(classifier: Path) -> None:
    with pytest.raises(PellucidError):
        pipeline("text-classification", str(classifier))([None])
    assert pellucid.PellucidError is PellucidError


def test_a_head_that_was_trained_for_another_task_is_refused(classifier: Path) -> None:
    """The weights of a head that labels texts have the names of one that labels tokens."""
    with pytest.raises(MissingHeadError, match="another head's, since it was made as BertForSequenceClassification"):
        pipeline("ner", str(classifier), engine="numpy")
    assert pipeline("ner", str(classifier), engine="numpy", allow_untrained_head=True)("a")


# --- a tokenizer of another model -------------------------------------------------------------------------------------


def test_a_tokenizer_with_more_tokens_than_the_model_is_refused(classifier: Path, tmp_path: Path) -> None:
    shutil.copytree(classifier, tmp_path, dirs_exist_ok=True)
    with (tmp_path / "vocab.txt").open("a", encoding="utf-8") as vocabulary:
        vocabulary.write("one\ntwo\n")
    rows = AutoTokenizer.from_pretrained(classifier).highest_id + 1
    message = (
        rf"ids go up to {rows + 1}, .* for 0 to {rows - 1} \(`vocab_size` {rows}\).* 'one' {rows}, 'two' {rows + 1}\."
    )
    with pytest.raises(VocabularyMismatchError, match=message) as caught:
        pipeline("text-classification", str(tmp_path))
    assert isinstance(caught.value, RuntimeError)
    assert caught.value.code == "checkpoint.vocab_mismatch"
    assert caught.value.details["tokens"] == ["one", "two"]
    # Given as objects too, and where only an added token is beyond.
    model, tokenizer = (one.from_pretrained(classifier) for one in (AutoModelForSequenceClassification, AutoTokenizer))
    pipeline("text-classification", model=model, tokenizer=tokenizer)
    tokenizer.add_tokens(["three"])
    with pytest.raises(VocabularyMismatchError, match=f"'three' {rows}"):
        pipeline("text-classification", model=model, tokenizer=tokenizer)


def test_a_tokenizer_with_fewer_tokens_than_the_model_is_taken(classifier: Path, tmp_path: Path) -> None:
    shutil.copytree(classifier, tmp_path, dirs_exist_ok=True)
    lines = (tmp_path / "vocab.txt").read_text(encoding="utf-8").splitlines()
    (tmp_path / "vocab.txt").write_text("\n".join(lines[:-3]) + "\n", encoding="utf-8")
    assert pipeline("text-classification", str(tmp_path))("the movie")


@pytest.mark.parametrize("family", TOKENIZER_CLASSES)
def test_the_highest_id_is_that_of_the_vocabulary(family: str, tmp_path: Path) -> None:
    write_family_tokenizer(tmp_path, family)
    tokenizer = AutoTokenizer.from_pretrained(tmp_path)
    assert tokenizer.highest_id == max(tokenizer.get_vocab().values())
    tokenizer.add_tokens(["a new word"])
    assert tokenizer.highest_id == max(tokenizer.get_vocab().values()) == len(tokenizer) - 1


def test_progress_is_told_in_items_while_they_are_computed(classifier: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    import tqdm.auto

    seen: list[int] = []

    class Bar:
        def __init__(self, **named: Any) -> None:
            self.update = seen.append

        def close(self) -> None:
            pass

    monkeypatch.setattr(tqdm.auto, "tqdm", Bar)
    texts = [f"good {chr(97 + n % 26)} {chr(97 + n // 26)}" for n in range(40)]
    pipe = pipeline("text-classification", str(classifier), engine="numpy")
    pipe(texts, progress=True, batch_size=4)
    assert sum(seen) == 40
    assert max(seen) == 4
    seen.clear()
    pipe(texts[:5] * 3, progress=True, batch_size=4)
    assert sum(seen) == 15
    seen.clear()
    zero_shot = pipeline("zero-shot-classification", str(classifier), engine="numpy")
    zero_shot(["good", "bad", "good film"], ["a", "b", "c", "d"], progress=True, batch_size=2)
    assert sum(seen) == 3
    assert len(seen) == 6


def test_the_task_is_told_where_a_family_has_not_every_head(tmp_path: Path) -> None:
    """ESM has no head that finds answers, which is asked about before the one for masks."""
    folder = pellucid_checkpoint(tmp_path / "made", "esm", "ForMaskedLM")
    (folder / "tokenizer_config.json").write_text('{"tokenizer_class": "BertTokenizer"}')
    assert pipeline(model=str(folder), engine="numpy").task == "fill-mask"
