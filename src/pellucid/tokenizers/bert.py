"""The tokenizers of BERT, and of models that split as it does: WordPiece, from tokenizer.json or from vocab.txt."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, ClassVar

from pellucid.errors import TokenizerError
from pellucid.tokenizers.backend import Backend
from pellucid.tokenizers.base import PreTrainedTokenizerFast
from pellucid.tokenizers.loading import TOKENIZER_FILE
from pellucid.tokenizers.sequences import SingleSeparator
from pellucid.tokenizers.templates import apply_options, put_template
from pellucid.tokenizers.wordpiece import read_vocabulary, wordpiece_backend, write_vocabulary


class BertTokenizerFast(SingleSeparator, PreTrainedTokenizerFast):
    """BERT's tokenizer: words split at blanks and punctuation, then into the longest pieces that the vocabulary has.

    Args:
        vocab_file: the path of a vocab.txt; one of this, `tokenizer_file` and `tokenizer_object` is needed.
        tokenizer_file: the path of a tokenizer.json.
        do_lower_case: write everything small.
        unk_token: the token for words that the vocabulary cannot spell.
        sep_token: put after each text.
        pad_token: for padding.
        cls_token: put before the texts.
        mask_token: for masked words.
        tokenize_chinese_chars: make each Chinese character a word.
        strip_accents: remove accents; None: if and only if `do_lower_case`.
        **kwargs: as for `PreTrainedTokenizerFast`.

    Raises:
        TokenizerNotFoundError: no vocabulary is given, or there is no such file.
        TokenizerError: the vocabulary is damaged.

    Source: Devlin et al., 2018; `BertTokenizerFast` of `transformers` 4.57.
    """

    vocab_files_names: ClassVar[dict[str, str]] = {
        "vocab_file": "vocab.txt",
        "tokenizer_file": TOKENIZER_FILE,
    }
    _separators = 1

    def __init__(
        self,
        vocab_file: Any = None,
        tokenizer_file: Any = None,
        do_lower_case: bool = True,
        unk_token: Any = "[UNK]",
        sep_token: Any = "[SEP]",
        pad_token: Any = "[PAD]",
        cls_token: Any = "[CLS]",
        mask_token: Any = "[MASK]",
        tokenize_chinese_chars: bool = True,
        strip_accents: bool | None = None,
        **kwargs: Any,
    ) -> None:
        super().__init__(
            vocab_file,
            tokenizer_file=tokenizer_file,
            do_lower_case=do_lower_case,
            unk_token=unk_token,
            sep_token=sep_token,
            pad_token=pad_token,
            cls_token=cls_token,
            mask_token=mask_token,
            tokenize_chinese_chars=tokenize_chinese_chars,
            strip_accents=strip_accents,
            **kwargs,
        )
        self.do_lower_case = do_lower_case
        if self._is_converted:
            put_template(self._backend, str(cls_token), str(sep_token), separators=self._separators)
        apply_options(
            self._backend,
            "normalizer",
            lowercase=do_lower_case,
            strip_accents=strip_accents,
            handle_chinese_chars=tokenize_chinese_chars,
        )

    def _backend_from_vocabulary(self, args: Sequence[Any], kwargs: dict[str, Any]) -> Backend:
        (path,) = self._vocabulary_paths(args)
        kwargs.setdefault("do_basic_tokenize", True)
        kwargs.setdefault("never_split", None)
        kwargs.setdefault("clean_up_tokenization_spaces", True)
        return wordpiece_backend(
            read_vocabulary(path),
            path=path,
            do_lower_case=kwargs["do_lower_case"],
            strip_accents=kwargs["strip_accents"],
            tokenize_chinese_chars=kwargs["tokenize_chinese_chars"],
            unk_token=str(kwargs["unk_token"]),
        )

    def _vocabulary_files(self) -> dict[str, bytes]:
        return {"vocab.txt": write_vocabulary(self._backend.tokenizer.get_vocab(with_added_tokens=False))}

    def _follows_from_vocabulary(self) -> bool:
        """Whether this tokenizer is what its vocabulary and options are converted to."""
        converted = self._backend.copy()
        model = wordpiece_backend(
            self._backend.tokenizer.get_vocab(with_added_tokens=False),
            path="of this tokenizer",
            do_lower_case=self.do_lower_case,
            strip_accents=self.init_kwargs["strip_accents"],
            tokenize_chinese_chars=self.init_kwargs["tokenize_chinese_chars"],
            unk_token=str(self._special_tokens_map["unk_token"]),
        )
        cls_token, sep_token = (str(self._special_tokens_map[role]) for role in ("cls_token", "sep_token"))
        put_template(converted, cls_token, sep_token, separators=self._separators)
        parts = ("normalizer", "pre_tokenizer", "decoder", "model")
        return self._backend.component("post_processor") == converted.component("post_processor") and all(
            self._backend.component(part) == model.component(part) for part in parts
        )


class BertTokenizer(BertTokenizerFast):
    """BERT's tokenizer under the name of the Python one of `transformers`; it is the fast one all the same.

    Args:
        *args: as for `BertTokenizerFast`.
        **kwargs: as for `BertTokenizerFast`; `clean_up_tokenization_spaces` is on unless said otherwise.
    """

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        kwargs.setdefault("do_basic_tokenize", True)
        kwargs.setdefault("never_split", None)
        kwargs.setdefault("clean_up_tokenization_spaces", True)
        super().__init__(*args, **kwargs)

    def _writes_tokenizer_file(self) -> bool:
        # Only where the vocabulary and the options would not give the same tokenizer again.
        try:
            return not self._follows_from_vocabulary()
        except TokenizerError:
            return True


class DistilBertTokenizerFast(BertTokenizerFast):
    """DistilBERT's tokenizer: BERT's, for a model without token types."""

    model_input_names: list[str] = ["input_ids", "attention_mask"]


class DistilBertTokenizer(BertTokenizer):
    """DistilBERT's tokenizer under the name of the Python one of `transformers`; it is the fast one all the same."""

    model_input_names: list[str] = ["input_ids", "attention_mask"]


class ElectraTokenizerFast(BertTokenizerFast):
    """ELECTRA's tokenizer: BERT's."""


class ElectraTokenizer(BertTokenizer):
    """ELECTRA's tokenizer under the name of the Python one of `transformers`; it is the fast one all the same."""


class MobileBertTokenizerFast(BertTokenizerFast):
    """MobileBERT's tokenizer: BERT's."""


class MobileBertTokenizer(BertTokenizer):
    """MobileBERT's tokenizer under the name of the Python one of `transformers`; it is the fast one all the same."""
