"""The tokenizer of RoBERTa: byte-level BPE, from tokenizer.json or from vocab.json and merges.txt."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, ClassVar

from tokenizers import AddedToken

from pellucid.tokenizers.backend import Backend
from pellucid.tokenizers.byte_level import TEXT_TOKENS, ByteLevelTokenizer
from pellucid.tokenizers.loading import TOKENIZER_FILE
from pellucid.tokenizers.sequences import DoubleSeparator
from pellucid.tokenizers.templates import apply_options, put_roberta_template


class RobertaTokenizerFast(DoubleSeparator, ByteLevelTokenizer):
    """RoBERTa's tokenizer: words keep the blank before them, and are spelled in bytes where the vocabulary ends.

    Args:
        vocab_file: the path of a vocab.json; this and `merges_file`, `tokenizer_file`, or `tokenizer_object` is needed.
        merges_file: the path of a merges.txt.
        tokenizer_file: the path of a tokenizer.json.
        errors: kept for the sake of `transformers`; the Rust library replaces bytes that are no text.
        bos_token: the token before the texts, where a model generates.
        eos_token: the token after the texts, where a model generates.
        sep_token: put after each text, and twice between the texts of a pair.
        cls_token: put before the texts.
        unk_token: for what has no token; bytes always have one.
        pad_token: for padding.
        mask_token: for masked words; it takes the blank before it along.
        add_prefix_space: put a blank before each text, so that its first word is like any other.
        trim_offsets: leave the blank that belongs to a token out of its offsets.
        **kwargs: as for `PreTrainedTokenizerFast`.

    Raises:
        TokenizerNotFoundError: no vocabulary is given, or there is no such file.
        TokenizerError: the vocabulary is damaged.

    Source: Liu et al., 2019; `RobertaTokenizerFast` of `transformers` 4.57.
    """

    vocab_files_names: ClassVar[dict[str, str]] = {
        "vocab_file": "vocab.json",
        "merges_file": "merges.txt",
        "tokenizer_file": TOKENIZER_FILE,
    }
    model_input_names: list[str] = ["input_ids", "attention_mask"]

    def __init__(
        self,
        vocab_file: Any = None,
        merges_file: Any = None,
        tokenizer_file: Any = None,
        errors: str = "replace",
        bos_token: Any = "<s>",
        eos_token: Any = "</s>",
        sep_token: Any = "</s>",
        cls_token: Any = "<s>",
        unk_token: Any = "<unk>",
        pad_token: Any = "<pad>",
        mask_token: Any = "<mask>",
        add_prefix_space: bool = False,
        trim_offsets: bool = True,
        **kwargs: Any,
    ) -> None:
        if isinstance(mask_token, str):
            mask_token = AddedToken(mask_token, lstrip=True, rstrip=False, normalized=False)
        super().__init__(
            vocab_file,
            merges_file,
            tokenizer_file=tokenizer_file,
            errors=errors,
            bos_token=bos_token,
            eos_token=eos_token,
            sep_token=sep_token,
            cls_token=cls_token,
            unk_token=unk_token,
            pad_token=pad_token,
            mask_token=mask_token,
            add_prefix_space=add_prefix_space,
            trim_offsets=trim_offsets,
            **kwargs,
        )
        if self._is_converted:
            put_roberta_template(
                self._backend,
                str(cls_token),
                str(sep_token),
                add_prefix_space=bool(add_prefix_space),
                trim_offsets=bool(trim_offsets),
            )
        else:
            apply_options(
                self._backend,
                "post_processor",
                add_prefix_space=add_prefix_space,
                trim_offsets=trim_offsets,
            )

    def _backend_from_vocabulary(self, args: Sequence[Any], kwargs: dict[str, Any]) -> Backend:
        for name in TEXT_TOKENS:
            if isinstance(kwargs[name], str):
                kwargs[name] = AddedToken(kwargs[name], lstrip=False, rstrip=False)
        return super()._backend_from_vocabulary(args, kwargs)


class RobertaTokenizer(RobertaTokenizerFast):
    """RoBERTa's tokenizer under the name of the Python one of `transformers`; it is the fast one all the same."""
