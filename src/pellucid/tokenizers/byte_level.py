"""vocab.json and merges.txt to a byte-level BPE tokenizer as GPT-2's: 256 letters for bytes spell any text."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from tokenizers import Tokenizer, decoders, models, pre_tokenizers

from pellucid.checkpoints.json_file import read_json
from pellucid.errors import InputError, TokenizerError
from pellucid.tokenizers.backend import LARGEST_ID, Backend, guarded
from pellucid.tokenizers.base import PreTrainedTokenizerFast
from pellucid.tokenizers.encoding import Encoding
from pellucid.tokenizers.options import Options
from pellucid.tokenizers.strategies import TruncationStrategy

TEXT_TOKENS = ("bos_token", "eos_token", "sep_token", "cls_token", "unk_token", "pad_token")
"""The roles of special tokens but for the mask, which takes a blank along."""

# Far above the files of any model: those of RoBERTa have 0.9 and 0.5 MB.
_MAX_BYTES = 16_000_000


def read_json_vocabulary(path: Path | str) -> dict[str, int]:
    """Read a vocab.json: ids by token.

    Raises:
        TokenizerError: unreadable, too large, not JSON, not a dictionary, empty, or ids that are none or stand twice.
    """
    try:
        vocabulary = read_json(Path(path), TokenizerError, max_bytes=_MAX_BYTES)
    except OSError as error:
        raise _unreadable(path, error) from error
    if not vocabulary:
        raise TokenizerError(f"The vocabulary {path} is empty. Download the checkpoint again.", path=str(path))
    tokens: dict[int, str] = {}
    for token, index in vocabulary.items():
        if isinstance(index, bool) or not isinstance(index, int) or not 0 <= index <= LARGEST_ID:
            raise TokenizerError(
                f"The vocabulary {path} gives the token {token!r:.80} the id {index!r:.40}; ids are whole numbers from "
                f"0 to {LARGEST_ID}. Download the checkpoint again.",
                path=str(path),
                token=token,
            )
        if index in tokens:
            raise TokenizerError(
                f"The vocabulary {path} gives the id {index} to two tokens, {tokens[index]!r:.80} and {token!r:.80}. "
                "Download the checkpoint again.",
                path=str(path),
                token=token,
                id=index,
            )
        tokens[index] = token
    return vocabulary


def read_merges(path: Path | str, vocabulary: Mapping[str, int]) -> list[tuple[str, str]]:
    """Read a merges.txt: two tokens a line, the earlier lines are applied first.

    The first line may tell a version. A pair that stands twice counts where it stands first.

    Args:
        path: the file.
        vocabulary: what the tokens, and each two of them joined, must be in.

    Raises:
        TokenizerError: unreadable, too large, not UTF-8, or a line that is not two tokens of the vocabulary.
    """
    try:
        size = Path(path).stat().st_size
        if size > _MAX_BYTES:
            raise TokenizerError(f"{path} has {size:,} bytes; at most {_MAX_BYTES:,} are read.", path=str(path))
        content = Path(path).read_bytes()
    except OSError as error:
        raise _unreadable(path, error) from error
    try:
        text = content.decode("utf-8")
    except UnicodeDecodeError as error:
        line = content.count(b"\n", 0, error.start) + 1
        raise TokenizerError(
            f"The merges {path} are not UTF-8: byte {content[error.start]:#04x} in line {line}. Download the "
            "checkpoint again.",
            path=str(path),
            line=line,
        ) from error
    merges: dict[tuple[str, str], None] = {}
    for number, line_text in enumerate(text.replace("\r\n", "\n").rstrip("\n").split("\n"), start=1):
        if (number == 1 and line_text.startswith("#version")) or (number == 1 and not text.strip()):
            continue
        words = line_text.split()
        if len(words) != 2:
            raise TokenizerError(
                f"The merges {path} have {len(words)} words in line {number} ({line_text!r:.80}); each line is two "
                "tokens with a blank between them. Download the checkpoint again.",
                path=str(path),
                line=number,
            )
        for token in (*words, "".join(words)):
            if token not in vocabulary:
                raise TokenizerError(
                    f"The merges {path} need the token {token!r:.80} in line {number}, which the vocabulary does not "
                    "have. Take both files from the same checkpoint.",
                    path=str(path),
                    line=number,
                    token=token,
                )
        merges[(words[0], words[1])] = None
    return list(merges)


def byte_level_backend(vocab_file: Path | str, merges_file: Path | str, *, add_prefix_space: bool) -> Backend:
    """Build GPT-2's tokenizer from its two files, without a template of special tokens.

    Args:
        vocab_file: the path of a vocab.json.
        merges_file: the path of a merges.txt.
        add_prefix_space: put a blank before each text, so that its first word is like any other.

    Raises:
        TokenizerError: one of the files is damaged.

    Source: Radford et al., 2019, "Language Models are Unsupervised Multitask Learners".
    """
    vocabulary = read_json_vocabulary(vocab_file)
    merges = read_merges(merges_file, vocabulary)
    model = guarded(
        lambda: models.BPE(
            vocab=vocabulary,
            merges=merges,
            dropout=None,
            continuing_subword_prefix="",
            end_of_word_suffix="",
            fuse_unk=False,
        ),
        f"{vocab_file} and {merges_file} are not a byte-level BPE",
    )
    tokenizer = Tokenizer(model)
    tokenizer.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=add_prefix_space)
    tokenizer.decoder = decoders.ByteLevel()
    return Backend(tokenizer)


class ByteLevelTokenizer(PreTrainedTokenizerFast):
    """What the byte-level tokenizers share: the files, and that words alone need a blank before each."""

    def _backend_from_vocabulary(self, args: Sequence[Any], kwargs: dict[str, Any]) -> Backend:
        vocab_file, merges_file = self._vocabulary_paths(args)
        return byte_level_backend(vocab_file, merges_file, add_prefix_space=bool(kwargs["add_prefix_space"]))

    def _encodings(
        self,
        batch: Sequence[Any],
        options: Options,
        truncation: TruncationStrategy,
        max_length: int | None,
        numbers: Sequence[int] | None = None,
        stride_gives_way: bool = False,
    ) -> list[Encoding]:
        if options.is_split_into_words and not self.add_prefix_space:
            raise InputError(
                f"You need to instantiate {type(self).__name__} with add_prefix_space=True to use it with pretokenized "
                "inputs: without, the words would be read as one long word."
            )
        return super()._encodings(batch, options, truncation, max_length, numbers, stride_gives_way)


def _unreadable(path: Path | str, error: OSError) -> TokenizerError:
    return TokenizerError(f"The vocabulary {path} cannot be read: {error.strerror or error}.", path=str(path))
