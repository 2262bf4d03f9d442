"""What looks like a mistake in how a model is called, told once in words, with the line to write instead.

No number is changed: a model computes what it is given. Pipelines make no such mistakes, and are not looked at.
"""

from __future__ import annotations

import logging
from collections.abc import Sequence
from typing import Any

import numpy as np
import numpy.typing as npt

from pellucid.checkpoints.framing import Framing, framing_of
from pellucid.checkpoints.hub import Checkpoint

logger = logging.getLogger(__name__)

Ints = npt.NDArray[Any]

KNOWN_FRAMES = {(101, 102): "BERT's", (0, 2): "RoBERTa's", (2, 3): "ALBERT's"}
"""The ids that widely used tokenizers put around a text."""


class Diagnosis:
    """What has been seen of one model's calls.

    Args:
        checkpoint: what the model was loaded from; None for one of a config.
        padding_id: the id of padding that its config names.
        untrained: the parameters of its head that the checkpoint lacks.
    """

    def __init__(self, checkpoint: Checkpoint | None, padding_id: int | None, untrained: Sequence[str]) -> None:
        self._padding_id, self._untrained, self._kind = padding_id, list(untrained), "np"
        self._framing: Framing | None = None
        self._checkpoint = checkpoint
        self._told: set[str] = set()
        self._learns = False

    def of_call(
        self, ids: Any, is_token: npt.NDArray[np.bool_], *, kind: str, has_mask: bool, is_learning: bool
    ) -> None:
        """Look at one call.

        Args:
            ids: as they were given, `[L]` or `[B, L]`.
            is_token: which cells count, `[B, L]`.
            kind: of the arrays that were given: "np", "pt" or "tf".
            has_mask: whether an attention mask was given.
            is_learning: whether it is a step of training.
        """
        self._kind = kind
        self._learns = self._learns or is_learning
        if self._untrained and not self._learns:
            self._tell_untrained()
        array = np.asarray(ids)
        if array.ndim == 1:
            self._tell(
                "one axis",
                f"`input_ids` has one axis, [{len(array)}], and was taken as one text. A model takes a row for each "
                f"text, [batch, length]: write `model(input_ids[None])`, or have the tokenizer make the row: "
                f"`tokenizer(text, return_tensors={self._kind!r})`.",
            )
            array = array[None]
        if array.ndim == 2 and array.size:
            self._padding(array, is_token, has_mask)
            self._special_tokens(array, is_token)

    def _padding(self, ids: Ints, is_token: npt.NDArray[np.bool_], has_mask: bool) -> None:
        if self._padding_id is None or "padding" in self._told:
            return
        seen = _at_ends((ids == self._padding_id) & is_token)
        rows = np.flatnonzero(seen.any(axis=1) & ~seen.all(axis=1))
        if not len(rows):
            return
        ends = "end" if seen[rows, -1].all() else "begin" if not seen[rows, -1].any() else "begin or end"
        who = f"Row {int(rows[0])} {ends}s" if len(rows) == 1 else f"{len(rows)} of {len(ids)} rows {ends}"
        mask = (
            "and `attention_mask` says that it counts" if has_mask else "and no `attention_mask` says that it is none"
        )
        self._tell(
            "padding",
            f"{who} in padding (id {self._padding_id}, {int(seen[rows].sum())} in all), {mask}: "
            "every token looks at it, and the numbers are not those of the text alone. Pass the tokenizer's own mask: "
            f"`model(**tokenizer(texts, padding=True, return_tensors={self._kind!r}))`.",
        )

    def _special_tokens(self, ids: Ints, is_token: npt.NDArray[np.bool_]) -> None:
        framing = self._frame()
        if framing is None:
            return
        padding = (ids == self._padding_id) if self._padding_id is not None else np.zeros(ids.shape, np.bool_)
        counts = is_token & ~_at_ends(padding & is_token)
        rows = [row[own] for row, own in zip(ids, counts, strict=True) if own.any()]
        if not rows:
            return
        firsts, lasts = {int(row[0]) for row in rows}, {int(row[-1]) for row in rows}
        if framing.first not in firsts:
            self._without(framing, rows, firsts, lasts)
        elif any(len(row) > 1 and row[1] == framing.first for row in rows):
            number = next(i for i, row in enumerate(rows) if len(row) > 1 and row[1] == framing.first)
            self._tell(
                "doubled",
                f"Row {number} begins with {framing.first_token} (id {framing.first}) twice: special tokens were put "
                "around a text that had them. Encode a text once, `tokenizer(text)`, or pass "
                "`add_special_tokens=False` the second time.",
            )
        self._other_padding(framing, ids, is_token)

    def _without(self, framing: Framing, rows: Sequence[Ints], firsts: set[int], lasts: set[int]) -> None:
        put = f"{framing.first_token} (id {framing.first}) before and {framing.last_token} (id {framing.last}) behind"
        ends = (min(firsts), min(lasts))
        alike = len(firsts) == len(lasts) == 1 and all(len(row) > 1 for row in rows)
        if alike and ends != (framing.first, framing.last) and ends in KNOWN_FRAMES:
            self._tell(
                "tokenizer",
                f"The texts begin with id {ends[0]} and end with id {ends[1]}, as {KNOWN_FRAMES[ends]} tokenizer puts "
                f"them; this checkpoint's own puts {put} a text. The same numbers mean other words here. Take both "
                "from one checkpoint: `tokenizer = AutoTokenizer.from_pretrained(checkpoint)`.",
            )
        elif framing.last not in lasts:
            self._tell(
                "special tokens",
                f"The ids lack the special tokens that this checkpoint's tokenizer puts: {put} a text. The model was "
                f"trained with them. Write `model(**tokenizer(text, return_tensors={self._kind!r}))` in place of "
                "`convert_tokens_to_ids(tokenize(text))`.",
            )

    def _other_padding(self, framing: Framing, ids: Ints, is_token: npt.NDArray[np.bool_]) -> None:
        if self._padding_id is None or len(ids) < 2:
            return
        for number, (row, own) in enumerate(zip(ids, is_token, strict=True)):
            ends = np.flatnonzero(row == framing.last)
            behind = row[ends[-1] + 1 :] if len(ends) else row[:0]
            if len(behind) and own[-1] and (behind == behind[0]).all() and behind[0] != self._padding_id:
                self._tell(
                    "other padding",
                    f"Row {number} goes on behind its last {framing.last_token} with {len(behind)} times the id "
                    f"{int(behind[0])}, which is read as text: padding is the id {self._padding_id} here, "
                    "`tokenizer.pad_token_id`, and 0 in the attention mask. Write "
                    f"`tokenizer(texts, padding=True, return_tensors={self._kind!r})`.",
                )
                return

    def _tell_untrained(self) -> None:
        names = ", ".join(self._untrained[:4]) + (" …" if len(self._untrained) > 4 else "")
        self._tell(
            "untrained",
            f"The head of this model was never trained: the checkpoint lacks {names}, which are random, and so is this "
            "answer. Fine-tune it first, `pellucid train`, or load a checkpoint that has the head.",
        )

    def _frame(self) -> Framing | None:
        if self._checkpoint is not None:
            self._framing, self._checkpoint = framing_of(self._checkpoint), None
        return self._framing

    def _tell(self, what: str, words: str) -> None:
        if what not in self._told:
            self._told.add(what)
            logger.warning("%s", words)


def _at_ends(cells: npt.NDArray[np.bool_]) -> npt.NDArray[np.bool_]:
    """The cells of a row's unbroken run at its end, or at its beginning: `[B, L]`."""
    behind = np.logical_and.accumulate(cells[:, ::-1], axis=1)[:, ::-1]
    before = np.logical_and.accumulate(cells, axis=1)
    return np.asarray(behind | before)


def tell_of_another_tokenizer(checkpoint: Checkpoint | None, first: int, last: int, name: str) -> None:
    """Warn where a tokenizer puts other ids around a text than the model's own does.

    Args:
        checkpoint: what the model was loaded from.
        first: the id that the tokenizer puts before a text.
        last: the one behind it.
        name: the tokenizer's.
    """
    framing = None if checkpoint is None else framing_of(checkpoint)
    if checkpoint is None or framing is None or (framing.first, framing.last) == (first, last):
        return
    logger.warning(
        "The tokenizer %r puts the ids %d and %d around a text, and the tokenizer of %r, the model's checkpoint, puts "
        "%d and %d: the same numbers mean other words there. Leave `tokenizer` out, or take it from %r.",
        name, first, last, checkpoint.name, framing.first, framing.last, checkpoint.name,
    )  # fmt: skip
