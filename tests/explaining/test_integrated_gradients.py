"""Integrated gradients sum to the change of the logit, and are those of PyTorch on the reference's own models."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest

import pellucid
from pellucid import pipeline
from pellucid.engines import ENGINES, installed
from pellucid.errors import EngineError, InputError
from support.explained import ASKED
from support.tiny import CLASS_PREFIX, SIZES, reference_model

torch = pytest.importorskip("torch")

TEXT = "the movie was not goodo , i hate this !"


def explained(pipe: Any, task: str, **how: Any) -> Any:
    item, arguments = ASKED[task]
    return pipe.explain(item, method="integrated_gradients", **arguments, **how)


WITH_CORNERS = ("distilbert", "mobilebert")
"""Families with a ReLU: on a way with corners more steps help less."""


@pytest.mark.parametrize("family", SIZES)
def test_contributions_sum_to_the_change_of_the_logit(family: str, wordpiece: Any) -> None:
    prefix = CLASS_PREFIX[family]
    config = getattr(pellucid, f"{prefix}Config")(**{**SIZES[family], "initializer_range": 0.1, "num_labels": 3})
    model = getattr(pellucid, f"{prefix}ForSequenceClassification")(config, engine="torch", dtype="float64").eval()
    pipe = pipeline("text-classification", model, tokenizer=wordpiece)
    tolerance = 2e-3 if family in WITH_CORNERS else 1e-8
    found = pipe.explain(TEXT, target=1, tolerance=tolerance)
    sizes = sum(map(abs, found.contributions))
    assert found.is_complete
    assert sizes > 1e-3
    assert found.difference == pytest.approx(sum(found.contributions), abs=tolerance * sizes)
    assert found.completeness_error == pytest.approx(sum(found.contributions) - found.difference)
    (outputs,) = pipe.outputs([TEXT])
    assert found.logit == pytest.approx(float(outputs["logits"][1]), abs=1e-9)
    assert found.contributions[0] == found.contributions[-1] == 0.0, "special tokens stay as they are"
    for word in found.words:
        assert word.contribution == pytest.approx(sum(found.contributions[token] for token in word.tokens))


@pytest.mark.parametrize("task", ASKED)
def test_every_task_has_a_number_whose_parts_sum_to_it(pipe_of: Any, task: str) -> None:
    arguments = {"pooling": "mean"} if task == "similarity" else {}
    found = explained(pipe_of(task, "torch", **arguments), task, max_steps=1024)
    assert found.is_complete
    assert abs(found.completeness_error) <= 0.005 * sum(map(abs, found.contributions))
    assert any(found.contributions)


@pytest.mark.parametrize("baseline", ["mask", "pad", "zero"])
def test_the_logit_of_the_baseline_is_that_of_its_tokens(pipe_of: Any, baseline: str) -> None:
    pipe = pipe_of("text-classification", "torch")
    found = pipe.explain("the movie", target="glad", baseline=baseline)
    token = {"mask": pipe.tokenizer.mask_token_id, "pad": pipe.tokenizer.pad_token_id}.get(baseline)
    if token is None:
        assert "zeros" in found.baseline
        return
    with torch.no_grad():
        logits = pipe.model(torch.tensor([[2, token, token, 3]]), torch.ones(1, 4)).logits
    assert found.baseline_logit == pytest.approx(float(logits[0, 2]), abs=1e-5)


def test_steps_are_doubled_while_the_error_is_too_large(pipe_of: Any) -> None:
    pipe = pipe_of("text-classification", "torch")
    rough = pipe.explain(TEXT, steps=1, max_steps=1)
    fine = pipe.explain(TEXT, steps=1)
    assert rough.steps == 1
    assert not rough.is_complete
    assert "NOT within the bound" in rough.account
    assert fine.is_complete
    assert fine.steps in (2, 4, 8, 16, 32, 64, 128, 256)
    assert abs(fine.completeness_error) < abs(rough.completeness_error)


def test_the_model_is_as_it_was(pipe_of: Any) -> None:
    pipe = pipe_of("text-classification", "torch")
    before = {name: parameter.clone() for name, parameter in pipe.model.named_parameters()}
    pipe.explain(TEXT)
    for name, parameter in pipe.model.named_parameters():
        assert parameter.grad is None
        assert parameter.requires_grad
        assert torch.equal(parameter, before[name])


def test_it_sees_a_model_that_was_changed(explained_folders: dict[str, Path]) -> None:
    pipe = pipeline("text-classification", str(explained_folders["text-classification"]), engine="torch")
    before = pipe.explain(TEXT, target="sad").logit
    with torch.no_grad():
        pipe.model.classifier.bias += 1.0
    assert pipe.explain(TEXT, target="sad").logit == pytest.approx(before + 1.0, abs=1e-5)


@pytest.mark.parametrize("engine", [name for name in installed() if not ENGINES[name].has_gradients])
def test_engines_without_gradients_say_so(pipe_of: Any, engine: str) -> None:
    pipe = pipe_of("text-classification", engine)
    with pytest.raises(EngineError, match="engine='torch'.*method='occlusion'"):
        pipe.explain(TEXT, method="integrated-gradients")
    assert pipe.explain(TEXT).method == "occlusion"


def test_where_there_are_gradients_they_are_the_usual_method(pipe_of: Any) -> None:
    assert pipe_of("text-classification", "torch").explain(TEXT).method == "integrated_gradients"


@pytest.mark.parametrize(
    "how",
    [
        {"steps": 0}, {"steps": 2.5}, {"max_steps": 8, "steps": 16}, {"tolerance": -1}, {"tolerance": float("inf")},
        {"tolerance": "a"}, {"baseline": "cls"}, {"method": "shap"}, {"by": "word"}, {"max_tokens": 8},
        {"method": "occlusion", "by": "letter"}, {"method": "occlusion", "steps": 4},
        {"method": "occlusion", "max_tokens": 0},
    ],
    ids=str,
)  # fmt: skip
def test_what_means_nothing_is_refused(pipe_of: Any, how: dict[str, Any]) -> None:
    with pytest.raises(InputError, match=str(next(reversed(how)))):
        pipe_of("text-classification", "torch").explain(TEXT, **how)


# --- beside the reference -------------------------------------------------------------------------------------------

STEPS = 6


def by_hand(model: Any, ids: Any, score: Any, held: Any, **inputs: Any) -> Any:
    """Integrated gradients with transformers' own model, its `inputs_embeds`, and PyTorch's derivatives."""
    table = model.get_input_embeddings()
    end = table(ids).detach()
    start = table(torch.full_like(ids, 4)).detach()
    start = torch.where(held[None, :, None], end, start)
    places, weights = np.polynomial.legendre.leggauss(STEPS)
    total = torch.zeros_like(end)
    for place, weight in zip((places + 1) / 2, weights / 2, strict=True):
        vectors = (start + float(place) * (end - start)).requires_grad_(True)
        (gradient,) = torch.autograd.grad(score(model(inputs_embeds=vectors, **inputs)), vectors)
        total += float(weight) * gradient
    return ((end - start) * total).sum(-1)[0].numpy()


def beside(
    tmp_path: Path, family: str, suffix: str, task: str, wordpiece: Any, item: Any, score: Any, arguments: Any = None,
    **how: Any,
) -> None:  # fmt: skip
    # Without what ESM does to masked tokens, of which the reference knows nothing where it is given vectors.
    changes = {"token_dropout": False} if family == "esm" else {}
    reference = reference_model(family, suffix, **changes)
    reference.save_pretrained(tmp_path)
    wordpiece.save_pretrained(tmp_path)
    model = getattr(pellucid, CLASS_PREFIX[family] + suffix).from_pretrained(tmp_path, engine="torch")
    pipe = pipeline(task, model, tokenizer=wordpiece, **(arguments or {}))
    found = pipe.explain(item, method="integrated_gradients", steps=STEPS, max_steps=STEPS, **how)
    row = (item["question"], item["context"]) if isinstance(item, dict) else (item,)
    encoding = wordpiece(*row, return_special_tokens_mask=True)
    ids = torch.tensor([encoding.input_ids])
    held = torch.tensor(encoding.special_tokens_mask).bool() | (ids[0] == 4)
    inputs: dict[str, Any] = {"attention_mask": torch.ones_like(ids)}
    packed = pipe.packed([item], **{k: v for k, v in how.items() if k == "candidates"})
    if "position_ids" in model.family.inputs and family != "distilbert":
        inputs["position_ids"] = torch.from_numpy(packed.positions.astype(np.int64))[None]
    if "token_type_ids" in model.family.inputs and family not in ("roberta", "xlm-roberta", "camembert"):
        inputs["token_type_ids"] = torch.tensor([encoding.token_type_ids])
    expected = by_hand(reference, ids, score, held, **inputs)
    assert found.tokens == wordpiece.convert_ids_to_tokens(encoding.input_ids)
    scale = max(1.0, float(np.abs(expected).max()))
    np.testing.assert_allclose(found.contributions, expected, rtol=1e-4, atol=1e-4 * scale)
    assert np.abs(expected).max() > 1e-2


@pytest.mark.reference
@pytest.mark.filterwarnings("ignore:`torch.jit.script:DeprecationWarning")  # of the reference's own DeBERTa
@pytest.mark.parametrize("family", SIZES)
def test_they_are_those_of_the_reference(tmp_path: Path, family: str, wordpiece: Any) -> None:
    pytest.importorskip("transformers")
    beside(
        tmp_path, family, "ForSequenceClassification", "text-classification", wordpiece, TEXT,
        lambda output: output.logits[0, 1], target=1,
    )  # fmt: skip


@pytest.mark.reference
@pytest.mark.parametrize(
    ("task", "suffix", "item", "score", "how"),
    [
        ("token-classification", "ForTokenClassification", TEXT, lambda o: o.logits[0, 3, 1],
         {"target": {"index": 3, "entity": "LABEL_1"}}),
        ("fill-mask", "ForMaskedLM", "the [MASK] was good", lambda o: o.logits[0, 2, 40], {"target": 40}),
        ("question-answering", "ForQuestionAnswering", {"question": "was it", "context": "the film was good"},
         lambda o: o.start_logits[0, 6] + o.end_logits[0, 8], {"target": "film was good"}),
    ],
    ids=["token-classification", "fill-mask", "question-answering"],
)  # fmt: skip
def test_so_are_those_of_other_heads(
    tmp_path: Path, task: str, suffix: str, item: Any, score: Any, how: Any, wordpiece: Any
) -> None:
    pytest.importorskip("transformers")
    beside(tmp_path, "bert", suffix, task, wordpiece, item, score, **how)


@pytest.mark.reference
@pytest.mark.parametrize("pooling", ["mean", "cls", "max", "mean_sqrt_len_tokens", "weightedmean", "lasttoken"])
def test_so_is_the_nearness_of_two_texts(tmp_path: Path, pooling: str, wordpiece: Any) -> None:
    pytest.importorskip("transformers")
    candidate = "a bad film"
    pools = {
        "mean": lambda h: h.mean(0),
        "cls": lambda h: h[0],
        "max": lambda h: h.max(0).values,
        "mean_sqrt_len_tokens": lambda h: h.sum(0) / len(h) ** 0.5,
        "weightedmean": lambda h: (torch.arange(1.0, len(h) + 1)[:, None] * h).sum(0) / (len(h) * (len(h) + 1) / 2),
        "lasttoken": lambda h: h[-1],
    }
    other: list[Any] = []

    def score(output: Any) -> Any:
        if not other:
            reference = reference_model("bert", "Model")
            with torch.no_grad():
                encoded = wordpiece(candidate, return_tensors="pt")
                other.append(pools[pooling](reference(**encoded).last_hidden_state[0]))
        return torch.cosine_similarity(pools[pooling](output.last_hidden_state[0]), other[0], dim=0)

    beside(
        tmp_path, "bert", "Model", "similarity", wordpiece, TEXT, score, {"pooling": pooling}, candidates=[candidate]
    )
