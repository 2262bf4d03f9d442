"""The tokenizer of MPNet: BERT's way of splitting, with the special tokens of RoBERTa."""

from __future__ import annotations

from typing import Any, ClassVar

from tokenizers import AddedToken

from pellucid.tokenizers.bert import BertTokenizer, BertTokenizerFast
from pellucid.tokenizers.sequences import DoubleSeparator

_USUAL = {
    "bos_token": "<s>",
    "eos_token": "</s>",
    "sep_token": "</s>",
    "cls_token": "<s>",
    "unk_token": "[UNK]",
    "pad_token": "<pad>",
}


class MPNetTokenizerFast(DoubleSeparator, BertTokenizerFast):
    """MPNet's tokenizer: words split at blanks and punctuation, then into the longest pieces of the vocabulary.

    Args:
        vocab_file: the path of a vocab.txt; one of this, `tokenizer_file` and `tokenizer_object` is needed.
        tokenizer_file: the path of a tokenizer.json.
        do_lower_case: write everything small.
        bos_token: the token before the texts, where a model generates.
        eos_token: the token after the texts, where a model generates.
        sep_token: put after each text, and twice between the texts of a pair.
        cls_token: put before the texts.
        unk_token: the token for words that the vocabulary cannot spell.
        pad_token: for padding.
        mask_token: for masked words; it takes the blank before it along.
        tokenize_chinese_chars: make each Chinese character a word.
        strip_accents: remove accents; None: if and only if `do_lower_case`.
        **kwargs: as for `PreTrainedTokenizerFast`.

    Raises:
        TokenizerNotFoundError: no vocabulary is given, or there is no such file.
        TokenizerError: the vocabulary is damaged.

    Source: Song et al., 2020; `MPNetTokenizerFast` of `transformers` 4.57.
    """

    _old_special_tokens: ClassVar[dict[str, tuple[str, dict[str, bool]]]] = {
        **{role: (text, {"special": True}) for role, text in _USUAL.items()},
        "mask_token": ("<mask>", {"lstrip": True, "special": True}),
    }
    model_input_names: list[str] = ["input_ids", "attention_mask"]
    _separators = 2

    def __init__(
        self,
        vocab_file: Any = None,
        tokenizer_file: Any = None,
        do_lower_case: bool = True,
        bos_token: Any = "<s>",
        eos_token: Any = "</s>",
        sep_token: Any = "</s>",
        cls_token: Any = "<s>",
        unk_token: Any = "[UNK]",
        pad_token: Any = "<pad>",
        mask_token: Any = "<mask>",
        tokenize_chinese_chars: bool = True,
        strip_accents: bool | None = None,
        **kwargs: Any,
    ) -> None:
        super().__init__(
            vocab_file,
            tokenizer_file=tokenizer_file,
            do_lower_case=do_lower_case,
            bos_token=_plain(bos_token),
            eos_token=_plain(eos_token),
            sep_token=_plain(sep_token),
            cls_token=_plain(cls_token),
            unk_token=_plain(unk_token),
            pad_token=_plain(pad_token),
            mask_token=AddedToken(mask_token, lstrip=True, rstrip=False) if isinstance(mask_token, str) else mask_token,
            tokenize_chinese_chars=tokenize_chinese_chars,
            strip_accents=strip_accents,
            **kwargs,
        )


class MPNetTokenizer(BertTokenizer, MPNetTokenizerFast):
    """MPNet's tokenizer under the name of the Python one of `transformers`; it is the fast one all the same."""


def _plain(token: Any) -> Any:
    return AddedToken(token, lstrip=False, rstrip=False) if isinstance(token, str) else token
