"""The tokenizer of DeBERTa: byte-level BPE, from tokenizer.json or from vocab.json and merges.txt."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, ClassVar

from tokenizers import AddedToken

from pellucid.tokenizers.backend import Backend
from pellucid.tokenizers.byte_level import TEXT_TOKENS, ByteLevelTokenizer
from pellucid.tokenizers.loading import TOKENIZER_FILE
from pellucid.tokenizers.sequences import SingleSeparator
from pellucid.tokenizers.templates import put_fixed_template


class DebertaTokenizerFast(SingleSeparator, ByteLevelTokenizer):
    """DeBERTa's tokenizer: GPT-2's way of splitting, with the special tokens and the token types of BERT.

    Args:
        vocab_file: the path of a vocab.json; this and `merges_file`, `tokenizer_file`, or `tokenizer_object` is needed.
        merges_file: the path of a merges.txt.
        tokenizer_file: the path of a tokenizer.json.
        errors: kept for the sake of `transformers`; the Rust library replaces bytes that are no text.
        bos_token: the token before the texts, where a model generates.
        eos_token: the token after the texts, where a model generates.
        sep_token: put after each text.
        cls_token: put before the texts.
        unk_token: for what has no token; bytes always have one.
        pad_token: for padding.
        mask_token: for masked words; from the old files, it takes the blank before it along.
        add_prefix_space: put a blank before each text, so that its first word is like any other.
        **kwargs: as for `PreTrainedTokenizerFast`.

    Raises:
        TokenizerNotFoundError: no vocabulary is given, or there is no such file.
        TokenizerError: the vocabulary is damaged.

    Source: He et al., 2020; `DebertaTokenizerFast` of `transformers` 4.57.
    """

    vocab_files_names: ClassVar[dict[str, str]] = {
        "vocab_file": "vocab.json",
        "merges_file": "merges.txt",
        "tokenizer_file": TOKENIZER_FILE,
    }
    model_input_names: list[str] = ["input_ids", "attention_mask", "token_type_ids"]

    def __init__(
        self,
        vocab_file: Any = None,
        merges_file: Any = None,
        tokenizer_file: Any = None,
        errors: str = "replace",
        bos_token: Any = "[CLS]",
        eos_token: Any = "[SEP]",
        sep_token: Any = "[SEP]",
        cls_token: Any = "[CLS]",
        unk_token: Any = "[UNK]",
        pad_token: Any = "[PAD]",
        mask_token: Any = "[MASK]",
        add_prefix_space: bool = False,
        **kwargs: Any,
    ) -> None:
        super().__init__(
            vocab_file,
            merges_file,
            tokenizer_file=tokenizer_file,
            errors=errors,
            bos_token=bos_token,
            eos_token=eos_token,
            unk_token=unk_token,
            sep_token=sep_token,
            cls_token=cls_token,
            pad_token=pad_token,
            mask_token=mask_token,
            add_prefix_space=add_prefix_space,
            **kwargs,
        )
        self.add_bos_token = kwargs.get("add_bos_token", False)
        if self._is_converted:
            put_fixed_template(self._backend, ("[CLS]", cls_token), ("[SEP]", sep_token))

    def _backend_from_vocabulary(self, args: Sequence[Any], kwargs: dict[str, Any]) -> Backend:
        for name in TEXT_TOKENS:
            if isinstance(kwargs[name], str):
                kwargs[name] = AddedToken(kwargs[name], special=True)
        if isinstance(kwargs["mask_token"], str):
            kwargs["mask_token"] = AddedToken(kwargs["mask_token"], lstrip=True, rstrip=False)
        kwargs.setdefault("add_bos_token", False)
        return super()._backend_from_vocabulary(args, kwargs)


class DebertaTokenizer(DebertaTokenizerFast):
    """DeBERTa's tokenizer under the name of the Python one of `transformers`; it is the fast one all the same."""
