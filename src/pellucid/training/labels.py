"""What the caller's labels mean: the kind of problem, the names, and the numbers that a loss is computed of."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from pellucid.config_keys import PROBLEM_TYPES
from pellucid.errors import InputError, InputTypeError

SINGLE, MULTI, REGRESSION = "single_label_classification", "multi_label_classification", "regression"


@dataclass(frozen=True)
class Scheme:
    """How labels become numbers.

    Attributes:
        problem: "single_label_classification", "multi_label_classification" or "regression".
        names: of the labels, by number; for regression of the numbers that are predicted.
    """

    problem: str
    names: tuple[str, ...]

    def numbers(self, labels: Sequence[Any], what: str = "labels") -> npt.NDArray[Any]:
        """Labels as a loss takes them.

        Args:
            labels: as many as there are texts.
            what: what messages call them.

        Returns:
            int64 `[B]` of one label each, float32 `[B, C]` of several labels or of numbers.

        Raises:
            InputError: a label that is none of the names, or of another form than the others.
        """
        convert = {SINGLE: self._number, MULTI: self._row_of_labels, REGRESSION: self._row_of_numbers}[self.problem]
        made = []
        for index, label in enumerate(labels):
            try:
                made.append(convert(label))
            except (ValueError, TypeError, KeyError) as error:
                raise InputError(
                    f"`{what}[{index}]` is {label!r}; expected {self._expected()}. Correct it, or leave that text out.",
                    name=what,
                    index=index,
                ) from error
        return np.array(made, np.int64 if self.problem == SINGLE else np.float32)

    def _number(self, label: Any) -> int:
        if isinstance(label, str):
            return self.names.index(label)
        if int(label) != label or not 0 <= label < len(self.names):
            raise ValueError(label)
        return int(label)

    def _row_of_labels(self, label: Any) -> list[float]:
        if isinstance(label, str) or not isinstance(label, Sequence):
            raise TypeError(label)
        if all(isinstance(one, str) for one in label):
            row = [0.0] * len(self.names)
            for one in label:
                row[self.names.index(one)] = 1.0
            return row
        if len(label) != len(self.names) or any(one not in (0, 1) for one in label):
            raise ValueError(label)
        return [float(one) for one in label]

    def _row_of_numbers(self, label: Any) -> list[float]:
        row = [label] if not isinstance(label, Sequence) or isinstance(label, str) else list(label)
        if len(row) != len(self.names) or any(isinstance(one, str) or not np.isfinite(one) for one in row):
            raise ValueError(label)
        return [float(one) for one in row]

    def _expected(self) -> str:
        names = ", ".join(map(repr, self.names[:20])) + (" …" if len(self.names) > 20 else "")
        if self.problem == SINGLE:
            return f"one of {names}, or its number, 0 to {len(self.names) - 1}"
        if self.problem == MULTI:
            return f"a list of some of {names}, or {len(self.names)} numbers that are 0 or 1"
        return "a finite number" if len(self.names) == 1 else f"{len(self.names)} finite numbers"


def plain_list(labels: Any, what: str = "labels") -> list[Any]:
    """Labels of any container as Python's own: arrays, tensors and columns of data frames too.

    Raises:
        InputTypeError: they are no list.
    """
    if hasattr(labels, "tolist"):
        labels = labels.tolist()
    if isinstance(labels, str | bytes | Mapping | set | frozenset) or not isinstance(labels, Sequence):
        raise InputTypeError(f"`{what}` is {type(labels).__name__}; expected a list, one for each text.", name=what)
    return [one.tolist() if hasattr(one, "tolist") else one for one in labels]


def scheme_of(
    labels: Sequence[Any],
    *,
    problem_type: str | None = None,
    label_names: Sequence[str] | None = None,
    known: Mapping[int, str] | None = None,
) -> Scheme:
    """What these labels mean.

    Args:
        labels: Python's own words, numbers, or lists of them.
        problem_type: the kind of problem; read off the labels where left out: words and whole numbers are one label
            each, lists are several, other numbers are regression.
        label_names: by number; in the order of the alphabet where left out and the labels are words.
        known: the names that the checkpoint has, which are kept where they hold every word.

    Raises:
        InputError: labels of several kinds, or fewer names than labels.
    """
    if problem_type is not None and problem_type not in PROBLEM_TYPES:
        raise InputError(
            f"`problem_type={problem_type!r}` must be one of {', '.join(PROBLEM_TYPES)}.", name="problem_type"
        )
    problem = problem_type or _problem_of(labels)
    names = list(label_names) if label_names is not None else _names_of(labels, problem, dict(known or {}))
    if len(set(names)) != len(names) or not all(isinstance(name, str) for name in names):
        raise InputError(f"`label_names` must be strings that differ; they are {names}.", name="label_names")
    if problem == SINGLE and len(names) < 2:
        raise InputError(
            f"All labels are {names[0]!r}: nothing can be learned from one label alone. Give texts of two labels or "
            "more, or name the others in `label_names`.",
            name="labels",
        )
    return Scheme(problem, tuple(names))


def _problem_of(labels: Sequence[Any]) -> str:
    kinds = {_kind(label) for label in labels}
    if len(kinds) == 1:
        return kinds.pop()
    if kinds == {SINGLE, REGRESSION} and not any(isinstance(label, str) for label in labels):
        return REGRESSION  # whole numbers among others
    raise InputError(
        "`labels` mix words, numbers and lists. Give every text a word or a whole number (one label), a list of them "
        "(several labels), or a number (regression).",
        name="labels",
    )


def _kind(label: Any) -> str:
    if isinstance(label, str | int):
        return SINGLE
    if isinstance(label, float):
        return REGRESSION
    if isinstance(label, Sequence):
        return MULTI
    raise InputTypeError(f"A label is {label!r}; expected a word, a number, or a list of them.", name="labels")


def _names_of(labels: Sequence[Any], problem: str, known: dict[int, str]) -> list[str]:
    ordered = [known[number] for number in sorted(known)]
    rows = [label for label in labels if isinstance(label, Sequence) and not isinstance(label, str)]
    if problem == REGRESSION:
        return _numbered(len(rows[0]) if rows else 1, [])
    flat = labels if problem == SINGLE else [one for row in rows for one in row]
    words = {label for label in flat if isinstance(label, str)}
    if words:
        return ordered if words <= set(ordered) else sorted(words)
    if problem == MULTI:
        return _numbered(max((len(row) for row in rows), default=0), ordered)
    whole = [label for label in flat if isinstance(label, int)]
    return _numbered(max(whole, default=0) + 1, ordered)


def _numbered(count: int, ordered: list[str]) -> list[str]:
    return ordered if len(ordered) == count else [f"LABEL_{number}" for number in range(count)]
