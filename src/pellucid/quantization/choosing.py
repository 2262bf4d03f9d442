"""The fastest precision whose answers are the ones of float32."""

from __future__ import annotations

import logging
import statistics
import time
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from pellucid.checkpoints.roundings import Roundings, measured_of, roundings_of
from pellucid.engines import ENGINES
from pellucid.engines.int8 import WeightSteps
from pellucid.errors import InputError, InputTypeError
from pellucid.packing import MAX_TOKENS, micro_batches
from pellucid.quantization.agreement import Agreement, agreement
from pellucid.quantization.observing import Observed, observe
from pellucid.stages import Pipeline

logger = logging.getLogger(__name__)

BAR = 0.995
"""The share of decisions that must be those of float32, where the caller names none."""

LEAST = 32
"""The fewest texts that anything is told by."""

MOST_SEEN = 512
"""The most texts that roundings are learnt from; further ones are measured, as a share needs many to be told well."""

MOST_TIMED = 256
"""The most texts that the speed of precisions is told by."""

ROUNDS = 3

LEFT_OUT = (0, 1, 2, 4, 6, 9, 13, 18)
"""How many maps are left in bfloat16, one number after the other, until the bar is reached."""


@dataclass(frozen=True)
class Candidate:
    """A precision that was tried.

    Attributes:
        dtype: its name.
        pipe: the pipeline in it.
        agreement: with float32.
        times_faster: than float32.
        roundings: where it is int8.
    """

    dtype: str
    pipe: Pipeline
    agreement: Agreement
    times_faster: float
    roundings: Roundings | None = None


def candidates(pipe: Pipeline, texts: Sequence[Any], bar: float) -> list[Candidate]:
    """The precisions of an engine, float32 first, on texts.

    int8 learns its roundings from one half of the texts, of 512 at most, and is measured on the others, as all are.

    Args:
        pipe: in float32.
        texts: what the task takes, as they will be asked.
        bar: the share of decisions that int8 is to have the same; maps that lose most by it stay in bfloat16 for it.

    Raises:
        InputError: fewer than 32 texts, or a bar that is no share.
    """
    seen, measured = check_sample(texts, bar)
    exact = list(pipe.outputs(measured))
    made: list[tuple[str, Pipeline, Agreement, Roundings | None]] = [("float32", pipe, agreement(exact, exact), None)]
    for dtype in ENGINES[pipe.model.runner.engine].dtypes:
        if dtype == "int8":
            made.append(in_int8(pipe, seen, measured, exact, bar))
        elif dtype == "bfloat16":
            other = pipe.in_precision(dtype)
            made.append((dtype, other, agreement(exact, other.outputs(measured)), None))
    times = seconds([other for _, other, _, _ in made], spread(measured, MOST_TIMED))
    return [
        Candidate(dtype, other, near, times[0] / own, roundings)
        for (dtype, other, near, roundings), own in zip(made, times, strict=True)
    ]


def fastest(pipe: Pipeline, texts: Sequence[Any] | None, bar: float) -> Pipeline:
    """The pipeline in the fastest precision that reaches the bar; which one it is, is said.

    Args:
        pipe: in float32.
        texts: a sample of what will be asked; None takes what was measured when the checkpoint was quantized.
        bar: the share of decisions that must be those of float32.

    Raises:
        InputError: neither a sample nor a stored measurement, or one that tells nothing.
    """
    tried: dict[str, tuple[float, float]]
    if texts is None:
        check_bar(bar)
        tried, made = _stored(pipe)
    else:
        found = candidates(pipe, texts, bar)
        tried = {one.dtype: (one.agreement.share, one.times_faster) for one in found}
        made = {one.dtype: one.pipe for one in found}
    best, chosen = "float32", pipe
    for dtype in sorted(tried, key=lambda dtype: -tried[dtype][1]):
        if tried[dtype][0] >= bar:
            best, chosen = dtype, made.get(dtype) or _in_precision(pipe, dtype)
            break
    share, times = tried.get(best, (1.0, 1.0))
    logger.warning(
        "dtype='auto-fast' picked %s: %.2f %% of its decisions are those of float32 (at least %.2f %% are asked), at "
        "%.2f times the speed. Measured: %s.",
        best,
        100 * share,
        100 * bar,
        times,
        "; ".join(f"{dtype} {one[0]:.2%}, {one[1]:.2f} times" for dtype, one in tried.items()),
    )
    return chosen


