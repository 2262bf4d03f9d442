"""The tokenizer of ALBERT: sentencepiece after accents and capitals are removed."""

from __future__ import annotations

from typing import Any, ClassVar

from tokenizers import AddedToken, Regex, normalizers

from pellucid.tokenizers.loading import TOKENIZER_FILE
from pellucid.tokenizers.sentencepiece import Scores, SentencePieceTokenizer
from pellucid.tokenizers.sentencepiece_model import SentencePieceModel
from pellucid.tokenizers.sequences import SingleSeparator
from pellucid.tokenizers.templates import put_fixed_template


class AlbertTokenizerFast(SingleSeparator, SentencePieceTokenizer):
    """ALBERT's tokenizer: the most probable way to split into pieces.

    Args:
        vocab_file: the path of a spiece.model; this, `tokenizer_file`, or `tokenizer_object` is needed.
        tokenizer_file: the path of a tokenizer.json; the next three then have no effect.
        do_lower_case: write everything small.
        remove_space: kept for the sake of `transformers`; blanks next to blanks are always one.
        keep_accents: do not remove accents.
        bos_token: the token before the texts, where a model generates.
        eos_token: the token after the texts, where a model generates.
        unk_token: for characters that no piece has.
        sep_token: put after each text.
        pad_token: for padding.
        cls_token: put before the texts.
        mask_token: for masked words; it takes the blank before it along.
        **kwargs: as for `PreTrainedTokenizerFast`.

    Raises:
        TokenizerNotFoundError: no vocabulary is given, or there is no such file.
        TokenizerError: the vocabulary is damaged.

    Source: Lan et al., 2019; `AlbertTokenizerFast` of `transformers` 4.57.
    """

    vocab_files_names: ClassVar[dict[str, str]] = {"vocab_file": "spiece.model", "tokenizer_file": TOKENIZER_FILE}

    def __init__(
        self,
        vocab_file: Any = None,
        tokenizer_file: Any = None,
        do_lower_case: bool = True,
        remove_space: bool = True,
        keep_accents: bool = False,
        bos_token: Any = "[CLS]",
        eos_token: Any = "[SEP]",
        unk_token: Any = "<unk>",
        sep_token: Any = "[SEP]",
        pad_token: Any = "<pad>",
        cls_token: Any = "[CLS]",
        mask_token: Any = "[MASK]",
        **kwargs: Any,
    ) -> None:
        if isinstance(mask_token, str):
            mask_token = AddedToken(mask_token, lstrip=True, rstrip=False, normalized=False)
        super().__init__(
            vocab_file,
            tokenizer_file=tokenizer_file,
            do_lower_case=do_lower_case,
            remove_space=remove_space,
            keep_accents=keep_accents,
            bos_token=bos_token,
            eos_token=eos_token,
            unk_token=unk_token,
            sep_token=sep_token,
            pad_token=pad_token,
            cls_token=cls_token,
            mask_token=mask_token,
            **kwargs,
        )
        self.do_lower_case = do_lower_case
        self.remove_space = remove_space
        self.keep_accents = keep_accents
        self.vocab_file = vocab_file
        if self._is_converted:
            put_fixed_template(self._backend, ("[CLS]", cls_token), ("[SEP]", sep_token))

    def _scores(self, model: SentencePieceModel) -> Scores:
        # ALBERT splits "9," before the comma: such pieces are made so improbable that they are never chosen.
        return [
            (piece.text, piece.score - 100 if _ends_in_number_and_comma(piece.text) else piece.score)
            for piece in model.pieces
        ]

    def _normalizers(self, character_map: list[Any], arguments: dict[str, Any]) -> list[Any]:
        steps = [normalizers.Replace("``", '"'), normalizers.Replace("''", '"')]
        if not arguments["keep_accents"]:
            steps += [normalizers.NFKD(), normalizers.StripAccents()]
        if arguments["do_lower_case"]:
            steps.append(normalizers.Lowercase())
        return [*steps, *character_map, normalizers.Replace(Regex(" {2,}"), " ")]


class AlbertTokenizer(AlbertTokenizerFast):
    """ALBERT's tokenizer under the name of the Python one of `transformers`; it is the fast one all the same."""


def _ends_in_number_and_comma(text: str) -> bool:
    return len(text) > 1 and text[-1] == "," and text[-2].isdigit()
