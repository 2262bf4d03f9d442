"""From an input to its explanation: compute it, find the number that decided, and share it out among the tokens."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from pellucid.engines import ENGINES, load_gradients
from pellucid.errors import InputError
from pellucid.explaining.explanation import Explanation, Word
from pellucid.explaining.integrated_gradients import integrated
from pellucid.explaining.occlusion import occluded
from pellucid.explaining.span_targets import of_answer, of_token
from pellucid.explaining.subject import Subject
from pellucid.explaining.targets import (
    Asked,
    Resolve,
    Target,
    of_candidate,
    of_document,
    of_label,
    of_nearest,
    of_word,
)
from pellucid.explaining.texts import Unit, places_in, texts_of, units_of
from pellucid.models.pretrained import Pretrained
from pellucid.packing import Packed
from pellucid.tasks.task import Row, Task, Window

TARGETS: dict[str, Resolve] = {
    "text-classification": of_label,
    "text-pair": of_label,
    "token-classification": of_token,
    "question-answering": of_answer,
    "zero-shot-classification": of_candidate,
    "fill-mask": of_word,
    "rerank": of_document,
    "similarity": of_nearest,
}
"""How the number of each task is found. Tasks that are not here answer with vectors."""

METHODS = ("integrated_gradients", "occlusion")

BASELINES = ("mask", "pad", "zero")

LIMITS = {
    "integrated_gradients": (
        "It follows the model on one straight way from the baseline to this text: what a token gets depends on the "
        "baseline, and is not what would happen without the token. It tells of the model, not of the world."
    ),
    "occlusion": (
        "Each part is hidden alone: parts that carry a decision together, or say the same twice, may each seem to "
        "count for little. A text with a part hidden is one that the model rarely saw. It tells of the model, not of "
        "the world."
    ),
}


@dataclass(frozen=True)
class How:
    """How to explain.

    Attributes:
        method: one of `METHODS`.
        baseline: one of `BASELINES`; None for the first that the tokenizer has.
        by: "word" or "token": what is hidden at once.
        steps: of integrated gradients at first.
        max_steps: the most of them.
        tolerance: how large their completeness error may be, as a part of the contributions' sizes.
        max_tokens: the token budget of a micro-batch.
    """

    method: str
    baseline: str | None
    by: str
    steps: int
    max_steps: int
    tolerance: float
    max_tokens: int | None


def how_to(
    engine: str, method: str | None, baseline: str | None, by: str | None, steps: int | None, max_steps: int | None,
    tolerance: float | None, max_tokens: int | None,
) -> How:  # fmt: skip
    """Read the caller's arguments.

    Raises:
        InputError: a value that means nothing, or an argument that the method has no use for.
        EngineError: integrated gradients on an engine without gradients.
    """
    if method is None:
        chosen = "integrated_gradients" if ENGINES[engine].has_gradients else "occlusion"
    else:
        chosen = str(method).lower().replace("-", "_").replace(" ", "_")
    if chosen not in METHODS:
        raise InputError(f"`method={method!r}` is not one of {', '.join(METHODS)}.", name="method")
    if chosen == "integrated_gradients":
        load_gradients(engine)
    of_path = {"baseline": baseline, "steps": steps, "max_steps": max_steps, "tolerance": tolerance}
    others = of_path if chosen == "occlusion" else {"by": by, "max_tokens": max_tokens}
    for name, value in others.items():
        if value is not None:
            raise InputError(f"`{name}` means nothing to the method {chosen!r}. Leave it out.", name=name)
    for name, value, known in (("baseline", baseline, BASELINES), ("by", by, ("word", "token"))):
        if value is not None and value not in known:
            raise InputError(f"`{name}={value!r}` is not one of {', '.join(known)}.", name=name)
    for name, value in (("steps", steps), ("max_steps", max_steps), ("max_tokens", max_tokens)):
        if value is not None and (type(value) is not int or value < 1):
            raise InputError(f"`{name}={value!r}` must be a whole number above 0.", name=name)
    if tolerance is not None and not (isinstance(tolerance, int | float) and 0 <= tolerance < float("inf")):
        raise InputError(f"`tolerance={tolerance!r}` must be a number, 0 or above.", name="tolerance")
    first = 32 if steps is None else steps
    most = max(first, 256) if max_steps is None else max_steps
    if most < first:
        raise InputError(f"`max_steps={most}` is below `steps={first}`, the number to begin with.", name="max_steps")
    return How(
        chosen, baseline, by or "word", first, most, 0.005 if tolerance is None else float(tolerance), max_tokens
    )  # fmt: skip


def check_task(name: str) -> None:
    """Refuse a task whose answers are no numbers.

    Raises:
        InputError: the message lists the tasks that can be explained.
    """
    if name not in TARGETS:
        instead = " For vectors of texts explain 'similarity', between two of them." if "embed" in name else ""
        raise InputError(
            f"The task {name!r} answers with vectors, which have no one number to explain.{instead} Tasks that can be "
            f"explained: {', '.join(TARGETS)}.",
            task=name,
        )


def explained(
    task: Task,
    name: str,
    model: Pretrained,
    pack: Callable[[Sequence[Any], int | None], Packed],
    item: Any,
    settings: Any,
    rows: Sequence[Row],
    windows: Sequence[Window],
    asked: Any,
    how: How,
) -> Explanation:
    """The explanation of one input.

    Args:
        task: the pipeline's.
        name: the task's name.
        model: what computes.
        pack: stage 3: encodings to a row.
        item: the input.
        settings: what the task made of the arguments.
        rows: what it made of the input.
        windows: what the model gave for them.
        asked: what the caller named; None for the pipeline's best answer.
        how: the method with its arguments.
    """
    target = TARGETS[name](Asked(task, settings, item, rows, windows, asked))
    encoding, row = target.window.encoding, rows[target.window.row]
    tokenizer = task.context.tokenizer
    held = np.asarray(encoding.special_tokens_mask, np.bool_)
    if target.chosen is not None:
        # Every mask is asked for, and none of them says a word.
        held = held | (np.asarray(encoding.ids) == settings.chosen_id)
    places, is_held = places_in(encoding, row, settings), held.tolist()
    subject = Subject(target, model.runner, task.outputs, pack, held)
    words = units_of(encoding, places, is_held, by_word=True)
    found = _shared_out(subject, words, units_of(encoding, places, is_held, by_word=False), tokenizer, how)
    texts = texts_of(row, settings)
    contributions = found.pop("contributions")
    return Explanation(
        task=name,
        model=model.name_or_path,
        method=how.method,
        limits=LIMITS[how.method],
        target=target.name,
        number=target.number,
        texts=texts,
        tokens=list(encoding.tokens),
        spans=places,
        text_of=list(encoding.sequence_ids),
        contributions=[float(one) for one in contributions],
        words=[
            Word(
                texts[unit.text][unit.start : unit.end], unit.text, unit.start, unit.end, unit.tokens,
                float(contributions[list(unit.tokens)].sum()),
            )
            for unit in words
        ],
        note=_note(target, windows),
        **found,
    )  # fmt: skip


def _shared_out(
    subject: Subject, words: Sequence[Unit], tokens: Sequence[Unit], tokenizer: Any, how: How
) -> dict[str, Any]:
    """The contribution of each token, and the numbers that belong to it."""
    if how.method == "occlusion":
        units, mask_id = words if how.by == "word" else tokens, tokenizer.mask_token_id
        found = occluded(subject, units, mask_id, how.max_tokens)
        hidden = "taken away" if mask_id is None else f"replaced by {tokenizer.mask_token}"
        return {
            "contributions": found.contributions,
            "baseline": f"all its words {hidden}",
            "logit": found.logit,
            "baseline_logit": found.baseline_logit,
            "completeness_error": found.error,
            "is_complete": None,
            "tolerance": None,
            "steps": None,
        }
    baseline_id, baseline = _baseline(tokenizer, how.baseline)
    path = integrated(subject, baseline_id, how.steps, how.max_steps, how.tolerance)
    return {
        "contributions": path.contributions,
        "baseline": baseline,
        "logit": path.logit,
        "baseline_logit": path.baseline_logit,
        "completeness_error": path.error,
        "is_complete": path.is_complete(how.tolerance),
        "tolerance": how.tolerance,
        "steps": path.steps,
    }


def _baseline(tokenizer: Any, asked: str | None) -> tuple[int | None, str]:
    """The token that the baseline is made of, None for zeros, and the baseline in words.

    Raises:
        InputError: the tokenizer has no such token.
    """
    known: Mapping[str, tuple[int | None, Any]] = {
        "mask": (tokenizer.mask_token_id, tokenizer.mask_token),
        "pad": (tokenizer.pad_token_id, tokenizer.pad_token),
    }
    chosen = asked or next((name for name, (number, _) in known.items() if number is not None), "zero")
    if chosen == "zero":
        return None, "zeros for the vectors of all its words"
    number, token = known[chosen]
    if number is None:
        raise InputError(
            f"`baseline={asked!r}` needs a {chosen} token, which the tokenizer has not. Choose 'zero', or leave it "
            "out.",
            name="baseline",
        )
    return number, f"the vector of {token} for all its words"


def _note(target: Target, windows: Sequence[Window]) -> str:
    """What of the text the explanation does not speak of, because it was not read for this number."""
    own = [window for window in windows if window.row == target.window.row]
    if len(own) > 1:
        number = next(place for place, window in enumerate(own) if window.encoding is target.window.encoding)
        return (
            f"The text was read in {len(own)} windows; this is number {number + 1}, which carries the target. Of the "
            "text outside it the model knew nothing there."
        )
    encoding = target.window.encoding
    if encoding.is_truncated:
        return (
            f"The text has {encoding.untruncated_length} tokens, and only {len(encoding)} of them were read; of the "
            "others nothing can be said."
        )
    return ""
