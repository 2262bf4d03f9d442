"""What is explained: the pipeline's best answer, or what was asked; and refusals that say what there is."""

from __future__ import annotations

from typing import Any

import pytest

from pellucid.errors import InputError, PellucidError, TextTooLongError
from support.explained import ASKED


def asked(pipe_of: Any, task: str, target: Any = None, **more: Any) -> Any:
    item, arguments = ASKED[task]
    usual = {"pooling": "mean"} if task == "similarity" else {}
    return pipe_of(task, "numpy", **usual).explain(item, target=target, **{**arguments, **more})


def answer_of(pipe_of: Any, task: str, **more: Any) -> Any:
    item, arguments = ASKED[task]
    usual = {"pooling": "mean"} if task == "similarity" else {}
    return pipe_of(task, "numpy", **usual)(item, **{**arguments, **more})


def outputs_of(pipe_of: Any, task: str, name: str, number: int = 0) -> Any:
    item, arguments = ASKED[task]
    return list(pipe_of(task, "numpy").outputs([item], **arguments))[number][name]


def test_the_best_label_or_the_one_that_is_named(pipe_of: Any) -> None:
    task = "text-classification"
    best = answer_of(pipe_of, task)[0]["label"]
    assert asked(pipe_of, task).target == best
    logits = outputs_of(pipe_of, task, "logits")
    for number, label in enumerate(("sad", "fine", "glad")):
        for target in (label, label.upper(), number, {"label": label, "score": 0.5}):
            found = asked(pipe_of, task, target)
            assert found.target == label
            assert found.logit == pytest.approx(float(logits[number]), abs=1e-6)
    with pytest.raises(InputError, match="Labels: sad, fine, glad"):
        asked(pipe_of, task, "bored")
    with pytest.raises(InputError, match="needs label"):
        asked(pipe_of, task, {"score": 1})


def test_several_targets_and_several_texts(pipe_of: Any) -> None:
    pipe = pipe_of("text-classification", "numpy")
    assert [one.target for one in pipe.explain("good film", target=["sad", "glad"])] == ["sad", "glad"]
    found = pipe.explain(["good film", "bad"], target="sad")
    assert [one.texts for one in found] == [["good film"], ["bad"]]
    assert len(pipe.explain(iter(["good", "bad"]))) == 2


def test_the_label_of_a_pair(pipe_of: Any) -> None:
    found = asked(pipe_of, "text-pair")
    assert found.target == "relevance"
    assert found.texts == ["was it good ?", "a very bad film"]
    assert {word.text for word in found.words} == {0, 1}
    assert [found.texts[word.text][word.start : word.end] for word in found.words] == [w.word for w in found.words]


def test_the_document_that_fits_best_or_another(pipe_of: Any) -> None:
    documents = ASKED["rerank"][1]["documents"]
    best = answer_of(pipe_of, "rerank")[0]
    assert asked(pipe_of, "rerank").target == best["text"]
    for target in (1, documents[1], {"index": 1}, {"text": documents[1]}):
        found = asked(pipe_of, "rerank", target)
        assert found.texts == ["a good film", documents[1]]
        assert found.logit == pytest.approx(float(outputs_of(pipe_of, "rerank", "logits", 1)[0]), abs=1e-6)
    with pytest.raises(InputError, match="one of the 3"):
        asked(pipe_of, "rerank", "another")


def test_the_nearest_text_or_another(pipe_of: Any) -> None:
    best = answer_of(pipe_of, "similarity")
    assert asked(pipe_of, "similarity").target == best[0]["text"]
    found = asked(pipe_of, "similarity", best[-1])
    assert found.target == best[-1]["text"]
    assert found.logit == pytest.approx(best[-1]["score"], abs=1e-6)
    assert "cosine" in found.number


