"""Occlusion is what a caller finds who hides words by hand, on every engine."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from pellucid.engines import installed
from pellucid.errors import InputError
from support.explained import ASKED

TEXT = "the movie was not goodo !"
WORDS = TEXT.split()


def logits_of(pipe: Any, texts: list[str]) -> Any:
    return np.stack([one["logits"] for one in pipe.outputs(texts)])


def test_it_is_the_fall_of_the_logit_without_each_word(pipe_of: Any) -> None:
    pipe = pipe_of("text-classification", "numpy")
    found = pipe.explain(TEXT, target="fine")
    masks = ["[MASK]" * (2 if word == "goodo" else 1) for word in WORDS]
    texts = [" ".join([*WORDS[:n], masks[n], *WORDS[n + 1 :]]) for n in range(len(WORDS))]
    whole, *each, nothing = logits_of(pipe, [TEXT, *texts, " ".join(masks)])[:, 1]
    assert [word.word for word in found.words] == WORDS
    np.testing.assert_allclose([word.contribution for word in found.words], whole - np.array(each), atol=1e-5)
    assert found.logit == pytest.approx(whole, abs=1e-6)
    assert found.baseline_logit == pytest.approx(nothing, abs=1e-5)
    assert found.completeness_error == pytest.approx(sum(found.contributions) - (found.logit - found.baseline_logit))
    assert found.is_complete is None
    assert "not made to sum" in found.account
    # The two pieces of a word that was hidden whole have equal parts.
    pieces = next(word for word in found.words if word.word == "goodo").tokens
    assert found.contributions[pieces[0]] == found.contributions[pieces[1]]


def test_tokens_can_be_hidden_one_by_one(pipe_of: Any) -> None:
    pipe = pipe_of("text-classification", "numpy")
    found = pipe.explain(TEXT, target="fine", by="token")
    tokens = pipe.tokenizer.tokenize(TEXT)
    texts = [" ".join([*tokens[:n], "[MASK]", *tokens[n + 1 :]]).replace(" ##", "") for n in range(len(tokens))]
    # A piece alone behind a mask would be another token, so the first piece is left out here.
    chosen = [n for n in range(len(tokens)) if not tokens[min(n + 1, len(tokens) - 1)].startswith("##")]
    whole, *each = logits_of(pipe, [TEXT, *(texts[n] for n in chosen)])[:, 1]
    np.testing.assert_allclose(np.array(found.contributions)[1:-1][chosen], whole - np.array(each), atol=1e-5)


@pytest.mark.parametrize("engine", [name for name in installed() if name != "numpy"])
@pytest.mark.parametrize("task", ASKED)
def test_every_engine_gives_the_same(pipe_of: Any, task: str, engine: str) -> None:
    item, arguments = ASKED[task]
    usual = {"pooling": "mean"} if task == "similarity" else {}
    ours, judge = (
        pipe_of(task, one, **usual).explain(item, method="occlusion", **arguments) for one in (engine, "numpy")
    )
    assert ours.target == judge.target
    assert ours.tokens == judge.tokens
    assert any(judge.contributions)
    np.testing.assert_allclose(ours.contributions, judge.contributions, rtol=1e-4, atol=2e-5)
    np.testing.assert_allclose(ours.baseline_logit, judge.baseline_logit, rtol=1e-4, atol=2e-5)


@pytest.fixture
def without_mask(pipe_of: Any, monkeypatch: pytest.MonkeyPatch) -> Any:
    """What makes the tokenizer of a pipeline one that has no mask."""

    def of(task: str) -> Any:
        pipe = pipe_of(task, "numpy")
        monkeypatch.setattr(type(pipe.tokenizer), "mask_token_id", None)
        return pipe

    return of


def test_words_are_taken_away_where_there_is_no_mask(without_mask: Any) -> None:
    pipe = without_mask("text-classification")
    found = pipe.explain(TEXT, target="fine")
    texts = [" ".join(WORDS[:n] + WORDS[n + 1 :]) for n in range(len(WORDS))]
    whole, *each, nothing = logits_of(pipe, [TEXT, *texts, ""])[:, 1]
    np.testing.assert_allclose([word.contribution for word in found.words], whole - np.array(each), atol=1e-5)
    assert found.baseline_logit == pytest.approx(nothing, abs=1e-5)
    assert "taken away" in found.baseline


def test_what_the_number_is_read_at_stays_where_words_are_taken_away(without_mask: Any) -> None:
    pipe = without_mask("token-classification")
    found = pipe.explain("the movie was good", target={"index": 3, "entity": "B-LOC"})
    texts = ["the movie was good", "movie was good", "the was good", "the movie was", "was"]
    rows = [3, 2, 2, 3, 1]
    whole, *each = [float(one["logits"][row, 3]) for one, row in zip(pipe.outputs(texts), rows, strict=True)]
    expected = [whole - each[0], whole - each[1], 0.0, whole - each[2]]
    np.testing.assert_allclose([word.contribution for word in found.words], expected, atol=1e-5)
    assert found.baseline_logit == pytest.approx(each[3], abs=1e-5)


def test_a_text_of_one_word_without_anything_around_it_is_refused(without_mask: Any) -> None:
    pipe = without_mask("text-classification")
    with pytest.raises(InputError, match="nothing is left"):
        pipe.explain("good", add_special_tokens=False)
    found = pipe.explain("good film", add_special_tokens=False)
    assert found.baseline_logit is None
    assert found.completeness_error is None
    assert found.difference is None
    assert "nothing to compute" in found.account


def test_many_words_are_computed_in_portions(pipe_of: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    pipe = pipe_of("similarity", "numpy", pooling="mean")
    item, arguments = ASKED["similarity"]
    whole = pipe.explain(item, **arguments)
    monkeypatch.setattr("pellucid.explaining.subject.AT_ONCE", 1)
    np.testing.assert_allclose(
        pipe.explain(item, max_tokens=8, **arguments).contributions, whole.contributions, atol=1e-5
    )
