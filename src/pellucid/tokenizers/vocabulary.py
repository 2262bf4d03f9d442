"""Tokens and their ids, and the one thing about a tokenizer that can grow: the added tokens."""

from __future__ import annotations

import threading
from collections.abc import Iterable, Sequence
from typing import Any

from tokenizers import AddedToken, Tokenizer

from pellucid.errors import IdsOutOfRangeError, InputTypeError, VocabularyMismatchError
from pellucid.tokenizers.backend import Backend
from pellucid.tokenizers.special_tokens import SpecialTokens, Token

LISTED = 5
"""The most tokens that an error message names."""


class Vocabulary(SpecialTokens):
    """The vocabulary of a tokenizer.

    The backend is replaced as a whole when tokens are added: a call that is under way goes on with the one it began
    with.
    """

    _backend: Backend
    _splitting_backend: tuple[Backend, Backend] | None
    _growth: threading.Lock

    @property
    def backend_tokenizer(self) -> Tokenizer:
        """The Rust tokenizer. It is shared by all calls: read it, and do not set truncation or padding on it."""
        return self._backend.handed_out()

    @property
    def _tokenizer(self) -> Tokenizer:
        # Published code reaches for this name.
        return self._backend.handed_out()

    @property
    def continuing_subword_prefix(self) -> str | None:
        """What stands before a piece that goes on with a word, such as "##"; None where the model has no such sign."""
        return getattr(self._backend.tokenizer.model, "continuing_subword_prefix", None)

    @property
    def is_fast(self) -> bool:
        """True: the splitting is done by the Rust library."""
        return True

    @property
    def decoder(self) -> Any:
        """The Rust library's decoder."""
        return self._backend.tokenizer.decoder

    @property
    def vocab_size(self) -> int:
        """Tokens of the vocabulary, added tokens not counted."""
        return int(self._backend.tokenizer.get_vocab_size(with_added_tokens=False))

    def __len__(self) -> int:
        """Tokens of the vocabulary, added tokens counted."""
        return int(self._backend.tokenizer.get_vocab_size(with_added_tokens=True))

    def __bool__(self) -> bool:
        return True

    @property
    def highest_id(self) -> int:
        """The highest id that a token has, added tokens counted; -1 where there is no token. Ids may have gaps."""
        backend = self._backend.tokenizer
        if type(backend.model).__name__ == "Unigram":
            # A list of pieces, which has no gaps; of a hundred languages it would take long to look at each.
            ids: Iterable[int] = [self.vocab_size - 1]
        else:
            ids = backend.get_vocab(with_added_tokens=False).values()
        return max([*ids, *self.added_tokens_decoder], default=-1)

    def check_fits(self, rows: int, model: str) -> None:
        """Refuse a model that has no embeddings for some of the tokens; one that has more is taken.

        Args:
            rows: how many rows the model's table of tokens has: `vocab_size` of its config.
            model: its name, for the message.

        Raises:
            VocabularyMismatchError: the message has both numbers, and the tokens that have no row.
        """
        highest = self.highest_id
        if highest < rows:
            return
        beyond = sorted((index, token) for token, index in self.get_vocab().items() if index >= rows)
        named = ", ".join(f"{token!r} {index}" for index, token in beyond[:LISTED])
        more = f" and {len(beyond) - LISTED} more" if len(beyond) > LISTED else ""
        raise VocabularyMismatchError(
            f"The tokenizer of {self.name_or_path!r} and the model {model!r} do not belong together: the tokenizer's "
            f"ids go up to {highest}, and the model has embeddings for 0 to {rows - 1} (`vocab_size` {rows}). Tokens "
            f"beyond: {named}{more}. Use the tokenizer that the model was trained with, or take these tokens out of "
            "its files.",
            highest_id=highest,
            vocab_size=rows,
            tokens=[token for _, token in beyond],
        )

    def get_vocab(self) -> dict[str, int]:
        """All tokens and their ids, added tokens too."""
        vocabulary: dict[str, int] = self._backend.tokenizer.get_vocab(with_added_tokens=True)
        return vocabulary

    @property
    def vocab(self) -> dict[str, int]:
        """All tokens and their ids, added tokens too."""
        return self.get_vocab()

    @property
    def added_tokens_decoder(self) -> dict[int, AddedToken]:
        """The added tokens by id, with their rules of matching."""
        tokens: dict[int, AddedToken] = self._backend.tokenizer.get_added_tokens_decoder()
        return tokens

    @property
    def added_tokens_encoder(self) -> dict[str, int]:
        """The ids of the added tokens, in the order of the ids."""
        return {str(token.content): index for index, token in sorted(self.added_tokens_decoder.items())}

    def get_added_vocab(self) -> dict[str, int]:
        """The ids of the added tokens, in the order of the ids."""
        return self.added_tokens_encoder

    def convert_tokens_to_ids(self, tokens: str | Iterable[str]) -> Any:
        """Look up ids.

        Args:
            tokens: a token, or several.

        Returns:
            An int, or a list of them. A token that is not in the vocabulary gets the id of the unknown token, or None
            where the tokenizer has no such token.
        """
        if isinstance(tokens, str):
            return self._token_id(tokens)
        return [self._token_id(token) for token in tokens]

    def convert_ids_to_tokens(self, ids: Any, skip_special_tokens: bool = False) -> Any:
        """Look up tokens.

        Args:
            ids: an id, or several as a list or an array.
            skip_special_tokens: leave special tokens out (of several).

        Returns:
            A token, or a list of them; None for an id that no token has.

        Raises:
            IdsOutOfRangeError: a negative id.
            InputTypeError: something that is no id.
        """
        ids = plain_ids(ids)
        backend = self._backend.tokenizer
        if isinstance(ids, int):
            return backend.id_to_token(ids)
        skipped = set(self.all_special_ids) if skip_special_tokens else set()
        return [backend.id_to_token(index) for index in ids if index not in skipped]

    def num_special_tokens_to_add(self, pair: bool = False) -> int:
        """How many special tokens are put around a text, or around a pair."""
        return int(self._backend.tokenizer.num_special_tokens_to_add(pair))

    def add_tokens(self, new_tokens: Token | Sequence[Token], special_tokens: bool = False) -> int:
        """Add tokens, which are then never split; those already there are not added again.

        The model's embedding then needs `len(tokenizer)` rows. Calls under way in other threads finish with the old
        vocabulary.

        Args:
            new_tokens: tokens as texts, or as `AddedToken` with rules of matching.
            special_tokens: whether decoding may skip them, and the normalizer leaves them as they are.

        Returns:
            How many were added, those counted that the vocabulary had as pieces and that are now matched whole.

        Raises:
            InputTypeError: something that is no token.
        """
        if not new_tokens:
            return 0
        tokens = list(new_tokens) if isinstance(new_tokens, (list, tuple)) else [new_tokens]
        for index, token in enumerate(tokens):
            if not isinstance(token, (str, AddedToken)):
                raise InputTypeError(
                    f"Token {index} is of type {type(token).__name__}; expected a string or an AddedToken.",
                    index=index,
                )
        with self._growth:
            self._backend, count = self._backend.with_tokens(tokens, special_tokens)
        return count

    def _backend_for(self, split_special_tokens: bool) -> Backend:
        backend = self._backend
        if bool(backend.tokenizer.encode_special_tokens) == split_special_tokens:
            return backend
        # Kept together with the backend it was made from, so that added tokens bring forth a new one.
        cached = self._splitting_backend
        if cached is None or cached[0] is not backend:
            twin = backend.splitting_special_tokens() if split_special_tokens else backend.copy()
            twin.tokenizer.encode_special_tokens = split_special_tokens
            cached = (backend, twin)
            self._splitting_backend = cached
        return cached[1]

    def _token_id(self, token: str) -> int | None:
        if not isinstance(token, str):
            raise InputTypeError(f"A token is a string; got {type(token).__name__}.", type=type(token).__name__)
        index = self._backend.tokenizer.token_to_id(token)
        if index is not None:
            return int(index)
        unknown = self._special_tokens_map["unk_token"]
        if unknown is None:
            return None
        unknown_id = self._backend.tokenizer.token_to_id(str(unknown))
        return None if unknown_id is None else int(unknown_id)


