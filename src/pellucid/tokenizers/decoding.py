"""Ids to text."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any

from pellucid.tokenizers.backend import guarded
from pellucid.tokenizers.vocabulary import Vocabulary, plain_ids

# What English tokenizers leave behind, in the order in which `transformers` 4.57 removes it.
_ARTIFACTS = (
    (" .", "."),
    (" ?", "?"),
    (" !", "!"),
    (" ,", ","),
    (" ' ", "'"),
    (" n't", "n't"),
    (" 'm", "'m"),
    (" 's", "'s"),
    (" 've", "'ve"),
    (" 're", "'re"),
)


class Decoding(Vocabulary):
    """The ways back from ids to text."""

    clean_up_tokenization_spaces: bool

    def decode(
        self,
        token_ids: Any,
        skip_special_tokens: bool = False,
        clean_up_tokenization_spaces: bool | None = None,
        **kwargs: Any,
    ) -> str:
        """Make text of ids.

        Args:
            token_ids: an id, or a row of ids as a list or an array. Ids that no token has are left out.
            skip_special_tokens: leave special tokens out.
            clean_up_tokenization_spaces: remove the blanks before punctuation; left out, as the checkpoint says.
            **kwargs: taken for the sake of callers that pass `use_source_tokenizer`; without effect.

        Raises:
            IdsOutOfRangeError: a negative id.
            InputTypeError: something that is no row of ids.
        """
        ids = plain_ids(token_ids)
        row = [ids] if isinstance(ids, int) else ids
        backend = self._backend.tokenizer
        text: str = guarded(
            lambda: backend.decode(row, skip_special_tokens=skip_special_tokens), "The ids cannot be decoded"
        )
        clean = self.clean_up_tokenization_spaces
        if clean_up_tokenization_spaces is not None:
            clean = clean_up_tokenization_spaces
        return self.clean_up_tokenization(text) if clean else text

    def batch_decode(
        self,
        sequences: Iterable[Any],
        skip_special_tokens: bool = False,
        clean_up_tokenization_spaces: bool | None = None,
        **kwargs: Any,
    ) -> list[str]:
        """Make text of each row of ids; arguments as in `decode`."""
        return [self.decode(row, skip_special_tokens, clean_up_tokenization_spaces, **kwargs) for row in sequences]

    def convert_tokens_to_string(self, tokens: Sequence[str]) -> str:
        """Join tokens to text."""
        decoder = self.decoder
        if decoder is None:
            return " ".join(tokens)
        return str(guarded(lambda: decoder.decode(list(tokens)), "The tokens cannot be joined"))

    @staticmethod
    def clean_up_tokenization(out_string: str) -> str:
        """Remove the blanks that tokenizing English leaves before punctuation and contractions."""
        for artifact, clean in _ARTIFACTS:
            out_string = out_string.replace(artifact, clean)
        return out_string
