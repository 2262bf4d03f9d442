"""A sentencepiece model file to a tokenizer of the Rust library, and what the tokenizers of such files share."""

from __future__ import annotations

import logging
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

from tokenizers import AddedToken, Regex, Tokenizer, decoders, models, normalizers, pre_tokenizers

from pellucid.errors import InputError, TokenizerError
from pellucid.tokenizers.backend import Backend, guarded
from pellucid.tokenizers.base import PreTrainedTokenizerFast
from pellucid.tokenizers.sentencepiece_model import (
    BPE,
    CONTROL,
    UNIGRAM,
    USER_DEFINED,
    SentencePieceModel,
    read_sentencepiece,
)

logger = logging.getLogger("pellucid.tokenizers")

# What sentencepiece writes for a blank.
BLANK = "▁"

Scores = list[tuple[str, float]]


class SentencePieceTokenizer(PreTrainedTokenizerFast):
    """What the tokenizers of sentencepiece files share; each says what is its own by the methods below."""

    vocab_file: Any = None

    def _scores(self, model: SentencePieceModel) -> Scores:
        """The vocabulary in the order of its ids: the model's own pieces, unless a class moves them."""
        return [(piece.text, piece.score) for piece in model.pieces]

    def _unknown_id(self, model: SentencePieceModel) -> int:
        return model.unk_id

    def _normalizers(self, character_map: list[Any], arguments: dict[str, Any]) -> list[Any]:
        """The steps before splitting; `character_map` is the model's own step, empty where it has none."""
        return [*character_map, normalizers.Strip(left=False, right=True), normalizers.Replace(Regex(" {2,}"), BLANK)]

    def _pre_tokenizer(self, arguments: dict[str, Any]) -> Any:
        return metaspace()

    def _backend_from_vocabulary(self, args: Sequence[Any], kwargs: dict[str, Any]) -> Backend:
        (path,) = self._vocabulary_paths(args)
        model = read_sentencepiece(path)
        if model.byte_fallback:
            logger.warning(
                "%s spells text that has no piece in bytes, which is not done here nor by the fast tokenizers of "
                "transformers: such text becomes the unknown token.",
                path,
            )
        kwargs.setdefault("sp_model_kwargs", {})
        scores = self._scores(model)
        tokenizer = Tokenizer(_splitting_model(model, scores, self._unknown_id(model)))
        tokenizer.add_tokens(
            [
                AddedToken(piece.text, normalized=False, special=piece.kind == CONTROL)
                for piece in model.pieces
                if piece.kind in (CONTROL, USER_DEFINED)
            ]
        )
        character_map = []
        if model.character_map:
            character_map = [
                guarded(
                    lambda: normalizers.Precompiled(model.character_map),
                    f"The table of characters in {path} is damaged",
                )
            ]
        tokenizer.normalizer = normalizers.Sequence(self._normalizers(character_map, kwargs))
        tokenizer.pre_tokenizer = self._pre_tokenizer(kwargs)
        tokenizer.decoder = decoders.Metaspace(replacement=BLANK, prepend_scheme="always")
        return Backend(tokenizer)

    def _vocabulary_files(self) -> dict[str, bytes]:
        if not self._can_save_vocabulary():
            raise InputError(
                f"The vocabulary file that {type(self).__name__} was made of is not known or no longer there, so it "
                "cannot be written again. Call save_pretrained(): tokenizer.json has all that is needed.",
                path=str(self.vocab_file),
            )
        return {self.vocab_files_names["vocab_file"]: Path(self.vocab_file).read_bytes()}

    def _can_save_vocabulary(self) -> bool:
        # The file holds more than the tokenizer keeps, so it is copied from where it was read.
        return self.vocab_file is not None and Path(self.vocab_file).is_file()


def metaspace() -> Any:
    """The pre-tokenizer that makes blanks letters, and puts one before each text."""
    return pre_tokenizers.Metaspace(replacement=BLANK, prepend_scheme="always")


def _splitting_model(model: SentencePieceModel, scores: Scores, unknown_id: int) -> Any:
    if model.algorithm == UNIGRAM:
        if not 0 <= unknown_id < len(scores):
            raise TokenizerError(
                f"{model.path} gives unknown text the id {unknown_id}, and has {len(scores)} pieces. Download the "
                "checkpoint again.",
                path=model.path,
                id=unknown_id,
            )
        return guarded(
            lambda: models.Unigram(scores, unk_id=unknown_id, byte_fallback=False),
            f"{model.path} is not a Unigram model",
        )
    if model.algorithm != BPE:
        raise TokenizerError(
            f"{model.path} is a sentencepiece model of words or characters (model_type {model.algorithm}); only "
            f"Unigram ({UNIGRAM}) and BPE ({BPE}) are converted.",
            path=model.path,
            model_type=model.algorithm,
        )
    vocabulary = {text: index for index, (text, _) in enumerate(scores)}
    if model.unk_piece not in vocabulary:
        raise TokenizerError(
            f"{model.path} has no {model.unk_piece!r:.80}, the piece for unknown text. Download the checkpoint again.",
            path=model.path,
            token=model.unk_piece,
        )
    return guarded(
        lambda: models.BPE(
            vocab=vocabulary,
            merges=_merges(model, scores),
            dropout=None,
            unk_token=model.unk_piece,
            fuse_unk=True,
            byte_fallback=False,
        ),
        f"{model.path} is not a BPE model",
    )


def _merges(model: SentencePieceModel, scores: Scores) -> list[tuple[str, str]]:
    """The merges of a BPE model: each way to put a piece together from two, the piece of the higher score first.

    Of equal scores, the longer parts are first; of those, the parts that have the lower ids.
    """
    ids = {piece.text: index for index, piece in enumerate(model.pieces)}
    found = [merge for text, score in dict(scores).items() for merge in _splits(text, score, ids)]
    found.sort(key=lambda merge: (merge[2], len(merge[0]), len(merge[1])), reverse=True)
    return [(left, right) for left, right, _ in found]


def _splits(text: str, score: float, ids: dict[str, int]) -> Iterator[tuple[str, str, float]]:
    halves = ((text[:place], text[place:]) for place in range(1, len(text)))
    known = [(left, right) for left, right in halves if left in ids and right in ids]
    known.sort(key=lambda half: (ids[half[0]], ids[half[1]]))
    return ((left, right, score) for left, right in known)