def _stored(pipe: Pipeline) -> tuple[dict[str, tuple[float, float]], dict[str, Pipeline]]:
    """What `quantize` measured, for the precisions of the engine, and the pipelines that were made to tell it."""
    measured = measured_of(pipe.model.checkpoint)
    if measured is None:
        raise InputError(
            f"dtype='auto-fast' goes by how far precisions agree, and {pipe.model.name_or_path!r} brings no measure. "
            "Pass `sample=`, some hundred texts like those that you will ask; or make a checkpoint that has one: "
            "`pellucid quantize MODEL --texts FILE --output FOLDER`.",
            name="sample",
        )
    kept = {name: one for name, one in measured.by_dtype.items() if name in ENGINES[pipe.model.runner.engine].dtypes}
    if "int8" not in kept:
        return kept, {}
    in_int8 = _in_precision(pipe, "int8")
    if (steps := WeightSteps(measured.weight_steps, measured.added_in_16_bits)) != (own := in_int8.weight_steps):
        del kept["int8"]
        logger.warning(
            "dtype='auto-fast' leaves int8 out: its weights had %s where it was measured, and have %s on this "
            "processor. Pass `sample=`, some hundred texts, to measure it here.",
            steps,
            own,
        )
    return kept, {"int8": in_int8}


def _in_precision(pipe: Pipeline, dtype: str) -> Pipeline:
    """The pipeline itself, or its weights in another precision, for int8 as the checkpoint says it."""
    model = pipe.model
    if dtype == model.runner.dtype:
        return pipe
    assert model.checkpoint is not None
    return pipe.in_precision(dtype, roundings_of(model.checkpoint, model.tensors) if dtype == "int8" else None)


def check_sample(texts: Sequence[Any], bar: float) -> tuple[list[Any], list[Any]]:
    """What of a sample is learnt from, every second text up to a number, and what is measured, all others.

    Raises:
        InputTypeError: one text instead of a list.
        InputError: fewer than 32 texts, or a bar that is no share.
    """
    if isinstance(texts, str) or not isinstance(texts, Sequence):
        raise InputTypeError(
            f"The sample is of type {type(texts).__name__}; it must be a list of texts.", name="sample"
        )
    if len(texts) < LEAST:
        raise InputError(
            f"The sample has {len(texts)} texts, and at least {LEAST} are needed to tell how far two precisions agree; "
            "some hundred are better.",
            name="sample",
        )
    check_bar(bar)
    both = 2 * MOST_SEEN
    return list(texts[:both:2]), [*texts[1:both:2], *texts[both:]]


def spread(texts: Sequence[Any], most: int) -> Sequence[Any]:
    """At most so many texts, from all parts of a list."""
    return texts[:: -(-len(texts) // most)]


def check_bar(bar: Any) -> float:
    """A share of decisions.

    Raises:
        InputError: it is none.
    """
    if isinstance(bar, bool) or not isinstance(bar, int | float) or not 0 < bar <= 1:
        raise InputError(f"`agreement={bar!r}` must be a share above 0 and at most 1, such as 0.995.", name="agreement")
    return bar


def in_int8(
    pipe: Pipeline, seen: Sequence[Any], measured: Sequence[Any], exact: Sequence[Any], bar: float
) -> tuple[str, Pipeline, Agreement, Roundings]:
    """int8 with as many maps as the bar allows; with the fewest that were tried where it is not reached."""
    observed = observed_on(pipe, seen)
    for left_out in LEFT_OUT:
        roundings = observed.without_the_worst(left_out)
        other = pipe.in_precision("int8", roundings)
        found = agreement(exact, other.outputs(measured))
        if found.share >= bar or left_out >= len(observed.roundings):
            break
    return "int8", other, found, roundings


def observed_on(pipe: Pipeline, texts: Sequence[Any]) -> Observed:
    """What the inputs of a pipeline's linear maps are like on texts."""
    packed = pipe.packed(texts)
    model = pipe.model
    batches = (packed.take(sequences) for sequences in micro_batches(packed.lengths, MAX_TOKENS))
    return observe(model.family.forward(model.config, model.head_name, None), model.tensors, batches)


def seconds(pipes: Sequence[Pipeline], texts: Sequence[Any]) -> list[float]:
    """How long the texts take each pipeline: medians of rounds in turn, after a first one."""
    times: list[list[float]] = [[] for _ in pipes]
    for _ in range(ROUNDS + 1):
        for pipe, own in zip(pipes, times, strict=True):
            start = time.perf_counter()
            for _ in pipe.outputs(texts):
                pass
            own.append(time.perf_counter() - start)
    return [statistics.median(own[1:]) for own in times]
