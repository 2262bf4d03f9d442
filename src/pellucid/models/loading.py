"""From a checkpoint's files to a model's parameters: what is found, what is new, and the report of both."""

from __future__ import annotations

import zlib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any, Protocol

import numpy as np

from pellucid.architectures.family import Family
from pellucid.checkpoints.hub import Checkpoint
from pellucid.checkpoints.names import Match, folded
from pellucid.checkpoints.reading import read_tensors
from pellucid.checkpoints.report import LoadingReport, WrongDtype, WrongShape
from pellucid.checkpoints.roundings import Roundings
from pellucid.checkpoints.stored import StoredTensor
from pellucid.config import Config
from pellucid.engines import shapes
from pellucid.errors import CheckpointMismatchError

FLOATS = ("float64", "float32", "float16", "bfloat16")

LISTED = 20
"""The most tensors that an error message names."""


class Header(Protocol):
    """What is known of a stored tensor before it is read."""

    @property
    def dtype(self) -> str:
        """The dtype it is stored in."""

    @property
    def shape(self) -> tuple[int, ...]:
        """Its shape."""


def parameters_of(
    family: Family, config: Config, head: str, outputs: tuple[str, ...] | None = None
) -> dict[str, tuple[int, ...]]:
    """The canonical name and shape of every parameter of a model, or of those that some outputs need."""
    return shapes.parameters(family.forward(config, head, outputs))


@dataclass(frozen=True)
class Loaded:
    """A model's parameters, and how they fit the checkpoint.

    Attributes:
        parameters: every parameter, by canonical name; those that the checkpoint lacks are newly initialised.
        new: canonical names of those.
        report: the same in the checkpoint's names.
        roundings: of the inputs of its linear maps; None unless it is to be computed in int8.
    """

    parameters: Mapping[str, StoredTensor]
    new: frozenset[str]
    report: LoadingReport
    roundings: Roundings | None = None


def load(
    checkpoint: Checkpoint,
    family: Family,
    config: Config,
    head: str,
    *,
    model: str,
    ignore_mismatched_sizes: bool = False,
    seed: int = 0,
    **reading: Any,
) -> Loaded:
    """Find a model's parameters in a checkpoint.

    Args:
        checkpoint: its files.
        family: its family.
        config: its config, checked.
        head: the head that is asked for.
        model: the class that is loaded, for the report.
        ignore_mismatched_sizes: initialise tensors of another shape anew, instead of refusing them.
        seed: of the values of new parameters.
        reading: passed to `read_tensors`.

    Raises:
        CheckpointMismatchError: parameters that may not be new are missing, or a tensor has another shape or holds no
            floating numbers; the message lists them all.
    """
    stored = read_tensors(checkpoint, **reading)
    comparison = compare(stored, family, config, head, checkpoint=checkpoint.name, model=model)
    _refuse(comparison, family, head, stored, ignore_mismatched_sizes)
    new = {name: shape for name, shape in comparison.wanted.items() if name in comparison.new}
    made = dict(initialise(config, new, seed))
    parameters = {
        name: made[name] if name in made else stored[comparison.match.found[name]] for name in comparison.wanted
    }
    return Loaded(parameters, comparison.new, comparison.report)


@dataclass(frozen=True)
class Comparison:
    """The tensors of a checkpoint beside the parameters of a model; nothing of their values is read.

    Attributes:
        wanted: the model's parameters, canonical name and shape.
        match: where they stand in the checkpoint.
        missing: the Hub's names of those that are not there, by canonical name.
        wrong_shape: those that have another shape, by canonical name.
        report: the same in the checkpoint's names.
    """

    wanted: Mapping[str, tuple[int, ...]]
    match: Match
    missing: Mapping[str, str]
    wrong_shape: Mapping[str, WrongShape]
    report: LoadingReport

    @property
    def new(self) -> frozenset[str]:
        """Canonical names of the parameters that the checkpoint cannot give."""
        return frozenset({*self.missing, *self.wrong_shape})


