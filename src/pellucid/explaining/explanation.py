"""An explanation: what each token and each word added to the number that decided."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING, Any

from pellucid.explaining.page import as_html
from pellucid.explaining.words import as_markdown, as_text
from pellucid.machine_readable import as_json
from pellucid.tracing.words import clipped

if TYPE_CHECKING:
    from matplotlib.figure import Figure


@dataclass(frozen=True)
class Word:
    """One word of a text.

    Attributes:
        word: as it stands in the text.
        text: of which text, 0 or 1.
        start: where it begins there, in characters.
        end: where it ends.
        tokens: the places of its tokens in the sequence.
        contribution: what it added to the number: the sum of its tokens'.
    """

    word: str
    text: int
    start: int
    end: int
    tokens: tuple[int, ...]
    contribution: float


@dataclass(frozen=True)
class Explanation:
    """Which tokens carried a decision. A contribution above 0 speaks for the target, one below 0 against it.

    Attributes:
        task: the task's name.
        model: what the checkpoint is called.
        method: "integrated_gradients" or "occlusion".
        limits: what the method does not say, in a sentence or two.
        target: what is explained: a label, a word, an answer.
        number: which number of the target's it is.
        baseline: what the text is compared with, in words.
        logit: the number for the text.
        baseline_logit: for the baseline; None where there is nothing left to compute.
        completeness_error: the sum of the contributions less the difference of the two; None without a baseline.
        is_complete: whether that is within `tolerance`; None for occlusion, which promises nothing of the kind.
        tolerance: how large the error may be, as a part of the contributions' sizes; None for occlusion.
        steps: how often gradients were taken on the way; None for occlusion.
        texts: the one text that was read, or both.
        tokens: of the sequence that carries the target, special ones included.
        spans: where each stands in its text, in characters; (0, 0) for special ones.
        text_of: which text each is of, 0 or 1; None for special ones.
        contributions: of each token, 0 for those that stay in the baseline.
        words: the same by word, in their order.
        note: what was not read, where a text was cut or only a window of it carries the target; "" where all was.
    """

    task: str
    model: str
    method: str
    limits: str
    target: str
    number: str
    baseline: str
    logit: float
    baseline_logit: float | None
    completeness_error: float | None
    is_complete: bool | None
    tolerance: float | None
    steps: int | None
    texts: Sequence[str]
    tokens: Sequence[str]
    spans: Sequence[tuple[int, int]]
    text_of: Sequence[int | None]
    contributions: Sequence[float]
    words: Sequence[Word]
    note: str = ""

    @property
    def difference(self) -> float | None:
        """What the text adds to the baseline's number."""
        return None if self.baseline_logit is None else self.logit - self.baseline_logit

    @property
    def title(self) -> str:
        """What is explained, in a line."""
        target = clipped(" ".join(self.target.split()), 60)
        return f"{self.task}: {target}, by {self.method.replace('_', ' ')} ({self.model})"

    @property
    def account(self) -> str:
        """The numbers, in a sentence or two."""
        if self.baseline_logit is None or self.difference is None or self.completeness_error is None:
            return f"{self._capital} is {self.logit:.4f}; with {self.baseline} there is nothing to compute."
        told = f"{self._capital} is {self.logit:.4f}, and {self.baseline_logit:.4f} with {self.baseline}."
        added = sum(self.contributions)
        if self.is_complete is None or self.tolerance is None:
            return (
                f"{told} Contributions are not made to sum to the difference of {self.difference:+.4f}; "
                f"they sum to {added:+.4f}."
            )
        sizes = sum(map(abs, self.contributions))
        share = abs(self.completeness_error) / sizes if sizes else 0.0
        within = "within" if self.is_complete else "NOT within"
        return (
            f"{told} Contributions sum to {added:+.4f} for a difference of {self.difference:+.4f}: in {self.steps} "
            f"steps an error of {share:.2%} of their sizes, {within} the bound of {self.tolerance:.2%}."
        )

    @property
    def _capital(self) -> str:
        return self.number[:1].upper() + self.number[1:]

    def to_dict(self) -> dict[str, Any]:
        """All of it, in JSON's own types alone."""
        found = asdict(self)
        found["difference"] = self.difference
        found["spans"] = [list(span) for span in self.spans]
        found["words"] = [{**word, "tokens": list(word["tokens"])} for word in found["words"]]
        return {name: list(value) if isinstance(value, tuple) else value for name, value in found.items()}

    def to_json(self, *, indent: int | None = None) -> str:
        """The same as text."""
        return as_json(self.to_dict(), indent=indent)

    def to_text(self, *, width: int = 80, colours: bool = False) -> str:
        """For a terminal: the text with a sign behind each word that counts, and the words that count most.

        Args:
            width: columns.
            colours: whether it understands colours; without them nothing is lost.
        """
        return as_text(self, width, colours)

    def to_markdown(self) -> str:
        """The same as a table of Markdown, of every word."""
        return as_markdown(self)

    def to_html(self, *, page: bool = False) -> str:
        """The text in colours, blue for the target and orange against it, with the numbers below.

        Args:
            page: a whole page, and not a part of one.
        """
        return as_html(self, page)

    def plot(self, *, ax: Any = None) -> Figure:
        """A picture of the text in the same colours, with the numbers of the words that count most.

        Args:
            ax: where to draw; a new figure where left out.

        Returns:
            The figure, which shows itself in a notebook.

        Raises:
            NotInstalledError: matplotlib is not installed.
        """
        from pellucid.explaining.plots import plotted

        figure: Figure = plotted(self, ax)
        return figure

    def _repr_html_(self) -> str:
        return self.to_html()

    def __str__(self) -> str:
        return self.to_text()

    def __repr__(self) -> str:
        return f"Explanation({self.target!r}, {self.method!r}, {len(self.tokens)} tokens)"
