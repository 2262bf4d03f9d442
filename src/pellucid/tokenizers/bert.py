"""The tokenizers of BERT and DistilBERT: WordPiece, from tokenizer.json or from vocab.txt."""

from __future__ import annotations

from collections.abc import Sequence
from copy import deepcopy
from typing import Any, ClassVar

from tokenizers import normalizers

from pellucid.errors import TokenizerError, TokenizerNotFoundError
from pellucid.tokenizers.backend import Backend, guarded
from pellucid.tokenizers.base import PreTrainedTokenizerFast
from pellucid.tokenizers.loading import TOKENIZER_FILE
from pellucid.tokenizers.wordpiece import put_template, read_vocabulary, wordpiece_backend, write_vocabulary

_TEMPLATE_TOKENS = ("unk_token", "cls_token", "sep_token", "pad_token", "mask_token")


class BertTokenizerFast(PreTrainedTokenizerFast):
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
        if tokenizer_file is None and not kwargs.keys() & {"tokenizer_object", "loaded_backend"}:
            put_template(self._backend, str(cls_token), str(sep_token))
        self._apply_options(
            lowercase=do_lower_case,
            strip_accents=strip_accents,
            handle_chinese_chars=tokenize_chinese_chars,
        )

    def _backend_from_vocabulary(self, args: Sequence[Any], kwargs: dict[str, Any]) -> Backend:
        path = args[0] if args else None
        if path is None:
            raise TokenizerNotFoundError(
                f"{type(self).__name__} needs a vocabulary: give vocab_file= (the path of a vocab.txt) or "
                "tokenizer_file= (of a tokenizer.json), or call from_pretrained().",
                names=list(self.vocab_files_names.values()),
            )
        kwargs.setdefault("do_basic_tokenize", True)
        kwargs.setdefault("never_split", None)
        kwargs.setdefault("clean_up_tokenization_spaces", True)
        # An AddedToken that does not say whether it is normalized settles that in being copied; as `transformers` does
        # on this way, so before it is made special.
        kwargs.update({name: deepcopy(kwargs[name]) for name in _TEMPLATE_TOKENS})
        return wordpiece_backend(
            read_vocabulary(path),
            path=path,
            do_lower_case=kwargs["do_lower_case"],
            strip_accents=kwargs["strip_accents"],
            tokenize_chinese_chars=kwargs["tokenize_chinese_chars"],
            unk_token=str(kwargs["unk_token"]),
        )

    def _vocabulary_files(self) -> dict[str, bytes]:
        return {"vocab.txt": write_vocabulary(self.backend_tokenizer.get_vocab(with_added_tokens=False))}

    def _follows_from_vocabulary(self) -> bool:
        """Whether this tokenizer is what its vocabulary and options are converted to."""
        converted = self._backend.copy()
        model = wordpiece_backend(
            self.backend_tokenizer.get_vocab(with_added_tokens=False),
            path="of this tokenizer",
            do_lower_case=self.do_lower_case,
            strip_accents=self.init_kwargs["strip_accents"],
            tokenize_chinese_chars=self.init_kwargs["tokenize_chinese_chars"],
            unk_token=str(self._special_tokens_map["unk_token"]),
        )
        put_template(converted, str(self._special_tokens_map["cls_token"]), str(self._special_tokens_map["sep_token"]))
        parts = ("normalizer", "pre_tokenizer", "decoder", "model")
        return self._backend.component("post_processor") == converted.component("post_processor") and all(
            self._backend.component(part) == model.component(part) for part in parts
        )

    def _apply_options(self, **options: bool | None) -> None:
        """Make the normalizer of a tokenizer.json obey the options, where it knows them."""
        state = self._backend.component("normalizer")
        if all(state.get(name, value) == value for name, value in options.items()):
            return
        kind = getattr(normalizers, state.pop("type"))
        self._backend.tokenizer.normalizer = guarded(
            lambda: kind(**{**state, **options}), "The normalizer does not take do_lower_case and its like"
        )

    def build_inputs_with_special_tokens(
        self, token_ids_0: Sequence[int], token_ids_1: Sequence[int] | None = None
    ) -> list[int]:
        """Put the special tokens around ids: [CLS] A [SEP], or [CLS] A [SEP] B [SEP]."""
        row = [self.cls_token_id, *token_ids_0, self.sep_token_id]
        return row if token_ids_1 is None else [*row, *token_ids_1, self.sep_token_id]


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
