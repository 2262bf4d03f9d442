"""What a comparison found, and how it is told."""

from __future__ import annotations

import html
import textwrap
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from typing import Any

from pellucid.machine_readable import as_json
from pellucid.tracing.words import BOLD, GREEN, PLAIN, markdown_cell

RED = "\x1b[31m"


@dataclass(frozen=True)
class Compared:
    """One stage of two runs.

    Attributes:
        name: the stage.
        is_same: whether no number differs by more than is allowed, and nothing else differs.
        difference: the largest difference, or where some are too large the one that is so by most; None where there
            are no numbers, or none that could be compared.
        allowed: the difference that is allowed there.
        where: where it stands; or why nothing could be compared.
        values: what stands there on either side.
    """

    name: str
    is_same: bool
    difference: float | None
    allowed: float | None
    where: str
    values: tuple[Any, Any] | None


@dataclass(frozen=True)
class Comparison:
    """Two runs side by side.

    Attributes:
        one: what computed the first.
        other: what computed the one that it is held against.
        absolute: the difference that is allowed for any number.
        relative: what is allowed besides, as a share of the other's number.
        stages: in the data's order.
    """

    one: str
    other: str
    absolute: float
    relative: float
    stages: Sequence[Compared]

    @property
    def first(self) -> Compared | None:
        """The first stage where they part; None where they agree."""
        return next((stage for stage in self.stages if not stage.is_same), None)

    @property
    def agrees(self) -> bool:
        """Whether they are the same at every stage."""
        return self.first is None

    @property
    def largest(self) -> Compared | None:
        """The stage of the largest difference in numbers; None where none could be compared."""
        return max((one for one in self.stages if one.difference is not None), key=_difference, default=None)

    @property
    def size(self) -> float:
        """The largest difference in numbers; 0 where none could be compared."""
        return 0.0 if self.largest is None else _difference(self.largest)

    def told(self) -> str:
        """In a sentence: whether they agree, or where they part first."""
        first, largest = self.first, self.largest
        if first is None:
            if largest is None or not largest.difference:
                return "They are the same at every stage."
            return f"They agree at every stage; the largest difference is {largest.difference:.1e}, in {largest.name}."
        if first.difference is not None and first.values is not None:
            return (
                f"They part in {first.name}: by {first.difference:.2g} ({first.where}: {first.values[0]:.5g} and "
                f"{first.values[1]:.5g}), where {first.allowed:.1g} is allowed."
            )
        if first.values is not None:
            place = f" at {first.where}" if first.where else ""
            return f"They part in {first.name}{place}: {first.values[0]!r} and {first.values[1]!r}."
        return f"They part in {first.name}: {first.where}."

    def to_dict(self) -> dict[str, Any]:
        """All of it in JSON's own types."""
        return {
            "one": self.one,
            "other": self.other,
            "absolute": self.absolute,
            "relative": self.relative,
            "agrees": self.agrees,
            "first": None if self.first is None else self.first.name,
            "told": self.told(),
            "stages": [asdict(stage) for stage in self.stages],
        }

    def to_json(self, *, indent: int | None = None) -> str:
        """The same as text."""
        return as_json(self.to_dict(), indent=indent, default=str)

    def to_text(self, *, width: int = 80, colours: bool = False) -> str:
        """For a terminal: a line for each stage, and the whole in a sentence.

        Args:
            width: columns.
            colours: whether it understands colours.
        """
        bold, red, green, plain = (BOLD, RED, GREEN, PLAIN) if colours else ("", "", "", "")
        names = max((len(stage.name) for stage in self.stages), default=0)
        lines = [f"{bold}{line}{plain}" for line in textwrap.wrap(f"{self.one}, beside {self.other}", width)]
        for stage in self.stages:
            colour = green if stage.is_same else red
            numbers, *more = textwrap.wrap(_numbers(stage), max(width - names - 12, 12)) or [""]
            lines.append(f"  {stage.name:<{names}}  {colour}{_state(stage):<6}{plain}  {numbers}".rstrip())
            lines += [" " * (names + 12) + line for line in more]
        return "\n".join([*lines, *textwrap.wrap(self.told(), width)])

    def to_markdown(self) -> str:
        """The same as a table of Markdown."""
        lines = ["| stage | | largest difference | allowed |", "| --- | --- | ---: | ---: |"]
        for stage in self.stages:
            lines.append(f"| {stage.name} | {_state(stage)} | {_number(stage.difference)} | {_number(stage.allowed)} |")
        return "\n".join([*lines, "", markdown_cell(self.told())]) + "\n"

    def _repr_html_(self) -> str:
        rows = "".join(
            f"<tr><td>{html.escape(stage.name)}</td><td>{_state(stage)}</td><td>{_number(stage.difference)}</td>"
            f"<td>{_number(stage.allowed)}</td></tr>"
            for stage in self.stages
        )
        head = "<tr><th>stage</th><th></th><th>largest difference</th><th>allowed</th></tr>"
        return f"<table><thead>{head}</thead><tbody>{rows}</tbody></table><p>{html.escape(self.told())}</p>"

    def __str__(self) -> str:
        return self.to_text()


def _difference(stage: Compared) -> float:
    return stage.difference or 0.0


def _state(stage: Compared) -> str:
    return "same" if stage.is_same else "parts"


def _numbers(stage: Compared) -> str:
    if stage.difference is not None:
        return f"{stage.difference:.1e}, allowed {stage.allowed:.1e}"
    if stage.values is None:
        return stage.where
    return f"{stage.where}: {stage.values[0]!r} and {stage.values[1]!r}".removeprefix(": ")


def _number(value: float | None) -> str:
    return "" if value is None else f"{value:.1e}"