def test_the_best_label_that_nobody_trained_or_another(pipe_of: Any) -> None:
    task = "zero-shot-classification"
    assert asked(pipe_of, task).target == answer_of(pipe_of, task)["labels"][0]
    found = asked(pipe_of, task, "bad")
    assert found.texts == ["a great film", "This example is bad."]
    assert found.logit == pytest.approx(float(outputs_of(pipe_of, task, "logits", 1)[2]), abs=1e-6)
    assert asked(pipe_of, task, answer_of(pipe_of, task)).target == answer_of(pipe_of, task)["labels"][0]
    with pytest.raises(InputError, match="no label 'boring'"):
        asked(pipe_of, task, "boring")


def test_the_likeliest_word_or_another(pipe_of: Any) -> None:
    best = answer_of(pipe_of, "fill-mask")[0]
    assert asked(pipe_of, "fill-mask").target == best["token_str"]
    logits = outputs_of(pipe_of, "fill-mask", "logits")[0]
    number = pipe_of("fill-mask", "numpy").tokenizer.convert_tokens_to_ids("movie")
    for target in ("movie", number, {"token": number}, {"token_str": "movie", "mask": 0}):
        found = asked(pipe_of, "fill-mask", target)
        assert found.target == "movie"
        assert found.logit == pytest.approx(float(logits[number]), abs=1e-6)
    assert found.contributions[2] == 0.0, "the mask that is asked for stays"
    for target, words in (("movieing", "no single token"), ({"mask": 1}, "has 1"), (-1, "below")):
        with pytest.raises(InputError, match=words):
            asked(pipe_of, "fill-mask", target)


def test_one_of_several_masks(pipe_of: Any) -> None:
    pipe = pipe_of("fill-mask", "numpy")
    text = "[MASK] movie was [MASK]"
    answers = pipe(text)
    for mask, own in enumerate(answers):
        found = pipe.explain(text, target={"mask": mask})
        assert found.target == own[0]["token_str"]
        (outputs,) = pipe.outputs([text])
        assert found.logit == pytest.approx(float(outputs["logits"][mask, own[0]["token"]]), abs=1e-5)
        assert [word.word for word in found.words] == ["movie", "was"]


def test_the_surest_entity_or_a_token(pipe_of: Any) -> None:
    task = "token-classification"
    entities = answer_of(pipe_of, task)
    logits = outputs_of(pipe_of, task, "logits")
    best = max(entities, key=lambda one: one["score"])
    found = asked(pipe_of, task)
    assert found.target == f"{best['entity']} of {best['word']!r}"
    assert found.logit == pytest.approx(float(logits[best["index"]].max()), abs=1e-5)
    for target in (4, {"index": 4, "entity": "B-LOC"}, "great", {"word": "great", "entity": "B-LOC"}):
        found = asked(pipe_of, task, target)
        assert found.target.endswith("of 'great'")
        column = 3 if isinstance(target, dict) else int(logits[4].argmax())
        assert found.logit == pytest.approx(float(logits[4, column]), abs=1e-5)
    for target, words in (
        (0, "are 1 to 8"), (99, "are 1 to 8"), ("absent", "does not stand"), (2.5, "names no token"),
        ({"index": 1, "entity": "B-X"}, "Labels"), ({"start": 900, "end": 901}, "characters 900"),
        ({"start": 0, "end": 1, "entity_group": "X"}, "Groups: O, PER, LOC"),
    ):  # fmt: skip
        with pytest.raises(InputError, match=words):
            asked(pipe_of, task, target)


def test_an_entity_of_several_tokens_is_the_mean_of_its_own(pipe_of: Any) -> None:
    task = "token-classification"
    logits = outputs_of(pipe_of, task, "logits")
    found = asked(pipe_of, task, {"start": 2, "end": 11, "entity_group": "LOC"})  # love this
    assert found.logit == pytest.approx(float((logits[2, 3:5].max() + logits[3, 3:5].max()) / 2), abs=1e-5)
    entities = answer_of(pipe_of, task, aggregation_strategy="simple")
    best = max(entities, key=lambda one: one["score"])
    found = asked(pipe_of, task, aggregation_strategy="simple")
    assert found.target.endswith(f"of {ASKED[task][0][best['start'] : best['end']]!r}")


