"""From a checkpoint's files to a model's parameters: what is found, what is new, and the report of both."""

from __future__ import annotations

import zlib
from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np

from pellucid.architectures.family import Family
from pellucid.checkpoints.hub import Checkpoint
from pellucid.checkpoints.names import Match, folded
from pellucid.checkpoints.reading import read_tensors, tensor_headers
from pellucid.checkpoints.report import LoadingReport, WrongDtype, WrongShape
from pellucid.checkpoints.stored import StoredTensor
from pellucid.config import Config
from pellucid.engines import shapes
from pellucid.errors import CheckpointMismatchError

FLOATS = ("float64", "float32", "float16", "bfloat16")

LISTED = 20
"""The most tensors that an error message names."""


def parameters_of(family: Family, config: Config, head: str) -> dict[str, tuple[int, ...]]:
    """The canonical name and shape of every parameter of a model."""
    return shapes.parameters(family.forward(config, head))


@dataclass(frozen=True)
class Loaded:
    """A model's parameters, and how they fit the checkpoint.

    Attributes:
        parameters: every parameter, by canonical name; those that the checkpoint lacks are newly initialised.
        new: canonical names of those.
        report: the same in the checkpoint's names.
    """

    parameters: Mapping[str, StoredTensor]
    new: frozenset[str]
    report: LoadingReport


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
    wanted = parameters_of(family, config, head)
    match = family.names.match(wanted, stored)
    wrong_shape = {
        canonical: WrongShape(name, stored[name].shape, wanted[canonical])
        for canonical, name in match.found.items()
        if stored[name].shape != wanted[canonical]
    }
    has_prefix = _has_prefix(family, stored)
    missing = {name: family.names.hub_name(name, has_prefix) for name in match.missing}
    _refuse(checkpoint, family, head, match, stored, missing, {} if ignore_mismatched_sizes else wrong_shape)

    new = frozenset({*missing, *wrong_shape})
    parameters = {name: stored[match.found[name]] for name in wanted if name not in new}
    parameters.update(initialise(config, {name: wanted[name] for name in wanted if name in new}, seed))
    report = LoadingReport(
        checkpoint=checkpoint.name,
        model=model,
        unused=match.unused,
        missing=list(missing.values()),
        wrong_shape=list(wrong_shape.values()),
        wrong_dtype=[
            WrongDtype(name, stored[name].dtype, "float32")
            for name in match.found.values()
            if stored[name].dtype != "float32"
        ],
        unread_config=config.unread,
    )
    return Loaded(parameters, new, report)


def _has_prefix(family: Family, stored: Collection[str]) -> bool:
    return any(name.startswith(family.names.prefix) for name in stored)


def _refuse(
    checkpoint: Checkpoint,
    family: Family,
    head: str,
    match: Match,
    stored: Mapping[str, StoredTensor],
    missing: Mapping[str, str],
    wrong_shape: Mapping[str, WrongShape],
) -> None:
    may_be_new = family.heads[head].new
    lost = [hub for name, hub in missing.items() if not name.startswith(may_be_new)]
    no_floats = [f"{name}: {stored[name].dtype}" for name in match.found.values() if stored[name].dtype not in FLOATS]
    problems = [
        f"{len(names)} {what}: {_listed(names)}"
        for what, names in (
            ("tensors are missing", folded(lost)),
            ("tensors have another shape", [str(wrong) for wrong in wrong_shape.values()]),
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
        f"The weights of {checkpoint.name!r} do not fit its config of the family {family.model_type!r}. "
        f"{'; '.join(problems)}. {advice}.",
        missing=lost,
        wrong_shape=list(wrong_shape.values()),
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


@dataclass(frozen=True)
class Fit:
    """How a checkpoint's headers fit one head, nothing of the weights read.

    Attributes:
        shapes: of all the stored tensors, by name.
        dtypes: likewise.
        report: what would be unused, missing or of another shape.
    """

    shapes: Mapping[str, tuple[int, ...]]
    dtypes: Mapping[str, str]
    report: LoadingReport


def fit(checkpoint: Checkpoint, family: Family, config: Config, head: str, *, model: str) -> Fit:
    """Compare a checkpoint's headers with what a head needs."""
    headers = tensor_headers(checkpoint)
    wanted = parameters_of(family, config, head)
    match = family.names.match(wanted, headers)
    has_prefix = _has_prefix(family, headers)
    report = LoadingReport(
        checkpoint=checkpoint.name,
        model=model,
        unused=match.unused,
        missing=[family.names.hub_name(name, has_prefix) for name in match.missing],
        wrong_shape=[
            WrongShape(name, headers[name].shape, wanted[canonical])
            for canonical, name in match.found.items()
            if headers[name].shape != wanted[canonical]
        ],
        unread_config=config.unread,
    )
    return Fit(
        {name: header.shape for name, header in headers.items()},
        {name: header.dtype for name, header in headers.items()},
        report,
    )
