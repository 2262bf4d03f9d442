"""The tokenizer of DeBERTa-v2 and v3: sentencepiece, with the special tokens and the token types of BERT."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, ClassVar

from tokenizers import AddedToken, Regex, normalizers, pre_tokenizers

from pellucid.tokenizers.backend import Backend
from pellucid.tokenizers.loading import TOKENIZER_FILE
from pellucid.tokenizers.sentencepiece import SentencePieceTokenizer, metaspace
from pellucid.tokenizers.sequences import SingleSeparator
from pellucid.tokenizers.templates import put_fixed_template


class DebertaV2TokenizerFast(SingleSeparator, SentencePieceTokenizer):
    """The tokenizer of DeBERTa-v2 and v3: the most probable way to split into pieces.

    Args:
        vocab_file: the path of a spm.model; this, `tokenizer_file`, or `tokenizer_object` is needed.
        tokenizer_file: the path of a tokenizer.json; the next two then have no effect.
        do_lower_case: write everything small.
        split_by_punct: make each punctuation mark a word.
        bos_token: the token before the texts, where a model generates.
        eos_token: the token after the texts, where a model generates.
        unk_token: for characters that no piece has.
        sep_token: put after each text.
        pad_token: for padding.
        cls_token: put before the texts.
        mask_token: for masked words.
        **kwargs: as for `PreTrainedTokenizerFast`.

    Raises:
        TokenizerNotFoundError: no vocabulary is given, or there is no such file.
        TokenizerError: the vocabulary is damaged.

    Source: He et al., 2021; `DebertaV2TokenizerFast` of `transformers` 4.57.
    """

    vocab_files_names: ClassVar[dict[str, str]] = {"vocab_file": "spm.model", "tokenizer_file": TOKENIZER_FILE}

    def __init__(
        self,
        vocab_file: Any = None,
        tokenizer_file: Any = None,
        do_lower_case: bool = False,
        split_by_punct: bool = False,
        bos_token: Any = "[CLS]",
        eos_token: Any = "[SEP]",
        unk_token: Any = "[UNK]",
        sep_token: Any = "[SEP]",
        pad_token: Any = "[PAD]",
        cls_token: Any = "[CLS]",
        mask_token: Any = "[MASK]",
        **kwargs: Any,
    ) -> None:
        super().__init__(
            vocab_file,
            tokenizer_file=tokenizer_file,
            do_lower_case=do_lower_case,
            bos_token=bos_token,
            eos_token=eos_token,
            unk_token=unk_token,
            sep_token=sep_token,
            pad_token=pad_token,
            cls_token=cls_token,
            mask_token=mask_token,
            split_by_punct=split_by_punct,
            **kwargs,
        )
        self.do_lower_case = do_lower_case
        self.split_by_punct = split_by_punct
        self.vocab_file = vocab_file
        if self._is_converted:
            put_fixed_template(self._backend, ("[CLS]", cls_token), ("[SEP]", sep_token))

    def _backend_from_vocabulary(self, args: Sequence[Any], kwargs: dict[str, Any]) -> Backend:
        if isinstance(kwargs["unk_token"], str):
            kwargs["unk_token"] = AddedToken(kwargs["unk_token"], normalized=True, special=True)
        return super()._backend_from_vocabulary(args, kwargs)

    def _normalizers(self, character_map: list[Any], arguments: dict[str, Any]) -> list[Any]:
        steps = [normalizers.Lowercase()] if arguments["do_lower_case"] else []
        return [*steps, normalizers.Strip(), *character_map, normalizers.Replace(Regex(" {2,}"), " ")]

    def _pre_tokenizer(self, arguments: dict[str, Any]) -> Any:
        steps = [pre_tokenizers.Punctuation(behavior="isolated")] if arguments["split_by_punct"] else []
        return pre_tokenizers.Sequence([*steps, metaspace()])


class DebertaV2Tokenizer(DebertaV2TokenizerFast):
    """DeBERTa-v2's tokenizer under the name of the Python one of `transformers`; it is the fast one all the same."""