def test_a_text_without_an_entity_has_one_that_is_nearest(pipe_of: Any) -> None:
    everything = ["O", "B-PER", "I-PER", "I-LOC"]
    pipe = pipe_of("token-classification", "numpy")
    text = "the movie was good"
    only = pipe.explain(text, ignore_labels=everything)
    assert only.target.startswith("B-LOC of")
    if not pipe(text, ignore_labels=everything):
        assert "has no entity" in only.number
    with pytest.raises(InputError, match="no token"):
        pipe.explain("")


@pytest.mark.parametrize("delimiter", ["  ", " ", ""])
def test_words_that_are_given_as_a_list(pipe_of: Any, delimiter: str) -> None:
    pipe = pipe_of("token-classification", "numpy")
    found = pipe.explain(["the", "goodo", "film"], is_split_into_words=True, delimiter=delimiter, target="goodo")
    assert found.texts == [delimiter.join(["the", "goodo", "film"])]
    assert [word.word for word in found.words] == ["the", "goodo", "film"]
    assert found.target.endswith("of 'goodo'")


def test_entities_of_a_long_text_are_explained_in_their_window(pipe_of: Any) -> None:
    pipe = pipe_of("token-classification", "numpy")
    text = "the movie was very good ! " * 12
    how = {"stride": 4, "aggregation_strategy": "simple"}
    for entity in pipe(text, **how):
        found = pipe.explain(text, target=entity, **how)
        assert "windows" in found.note
        assert found.target.endswith(f"of {text[entity['start'] : entity['end']]!r}")


def test_the_answer_or_another_one(pipe_of: Any) -> None:
    task = "question-answering"
    answer = answer_of(pipe_of, task)
    start, end = (outputs_of(pipe_of, task, name)[:, 0] for name in ("start_logits", "end_logits"))
    assert asked(pipe_of, task).target == answer["answer"]
    tokens = asked(pipe_of, task).tokens
    first, last = tokens.index("film"), tokens.index("was", tokens.index("film"))
    for target in ("film was", {"start": 4, "end": 12}):
        found = asked(pipe_of, task, target)
        assert found.target == "film was"
        assert found.logit == pytest.approx(float(start[first] + end[last]), abs=1e-5)
    none = asked(pipe_of, task, {"start": 0, "end": 0, "answer": ""})
    assert none.target == "no answer"
    assert none.logit == pytest.approx(float(start[0] + end[0]), abs=1e-5)
    for target, words in (
        ("absent", "does not stand"),
        (3, "words of the context"),
        ({"start": 999, "end": 1000}, "No window"),
    ):
        with pytest.raises(InputError, match=words):
            asked(pipe_of, task, target)


def test_the_answer_in_a_long_context_is_explained_in_its_window(pipe_of: Any) -> None:
    pipe = pipe_of("question-answering", "numpy")
    item = {"question": "was it good ?", "context": "the film was very good . " * 12 + "i love this movie"}
    best = pipe(item)
    found = pipe.explain(item)
    assert found.target == best["answer"]
    assert "windows" in found.note
    assert len(found.tokens) <= 40
    assert pipe.explain(item, target="love this").target == "love this"


def test_tasks_without_a_number_say_so(encoder: Any) -> None:
    from pellucid import pipeline

    for task, words in (("feature-extraction", "vectors"), ("sentence-embedding", "'similarity'")):
        with pytest.raises(InputError, match=words):
            pipeline(task, str(encoder), engine="numpy").explain("good")


def test_a_text_that_is_too_long_is_refused_or_cut_when_that_is_asked_for(pipe_of: Any) -> None:
    pipe = pipe_of("text-classification", "numpy")
    with pytest.raises(TextTooLongError):
        pipe.explain("good " * 60)
    found = pipe.explain("good " * 60, truncation=True)
    assert len(found.tokens) == 40
    assert "has 62 tokens, and only 40" in found.note
    assert found.note in found.to_text(width=400)


def test_refusals_are_pellucids_own(pipe_of: Any) -> None:
    pipe = pipe_of("text-classification", "numpy")
    for item in (None, 3, b"good", {"wrong": "key"}):
        with pytest.raises(PellucidError):
            pipe.explain(item)
