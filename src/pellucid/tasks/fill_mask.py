"""Fill mask: the logits at each mask become the words that may stand there.

The arguments, shapes and orders are those of `transformers` 4.57, its `FillMaskPipeline`. Logits are computed at the
masks alone.
"""

from __future__ import annotations

import logging
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np

from pellucid.errors import InputError
from pellucid.tasks import task
from pellucid.tasks.task import Found, Row, Task, softmax
from pellucid.tasks.tokenizing import check_tokenizing

logger = logging.getLogger(__name__)


@dataclass(frozen=True)
class Settings(task.Settings):
    """What was made of the caller's arguments.

    Attributes:
        top_k: how many words to give for each mask.
        targets: ids of the only words that may be given; None for all.
    """

    top_k: int = 5
    targets: tuple[int, ...] | None = None


class FillMask(Task):
    """The words behind masks."""

    head = "masked-language-model"
    outputs = ("logits",)
    checkpoint = ("distilbert/distilroberta-base", "fb53ab8")
    window = 64  # a mask's answer is chosen among the whole vocabulary
    arguments = ("targets", "tokenizer_kwargs", "top_k")

    def settle(self, arguments: Mapping[str, Any]) -> Settings:
        """Read the caller's arguments.

        Raises:
            InputError: an argument that is not known, a tokenizer without a mask, or no target that is a word.
        """
        self.refuse_unknown(arguments)
        mask = self.context.tokenizer.mask_token_id
        if mask is None:
            raise InputError(
                f"The tokenizer of {self.context.name!r} does not define a `mask_token`. Use a checkpoint that was "
                "trained with one."
            )
        top_k = arguments.get("top_k")
        if top_k is not None and (type(top_k) is not int or top_k < 1):
            raise InputError(f"`top_k={top_k!r}` must be a whole number above 0.", name="top_k")
        targets = arguments.get("targets")
        return Settings(
            check_tokenizing(arguments.get("tokenizer_kwargs") or {}, ()),
            mask,
            top_k=5 if top_k is None else top_k,
            targets=None if targets is None else self._target_ids(targets),
        )

    def _target_ids(self, targets: Any) -> tuple[int, ...]:
        """The ids of the targets; of one that is no word of the vocabulary, the id of its first piece."""
        tokenizer = self.context.tokenizer
        vocabulary = tokenizer.get_vocab()
        ids: list[int] = []
        for target in [targets] if isinstance(targets, str) else targets:
            found = vocabulary.get(target)
            if found is None:
                pieces = tokenizer.encode_ragged([target], add_special_tokens=False).ids[0]
                if not pieces:
                    logger.warning(
                        "The specified target token `%s` does not exist in the model vocabulary. We cannot replace it "
                        "with anything meaningful, ignoring it",
                        target,
                    )
                    continue
                found = pieces[0]
                logger.warning(
                    "The specified target token `%s` does not exist in the model vocabulary. Replacing with `%s`.",
                    target,
                    tokenizer.convert_ids_to_tokens(found),
                )
            ids.append(found)
        if not ids:
            raise InputError("At least one target must be provided when passed.", name="targets")
        return tuple(dict.fromkeys(ids))

    def rows(self, item: Any, index: int, settings: Settings) -> list[Row]:
        """The text of one input, which must have a mask."""
        rows = super().rows(item, index, settings)
        # A mask that is cut off is found out when the answer is made.
        if self.context.tokenizer.mask_token not in item:
            raise self._no_mask(index)
        return rows

    def _no_mask(self, index: int | None = None) -> InputError:
        where = "the input" if index is None else f"input {index}"
        token = self.context.tokenizer.mask_token
        return InputError(f"No mask_token ({token}) found on {where}. Put {token} where a word is wanted.", index=index)

    def answer(self, found: Found, settings: Settings) -> Any:
        """The words for each mask of one text.

        Returns:
            A list of `{"score", "token", "token_str", "sequence"}`, best first; for several masks a list of such lists,
            whose sequences keep the special tokens and the other masks.
        """
        window = next(found.windows)
        logits = window.values["logits"]
        if not len(logits):
            raise self._no_mask()
        probabilities = softmax(logits)
        candidates = np.arange(logits.shape[-1]) if settings.targets is None else np.asarray(settings.targets)
        ids = np.asarray(window.encoding.ids)
        masks = np.flatnonzero(ids == settings.chosen_id)
        filled = [
            self._filled(row[candidates], candidates, ids, int(mask), settings.top_k, len(masks) == 1)
            for row, mask in zip(probabilities, masks, strict=True)
        ]
        return filled[0] if len(filled) == 1 else filled

    def _filled(
        self, scores: Any, candidates: Any, ids: Any, mask: int, top_k: int, skips_special: bool
    ) -> list[dict[str, Any]]:
        best = np.argpartition(-scores, min(top_k, len(scores)) - 1)[:top_k]
        best = best[np.argsort(-scores[best], kind="stable")]
        decode, padding = self.context.tokenizer.decode, self.context.tokenizer.pad_token_id
        answers = []
        for place in best:
            token = int(candidates[place])
            sequence = ids.copy()
            sequence[mask] = token
            kept = sequence[sequence != padding].tolist()
            answers.append(
                {
                    "score": float(scores[place]),
                    "token": token,
                    "token_str": decode([token]),
                    "sequence": decode(kept, skip_special_tokens=skips_special),
                }
            )
        return answers

    def listed(self, answers: list[Any], inputs: Any) -> Any:
        """A list of one text is answered like the text, as in `transformers`."""
        return answers[0] if len(answers) == 1 else answers