def plain_ids(ids: Any) -> Any:
    """An id or ids of any kind (int, list, array of any library) as an int or a list of ints.

    Raises:
        IdsOutOfRangeError: a negative id.
        InputTypeError: something that is no id, or rows of ids.
    """
    if hasattr(ids, "numpy") and not hasattr(ids, "tolist"):
        ids = ids.numpy()
    if hasattr(ids, "tolist"):
        ids = ids.tolist()
    if isinstance(ids, int):
        return _plain_id(ids, None)
    try:
        items = list(ids)
    except TypeError as error:
        raise InputTypeError(f"Ids are whole numbers; got {type(ids).__name__}.", type=type(ids).__name__) from error
    return [_plain_id(value, place) for place, value in enumerate(items)]


def _plain_id(value: Any, place: int | None) -> int:
    where = "" if place is None else f" at {place}"
    if isinstance(value, (list, tuple)):
        raise InputTypeError(f"A row of ids{where} where one id was expected. For several rows use batch_decode().")
    try:
        number = value.__index__()
    except (AttributeError, TypeError) as error:
        raise InputTypeError(
            f"Ids are whole numbers; got {type(value).__name__}{where}.",
            type=type(value).__name__,
            index=place,
        ) from error
    if not 0 <= number < 2**32:
        raise IdsOutOfRangeError(f"The id {number}{where} is no id: ids count from 0.", id=number, index=place)
    return int(number)
