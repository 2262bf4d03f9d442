"""A checkpoint that computes in int8, and how far its answers are those of float32."""

from __future__ import annotations

import json
import os
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from pellucid.checkpoints.roundings import FILENAME, written
from pellucid.errors import UnsupportedDtypeError
from pellucid.quantization.choosing import BAR, Candidate, candidates
from pellucid.stages import Pipeline


@dataclass(frozen=True)
class Report:
    """What each precision gives, on the texts that nothing was learnt from.

    Attributes:
        precisions: by name: `agreement` (the share of decisions that are those of float32), `largest_difference` of a
            probability or of a number in a vector, `times_float32` in speed.
        maps: how many linear maps are computed in int8.
        decisions: how many were compared.
        texts: how many there were.
        bar: the share that was asked for.
    """

    precisions: dict[str, dict[str, float]]
    maps: int
    decisions: int
    texts: int
    bar: float

    @property
    def reaches_bar(self) -> bool:
        """Whether int8 agrees as far as was asked."""
        return self.precisions["int8"]["agreement"] >= self.bar


def quantize(pipe: Pipeline, texts: Sequence[Any], output: str | os.PathLike[str], *, agreement: float = BAR) -> Report:
    """Write a checkpoint that `dtype="int8"` computes: the weights as they are, and how inputs are rounded.

    Args:
        pipe: a pipeline in float32 on the engine "openvino".
        texts: some hundred of those that will be asked; half of them, 512 at most, tell the roundings, and the
            others are measured.
        output: the folder to write; any library reads it as the checkpoint that it was made of.
        agreement: the share of decisions that should be those of float32; linear maps that lose most by int8 are left
            in bfloat16 until it is reached.

    Raises:
        UnsupportedDtypeError: the pipeline is of another engine or precision.
        InputError: fewer than 32 texts, or an agreement that is no share.
    """
    runner = pipe.model.runner
    if runner.engine != "openvino" or runner.dtype != "float32":
        raise UnsupportedDtypeError(
            f"The pipeline computes on {runner.engine!r} in {runner.dtype}; int8 is made of one with "
            "engine='openvino' and dtype='float32'.",
            dtype=runner.dtype,
        )
    tried = candidates(pipe, texts, agreement)
    report = _report(tried, len(texts), agreement)
    roundings = tried[-1].roundings or {}
    steps = tried[-1].pipe.weight_steps
    assert steps is not None
    about = {
        "texts": report.texts,
        "agreement": report.precisions,
        "weight_steps": steps.number,
        "added_in_16_bits": steps.added,
    }
    content = written(roundings, about)
    pipe.save_pretrained(output, beside={FILENAME: json.dumps(content).encode()})
    return report


def _report(tried: Sequence[Candidate], texts: int, bar: float) -> Report:
    return Report(
        {
            one.dtype: {
                "agreement": one.agreement.share,
                "largest_difference": one.agreement.difference,
                "times_float32": one.times_faster,
            }
            for one in tried
        },
        maps=len(tried[-1].roundings or {}),
        decisions=tried[0].agreement.decisions,
        texts=texts,
        bar=bar,
    )
