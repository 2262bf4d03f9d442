"""Whether this machine gives the reference's numbers for a checkpoint: every engine and precision, stage by stage."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator, Sequence
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np

from pellucid.engines import ENGINES, check_dtype, installed, load_engine
from pellucid.errors import InputError, PellucidError, UnsupportedDtypeError
from pellucid.inspection import Inspection, inspect_checkpoint
from pellucid.machine import Machine, this_machine
from pellucid.pipelines import pipeline
from pellucid.stages import Pipeline
from pellucid.tracing.comparing import compared
from pellucid.tracing.comparison import Comparison
from pellucid.tracing.reference import CLASSES, has_transformers, loaded_reference, reference_of
from pellucid.tracing.sides import Side, side_of

TEXTS = {
    "a short text": "The film was good.",
    "one word": "good",
    "emoji": "I loved it \U0001f600\U0001f468\u200d\U0001f469\u200d\U0001f467 \u2764\ufe0f!",
    "Arabic and English": "\u0641\u064a\u0644\u0645 \u062c\u064a\u062f, a good film \u05d8\u05d5\u05d1",
    "Chinese and Japanese": "\u7535\u5f71\u5f88\u597d\u3002\u826f\u304b\u3063\u305f\u3067\u3059\u3002",
}
"""Texts of several kinds; a long one is made for the checkpoint."""

LONG = "a long text"
LONGEST = 512
"""Tokens of the long text at most."""

EXACT = ("float32", "float64")
"""The precisions that are expected to give the reference's own numbers."""

QUESTION = "What was good?"


@dataclass(frozen=True)
class Finding:
    """One engine in one precision.

    Attributes:
        engine: its name.
        dtype: the precision.
        agrees: whether it gives the reference's numbers.
        told: in words.
        text: the text for which it does not, or for which the difference is largest.
        comparison: of that text; None where it could not be computed.
    """

    engine: str
    dtype: str
    agrees: bool
    told: str
    text: str
    comparison: Comparison | None


@dataclass(frozen=True)
class Examination:
    """What was found.

    Attributes:
        checkpoint: what it is, from its files.
        machine: what there is to compute with.
        task: what was asked.
        reference: what the numbers are held against.
        findings: for each engine and precision.
    """

    checkpoint: Inspection
    machine: Machine
    task: str
    reference: str
    findings: tuple[Finding, ...]

    @property
    def is_well(self) -> bool:
        """Whether the checkpoint has no problem, and every engine gives the reference's numbers."""
        return self.checkpoint.problem is None and all(one.agrees for one in self.findings)

    def to_dict(self) -> dict[str, Any]:
        """All of it in JSON's own types."""
        return {
            "is_well": self.is_well,
            "checkpoint": self.checkpoint.to_dict(),
            "machine": asdict(self.machine),
            "task": self.task,
            "reference": self.reference,
            "findings": [
                {
                    "engine": one.engine,
                    "dtype": one.dtype,
                    "agrees": one.agrees,
                    "told": one.told,
                    "text": one.text,
                    "comparison": None if one.comparison is None else one.comparison.to_dict(),
                }
                for one in self.findings
            ],
        }


def examine_checkpoint(
    checkpoint: str | os.PathLike[str],
    *,
    task: str | None = None,
    engines: Sequence[str] | None = None,
    dtypes: Sequence[str] | None = None,
    texts: Sequence[str] | None = None,
    revision: str | None = None,
    progress: Callable[[str], object] | None = None,
) -> Examination:
    """Run a checkpoint on every engine, and hold the numbers of every stage against the reference's.

    The reference is `transformers` in float32 where it is installed, else the NumPy engine in float64.

    Args:
        checkpoint: a folder, a repository on the Hub, or "builtin".
        task: what to ask; told by the checkpoint where left out.
        engines: which; all that are installed where left out.
        dtypes: the precisions; float32, and bfloat16 where the engine and the processor have it, where left out.
        texts: what to compute, in place of texts of several kinds and lengths.
        revision: branch, tag or commit on the Hub.
        progress: called with what is done next.

    Raises:
        PellucidError: the checkpoint cannot be loaded at all, or an engine or a precision does not exist.
    """
    found = inspect_checkpoint(checkpoint, revision=revision)
    chosen = [load_engine(name)[0] for name in engines or installed()]
    named = str(checkpoint)

    def made(engine: str, dtype: str) -> Pipeline:
        return pipeline(task, named, engine=engine, dtype=dtype, revision=revision)

    tell = progress or (lambda _: None)
    tell("reference")
    inner = made("numpy", "float64")
    items = _items(inner, texts)
    traces = {name: inner.trace(item) for name, item in items.items()}
    if has_transformers() and inner._task.head in CLASSES:
        model, tokenizer = loaded_reference(inner.model, inner._task.head)
        reference = f"transformers in {str(next(model.parameters()).dtype).removeprefix('torch.')}"
        sides = {name: reference_of(trace, model, tokenizer) for name, trace in traces.items()}
    else:
        reference = "numpy in float64"
        sides = {name: side_of(trace) for name, trace in traces.items()}
    findings = []
    for engine in chosen:
        for dtype in _precisions(engine, dtypes):
            tell(f"{engine} {dtype}")
            findings.append(_finding(engine, dtype, made, items, sides))
    return Examination(found, this_machine(), inner.task, reference, tuple(findings))


