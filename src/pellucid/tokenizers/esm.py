"""The tokenizer of ESM: proteins, one residue a token."""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Any, ClassVar

from tokenizers import Regex, Tokenizer, models, pre_tokenizers

from pellucid.errors import TokenizerError
from pellucid.tokenizers.backend import Backend, guarded
from pellucid.tokenizers.base import PreTrainedTokenizerFast
from pellucid.tokenizers.loading import TOKENIZER_FILE
from pellucid.tokenizers.templates import put_template
from pellucid.tokenizers.wordpiece import read_vocabulary

# ESM has 33 tokens; all of them become one regular expression.
_MOST_TOKENS = 4096


class EsmTokenizer(PreTrainedTokenizerFast):
    """ESM's tokenizer: each token of the vocabulary is found wherever it stands; anything else is unknown.

    In `transformers` there is only a Python one; this is done by the Rust library, so it has offsets.

    Args:
        vocab_file: the path of a vocab.txt; one of this, `tokenizer_file` and `tokenizer_object` is needed.
        tokenizer_file: the path of a tokenizer.json.
        unk_token: for what is no token; it must be in the vocabulary.
        cls_token: put before the proteins.
        pad_token: for padding.
        mask_token: for masked residues.
        eos_token: put after each protein.
        **kwargs: as for `PreTrainedTokenizerFast`.

    Raises:
        TokenizerNotFoundError: no vocabulary is given, or there is no such file.
        TokenizerError: the vocabulary is damaged.

    Source: Lin et al., 2022; `EsmTokenizer` of `transformers` 4.57.
    """

    vocab_files_names: ClassVar[dict[str, str]] = {"vocab_file": "vocab.txt", "tokenizer_file": TOKENIZER_FILE}
    model_input_names: list[str] = ["input_ids", "attention_mask"]

    def __init__(
        self,
        vocab_file: Any = None,
        tokenizer_file: Any = None,
        unk_token: Any = "<unk>",
        cls_token: Any = "<cls>",
        pad_token: Any = "<pad>",
        mask_token: Any = "<mask>",
        eos_token: Any = "<eos>",
        **kwargs: Any,
    ) -> None:
        super().__init__(
            vocab_file,
            tokenizer_file=tokenizer_file,
            unk_token=unk_token,
            cls_token=cls_token,
            pad_token=pad_token,
            mask_token=mask_token,
            eos_token=eos_token,
            **kwargs,
        )
        if self._is_converted:
            put_template(self._backend, str(cls_token), str(eos_token), second_type=0)

    def _backend_from_vocabulary(self, args: Sequence[Any], kwargs: dict[str, Any]) -> Backend:
        (path,) = self._vocabulary_paths(args)
        vocabulary = {token.strip(): index for token, index in read_vocabulary(path).items()}
        unk_token = str(kwargs["unk_token"])
        if unk_token not in vocabulary:
            raise TokenizerError(
                f"The vocabulary {path} has no {unk_token!r}, the token for what is unknown. Give the one it uses as "
                "unk_token, or check that this is a vocabulary of ESM.",
                path=str(path),
                token=unk_token,
            )
        if len(vocabulary) > _MOST_TOKENS:
            raise TokenizerError(
                f"The vocabulary {path} has {len(vocabulary):,} tokens; one of residues has {_MOST_TOKENS:,} at most. "
                "Load it with the class that it is for.",
                path=str(path),
            )
        tokenizer = Tokenizer(models.WordLevel(vocabulary, unk_token=unk_token))
        longest_first = sorted(filter(None, vocabulary), key=len, reverse=True)
        tokenizer.pre_tokenizer = guarded(
            lambda: pre_tokenizers.Sequence(
                [
                    pre_tokenizers.Split(Regex("|".join(map(re.escape, longest_first))), behavior="isolated"),
                    pre_tokenizers.WhitespaceSplit(),
                ]
            ),
            f"The tokens of {path} cannot be searched for",
        )
        return Backend(tokenizer)

    def _vocabulary_files(self) -> dict[str, bytes]:
        vocabulary = self._backend.tokenizer.get_vocab(with_added_tokens=False)
        return {"vocab.txt": "\n".join(sorted(vocabulary, key=lambda token: int(vocabulary[token]))).encode()}

    def _writes_tokenizer_file(self) -> bool:
        return not self._is_converted

    def build_inputs_with_special_tokens(
        self, token_ids_0: Sequence[int], token_ids_1: Sequence[int] | None = None
    ) -> list[int]:
        """Put the special tokens around ids: <cls> A <eos>, or <cls> A <eos> B <eos>."""
        row = [self.cls_token_id, *token_ids_0, self.eos_token_id]
        return row if token_ids_1 is None else [*row, *token_ids_1, self.eos_token_id]
