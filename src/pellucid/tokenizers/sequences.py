"""Special tokens around ids that were made elsewhere."""

from __future__ import annotations

from collections.abc import Sequence

from pellucid.errors import InputError
from pellucid.tokenizers.vocabulary import Vocabulary


class Sequences(Vocabulary):
    """What the model's template of special tokens means for rows of ids."""

    model_max_length: int

    @property
    def max_len_single_sentence(self) -> int:
        """Tokens of a text that the model takes beside the special ones."""
        return self.model_max_length - self.num_special_tokens_to_add(pair=False)

    @property
    def max_len_sentences_pair(self) -> int:
        """Tokens of a pair of texts that the model takes beside the special ones."""
        return self.model_max_length - self.num_special_tokens_to_add(pair=True)

    def build_inputs_with_special_tokens(
        self, token_ids_0: Sequence[int], token_ids_1: Sequence[int] | None = None
    ) -> list[int]:
        """Put the special tokens around ids; without a rule of the model's own, just join them."""
        return [*token_ids_0, *(token_ids_1 or [])]

    def create_token_type_ids_from_sequences(
        self, token_ids_0: Sequence[int], token_ids_1: Sequence[int] | None = None
    ) -> list[int]:
        """The token types of a row: 0 for the first text and its special tokens, 1 for the second."""
        before = int(self._special_tokens_map["cls_token"] is not None)
        after = int(self._special_tokens_map["sep_token"] is not None)
        first = [0] * (before + len(token_ids_0) + after)
        return first if token_ids_1 is None else first + [1] * (len(token_ids_1) + after)

    def get_special_tokens_mask(
        self,
        token_ids_0: Sequence[int],
        token_ids_1: Sequence[int] | None = None,
        already_has_special_tokens: bool = False,
    ) -> list[int]:
        """Mark the special tokens of a row.

        Args:
            token_ids_0: ids, with special tokens or without.
            token_ids_1: the ids of the second text, without special tokens.
            already_has_special_tokens: the special tokens are in `token_ids_0`; else those are marked that encoding
                would put around the ids.

        Returns:
            1 for special tokens, else 0.

        Raises:
            InputError: a second text beside a row that has its special tokens.
        """
        if already_has_special_tokens:
            if token_ids_1 is not None:
                raise InputError(
                    "A row that already has its special tokens is one list: give it as token_ids_0 alone, or set "
                    "already_has_special_tokens=False."
                )
            special = set(self.all_special_ids)
            return [int(index in special) for index in token_ids_0]
        prefix, middle, suffix = self._backend.layout(token_ids_1 is not None, add_special_tokens=True)
        first = [1] * prefix + [0] * len(token_ids_0)
        if token_ids_1 is None:
            return first + [1] * suffix
        return first + [1] * middle + [0] * len(token_ids_1) + [1] * suffix


class SingleSeparator(Sequences):
    """The template of BERT: [CLS] A [SEP], or [CLS] A [SEP] B [SEP] with B of type 1."""

    def build_inputs_with_special_tokens(
        self, token_ids_0: Sequence[int], token_ids_1: Sequence[int] | None = None
    ) -> list[int]:
        """Put the special tokens around ids: [CLS] A [SEP], or [CLS] A [SEP] B [SEP]."""
        row = [self.cls_token_id, *token_ids_0, self.sep_token_id]
        return row if token_ids_1 is None else [*row, *token_ids_1, self.sep_token_id]


class DoubleSeparator(Sequences):
    """The template of RoBERTa: <s> A </s>, or <s> A </s></s> B </s>, all of type 0."""

    def build_inputs_with_special_tokens(
        self, token_ids_0: Sequence[int], token_ids_1: Sequence[int] | None = None
    ) -> list[int]:
        """Put the special tokens around ids: <s> A </s>, or <s> A </s></s> B </s>."""
        row = [self.cls_token_id, *token_ids_0, self.sep_token_id]
        return row if token_ids_1 is None else [*row, self.sep_token_id, *token_ids_1, self.sep_token_id]

    def create_token_type_ids_from_sequences(
        self, token_ids_0: Sequence[int], token_ids_1: Sequence[int] | None = None
    ) -> list[int]:
        """The token types of a row: all 0, as the model knows none."""
        return [0] * len(self.build_inputs_with_special_tokens(token_ids_0, token_ids_1))
