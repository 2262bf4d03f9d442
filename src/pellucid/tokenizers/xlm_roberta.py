"""The tokenizers of XLM-RoBERTa and CamemBERT: sentencepiece, with the special tokens at the ids of fairseq."""

from __future__ import annotations

from typing import Any, ClassVar

from tokenizers import AddedToken

from pellucid.tokenizers.loading import TOKENIZER_FILE
from pellucid.tokenizers.sentencepiece import Scores, SentencePieceTokenizer
from pellucid.tokenizers.sentencepiece_model import SentencePieceModel
from pellucid.tokenizers.sequences import DoubleSeparator
from pellucid.tokenizers.templates import put_fixed_template

# Fairseq's vocabularies begin with these, whatever sentencepiece numbered first.
_FIRST_TOKENS = ("<s>", "<pad>", "</s>", "<unk>")


class FairseqTokenizer(DoubleSeparator, SentencePieceTokenizer):
    """What the two share: the files, and what fairseq put before sentencepiece's own numbers."""

    vocab_files_names: ClassVar[dict[str, str]] = {
        "vocab_file": "sentencepiece.bpe.model",
        "tokenizer_file": TOKENIZER_FILE,
    }
    model_input_names: list[str] = ["input_ids", "attention_mask"]

    def _put_own_template(self, cls_token: Any, sep_token: Any) -> None:
        if self._is_converted:
            put_fixed_template(self._backend, ("<s>", cls_token), ("</s>", sep_token), separators=2, second_type=0)

    def _unknown_id(self, model: SentencePieceModel) -> int:
        return _FIRST_TOKENS.index("<unk>")


class XLMRobertaTokenizerFast(FairseqTokenizer):
    """XLM-RoBERTa's tokenizer: pieces of a hundred languages, the most probable way to split.

    Args:
        vocab_file: the path of a sentencepiece.bpe.model; this, `tokenizer_file`, or `tokenizer_object` is needed.
        tokenizer_file: the path of a tokenizer.json.
        bos_token: the token before the texts, where a model generates.
        eos_token: the token after the texts, where a model generates.
        sep_token: put after each text, and twice between the texts of a pair.
        cls_token: put before the texts.
        unk_token: for characters that no piece has.
        pad_token: for padding.
        mask_token: for masked words; it takes the blank before it along.
        **kwargs: as for `PreTrainedTokenizerFast`.

    Raises:
        TokenizerNotFoundError: no vocabulary is given, or there is no such file.
        TokenizerError: the vocabulary is damaged.

    Source: Conneau et al., 2019; `XLMRobertaTokenizerFast` of `transformers` 4.57.
    """

    _old_special_tokens: ClassVar[dict[str, tuple[str, dict[str, bool]]]] = {
        "mask_token": ("<mask>", {"lstrip": True, "special": True}),
    }

    def __init__(
        self,
        vocab_file: Any = None,
        tokenizer_file: Any = None,
        bos_token: Any = "<s>",
        eos_token: Any = "</s>",
        sep_token: Any = "</s>",
        cls_token: Any = "<s>",
        unk_token: Any = "<unk>",
        pad_token: Any = "<pad>",
        mask_token: Any = "<mask>",
        **kwargs: Any,
    ) -> None:
        if isinstance(mask_token, str):
            mask_token = AddedToken(mask_token, lstrip=True, rstrip=False)
        super().__init__(
            vocab_file,
            tokenizer_file=tokenizer_file,
            bos_token=bos_token,
            eos_token=eos_token,
            sep_token=sep_token,
            cls_token=cls_token,
            unk_token=unk_token,
            pad_token=pad_token,
            mask_token=mask_token,
            **kwargs,
        )
        self.vocab_file = vocab_file
        self._put_own_template(cls_token, sep_token)

    def _scores(self, model: SentencePieceModel) -> Scores:
        # Sentencepiece's own first three are <unk>, <s> and </s>.
        return [
            *((token, 0.0) for token in _FIRST_TOKENS),
            *((piece.text, piece.score) for piece in model.pieces[3:]),
            ("<mask>", 0.0),
        ]


class XLMRobertaTokenizer(XLMRobertaTokenizerFast):
    """XLM-RoBERTa's tokenizer under the name of the Python one of `transformers`; it is the fast one all the same."""


class CamembertTokenizerFast(FairseqTokenizer):
    """CamemBERT's tokenizer: pieces of French, the most probable way to split.

    Args:
        vocab_file: the path of a sentencepiece.bpe.model; this, `tokenizer_file`, or `tokenizer_object` is needed.
        tokenizer_file: the path of a tokenizer.json.
        bos_token: the token before the texts, where a model generates.
        eos_token: the token after the texts, where a model generates.
        sep_token: put after each text, and twice between the texts of a pair.
        cls_token: put before the texts.
        unk_token: for characters that no piece has.
        pad_token: for padding.
        mask_token: for masked words; it takes the blank before it along.
        additional_special_tokens: left out, the tokens that stand at ids of fairseq which are not used.
        **kwargs: as for `PreTrainedTokenizerFast`.

    Raises:
        TokenizerNotFoundError: no vocabulary is given, or there is no such file.
        TokenizerError: the vocabulary is damaged.

    Source: Martin et al., 2019; `CamembertTokenizerFast` of `transformers` 4.57.
    """

    def __init__(
        self,
        vocab_file: Any = None,
        tokenizer_file: Any = None,
        bos_token: Any = "<s>",
        eos_token: Any = "</s>",
        sep_token: Any = "</s>",
        cls_token: Any = "<s>",
        unk_token: Any = "<unk>",
        pad_token: Any = "<pad>",
        mask_token: Any = "<mask>",
        additional_special_tokens: Any = ("<s>NOTUSED", "</s>NOTUSED", "<unk>NOTUSED"),
        **kwargs: Any,
    ) -> None:
        if isinstance(mask_token, str):
            mask_token = AddedToken(mask_token, lstrip=True, special=True)
        if isinstance(additional_special_tokens, tuple):
            additional_special_tokens = list(additional_special_tokens)
        super().__init__(
            vocab_file,
            tokenizer_file=tokenizer_file,
            bos_token=bos_token,
            eos_token=eos_token,
            sep_token=sep_token,
            cls_token=cls_token,
            unk_token=unk_token,
            pad_token=pad_token,
            mask_token=mask_token,
            additional_special_tokens=additional_special_tokens,
            **kwargs,
        )
        self.vocab_file = vocab_file
        self._put_own_template(cls_token, sep_token)

    def _scores(self, model: SentencePieceModel) -> Scores:
        # The model has <s> and </s> of its own further on, and an <unk> that must not be chosen.
        return [
            ("<s>NOTUSED", 0.0),
            ("<pad>", 0.0),
            ("</s>NOTUSED", 0.0),
            ("<unk>", 0.0),
            ("<unk>NOTUSED", -100.0),
            *((piece.text, piece.score) for piece in model.pieces[1:]),
            ("<mask>", 0.0),
        ]


class CamembertTokenizer(CamembertTokenizerFast):
    """CamemBERT's tokenizer under the name of the Python one of `transformers`; it is the fast one all the same."""