def compare(
    stored: Mapping[str, Header], family: Family, config: Config, head: str, *, checkpoint: str, model: str
) -> Comparison:
    """Lay the tensors of a checkpoint beside the parameters of a model.

    Args:
        stored: the checkpoint's tensors, or only their headers, by name.
        family: the checkpoint's.
        config: its config, checked.
        head: the head that is asked for.
        checkpoint: its name, for the report.
        model: the class, for the report.
    """
    wanted = parameters_of(family, config, head)
    match = family.names.match(wanted, stored, family.heads[head].twice)
    wrong_shape = {
        canonical: WrongShape(name, stored[name].shape, wanted[canonical])
        for canonical, name in match.found.items()
        if stored[name].shape != wanted[canonical]
    }
    has_prefix = family.names.has_prefix(stored) or head != "base"
    missing = {name: family.names.hub_name(name, has_prefix) for name in match.missing}
    report = LoadingReport(
        checkpoint=checkpoint,
        model=model,
        unused=match.unused,
        missing=list(missing.values()),
        wrong_shape=list(wrong_shape.values()),
        wrong_dtype=[
            WrongDtype(name, stored[name].dtype) for name in match.found.values() if stored[name].dtype != "float32"
        ],
        unread_config=config.unread,
    )
    return Comparison(wanted, match, missing, wrong_shape, report)


def heads_made(config: Config, family: Family) -> set[str]:
    """The heads that a checkpoint was made with, by the config's `architectures`; none where it names no class here."""
    named = {str(name).removeprefix("TF") for name in config.architectures or ()}
    return {head for head, kind in family.heads.items() if family.class_prefix + kind.class_suffix in named}


def heads_of_others(config: Config, family: Family) -> frozenset[str]:
    """The heads that a checkpoint was not made with, though weights of their names may be there.

    "classifier.weight" is a head's that labels texts, and one's that labels tokens; which of them was trained is told
    by the config's `architectures`.

    Args:
        config: the checkpoint's; all heads may be trained where it names none of the family's classes.
        family: its family.
    """
    made = heads_made(config, family)
    return frozenset(set(family.heads) - made - {"base"}) if made - {"base"} else frozenset()


def _refuse(
    comparison: Comparison,
    family: Family,
    head: str,
    stored: Mapping[str, StoredTensor],
    ignore_mismatched_sizes: bool,
) -> None:
    """Refuse a checkpoint that lacks what may not be new."""
    match, report = comparison.match, comparison.report
    may_be_new = family.heads[head].new
    lost = [hub for name, hub in comparison.missing.items() if not name.startswith(may_be_new)]
    wrong_shape = [] if ignore_mismatched_sizes else report.wrong_shape
    no_floats = [f"{name}: {stored[name].dtype}" for name in match.found.values() if stored[name].dtype not in FLOATS]
    problems = [
        f"{len(names)} {what}: {_listed(names)}"
        for what, names in (
            ("tensors are missing", folded(lost)),
            ("tensors have another shape", [str(wrong) for wrong in wrong_shape]),
            ("tensors hold no floating-point numbers", no_floats),
        )
        if names
    ]
    if not problems:
        return
    advice = (
        "Check that config.json and the weights belong together"
        if lost or no_floats
        else "Check config.json, or pass `ignore_mismatched_sizes=True` to initialise these tensors anew"
    )
    if lost and match.unused:
        problems.append(f"{len(match.unused)} others are not used: {_listed(folded(match.unused))}")
    raise CheckpointMismatchError(
        f"The weights of {report.checkpoint!r} do not fit its config of the family {family.model_type!r}. "
        f"{'; '.join(problems)}. {advice}.",
        missing=lost,
        wrong_shape=list(wrong_shape),
        unused=match.unused,
    )


def _listed(names: list[str]) -> str:
    more = f" and {len(names) - LISTED} more" if len(names) > LISTED else ""
    return ", ".join(names[:LISTED]) + more


def initialise(config: Config, wanted: Mapping[str, tuple[int, ...]], seed: int) -> Iterator[tuple[str, StoredTensor]]:
    """New parameters as `transformers` makes them: normal weights, biases of 0, norms of 1, no vector for padding.

    Each tensor's values depend on the seed and its own name alone, so two classes that share a parameter agree on it.

    Args:
        config: gives `initializer_range`, the standard deviation, and `pad_token_id`.
        wanted: canonical names and shapes.
        seed: any whole number.

    Yields:
        Pairs of canonical name and tensor, float32.
    """
    for name, shape in wanted.items():
        if len(shape) == 1:
            array = np.full(shape, name.endswith("weight"), np.float32)
        else:
            random = np.random.default_rng([seed, zlib.crc32(name.encode())])
            array = random.standard_normal(shape, np.float32) * np.float32(config.initializer_range)
        if name == "embeddings.tokens.weight" and config.pad_token_id is not None:
            array[config.pad_token_id] = 0
        yield name, StoredTensor.from_array(name, array)