def _precisions(engine: str, asked: Sequence[str] | None) -> Iterator[str]:
    if asked is None:
        yield from (dtype for dtype in ENGINES[engine].dtypes if dtype in ("float32", "bfloat16"))
        return
    for dtype in asked:
        # A precision that only some engines have is left out for the others; one that none has is refused.
        if dtype in ENGINES[engine].dtypes or not any(dtype in one.dtypes for one in ENGINES.values()):
            check_dtype(engine, dtype)
            yield dtype


def _items(pipe: Pipeline, texts: Sequence[str] | None) -> dict[str, Any]:
    """The inputs, in the form that the task takes."""
    if texts is not None:
        if isinstance(texts, str) or not texts:
            raise InputError("`texts` must be a list of texts, at least one.", name="texts")
        named = {f"text {number}": text for number, text in enumerate(texts)}
    else:
        named = {**TEXTS, LONG: _long(pipe)}
    task = pipe.task
    if task == "question-answering":
        return {name: {"question": QUESTION, "context": text} for name, text in named.items()}
    if task == "fill-mask":
        mask = pipe.tokenizer.mask_token
        return {name: text if mask in text else f"{mask} {text}" for name, text in named.items()}
    if task in ("text-pair", "rerank", "similarity", "zero-shot-classification"):
        raise InputError(
            f"The task {task!r} asks more than a text. Examine the checkpoint with the task of its head, such as "
            "task='text-classification'.",
            task=task,
        )
    return dict(named)


def _long(pipe: Pipeline) -> str:
    limit = min(pipe.model.runner.max_length, pipe.tokenizer.model_max_length, LONGEST)
    # Room for special tokens, a mask, and a question.
    room = limit - 12
    each = len(pipe.tokenizer.tokenize("a good film , ")) or 1
    return " ".join(["a good film ,"] * max(1, int(room) // each))


def _finding(
    engine: str,
    dtype: str,
    made: Callable[[str, str], Pipeline],
    items: dict[str, Any],
    sides: dict[str, Side],
) -> Finding:
    try:
        pipe = made(engine, dtype)
        traces = {name: pipe.trace(item) for name, item in items.items()}
        comparisons = {name: compared(side_of(trace), sides[name]) for name, trace in traces.items()}
        apart = _batched(pipe, items, traces)
    except UnsupportedDtypeError as error:
        return Finding(engine, dtype, True, f"not here: {error}", "", None)
    except PellucidError as error:
        return Finding(engine, dtype, False, f"does not compute it: {error}", "", None)
    # A text whose numbers part, else the one whose numbers differ most.
    name, found = max(comparisons.items(), key=lambda item: (not item[1].agrees, item[1].size))
    if not found.agrees:
        return Finding(engine, dtype, False, f"parts from the reference on {name}. {found.told()}", name, found)
    if apart is not None and apart > found.absolute:
        told = f"gives other numbers for texts in a batch than for each alone, by {apart:.1e}"
        return Finding(engine, dtype, False, told, name, found)
    largest = found.largest
    where = "" if largest is None else f" (largest difference {largest.difference:.1e}, in {largest.name} of {name})"
    gives = "gives the reference's numbers" if dtype in EXACT else f"is as near to the reference as {dtype} allows"
    return Finding(engine, dtype, True, f"{gives}{where}", name, found)


def _batched(pipe: Pipeline, items: dict[str, Any], traces: dict[str, Any]) -> float | None:
    """How far the outputs of all texts in one batch are from those of each alone."""
    alone = [one.values for trace in traces.values() for one in trace.sequences]
    together = list(pipe.outputs([items[name] for name in traces]))
    return max(
        (
            float(np.abs(np.asarray(one[name], np.float64) - np.asarray(other[name], np.float64)).max(initial=0.0))
            for one, other in zip(alone, together, strict=True)
            for name in one
        ),
        default=None,
    )
