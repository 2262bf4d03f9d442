"""vocab.txt to a WordPiece tokenizer as BERT's: one token a line, the line number is the id."""

from __future__ import annotations

from pathlib import Path

from tokenizers import Tokenizer, decoders, models, normalizers, pre_tokenizers

from pellucid.errors import TokenizerError
from pellucid.tokenizers.backend import Backend

# BERT's own limit on the characters of a word; longer ones become the unknown token.
_LONGEST_WORD = 100


def read_vocabulary(path: Path | str) -> dict[str, int]:
    """Read a vocab.txt.

    Lines end as on any system; blank lines at the end are not tokens.

    Raises:
        TokenizerError: unreadable, empty, not UTF-8, or a token that stands in two lines.
    """
    try:
        content = Path(path).read_bytes()
    except OSError as error:
        raise TokenizerError(
            f"The vocabulary {path} cannot be read: {error.strerror or error}.", path=str(path)
        ) from error
    try:
        text = content.decode("utf-8")
    except UnicodeDecodeError as error:
        line = content.count(b"\n", 0, error.start) + 1
        raise TokenizerError(
            f"The vocabulary {path} is not UTF-8: byte {content[error.start]:#04x} in line {line}. Convert the file, "
            "or download the checkpoint again.",
            path=str(path),
            line=line,
        ) from error
    # Not splitlines(): vocabularies hold tokens such as U+2028 and U+0085, which it would take for line ends.
    lines = text.replace("\r\n", "\n").replace("\r", "\n").rstrip("\n").split("\n")
    if lines == [""]:
        raise TokenizerError(f"The vocabulary {path} is empty. Download the checkpoint again.", path=str(path))
    vocabulary: dict[str, int] = {}
    for index, token in enumerate(lines):
        if token in vocabulary:
            raise TokenizerError(
                f"The vocabulary {path} has the token {token!r} twice, in lines {vocabulary[token] + 1} and "
                f"{index + 1}; each line is one id. Remove one of them.",
                path=str(path),
                token=token,
                line=index + 1,
            )
        vocabulary[token] = index
    return vocabulary


def write_vocabulary(vocabulary: dict[str, int]) -> bytes:
    """The bytes of a vocab.txt."""
    return "".join(f"{token}\n" for token, _ in sorted(vocabulary.items(), key=lambda item: item[1])).encode()


def wordpiece_backend(
    vocabulary: dict[str, int],
    *,
    path: Path | str,
    do_lower_case: bool,
    strip_accents: bool | None,
    tokenize_chinese_chars: bool,
    unk_token: str,
) -> Backend:
    """Build BERT's tokenizer from its vocabulary.

    Args:
        vocabulary: ids by token.
        path: the vocabulary's file, for the message of an error.
        do_lower_case: write everything small.
        strip_accents: remove accents; None: if and only if `do_lower_case`.
        tokenize_chinese_chars: make each Chinese character a word.
        unk_token: the token for words that the vocabulary cannot spell; it must be in the vocabulary.

    Raises:
        TokenizerError: the unknown token is not in the vocabulary.

    Source: Devlin et al., 2018, and google-research/bert, tokenization.py.
    """
    if unk_token not in vocabulary:
        raise TokenizerError(
            f"The vocabulary {path} has no {unk_token!r}, the token for unknown words. Give the one it uses as "
            "unk_token, or check that this is a WordPiece vocabulary.",
            path=str(path),
            token=unk_token,
        )
    model = models.WordPiece(vocab=vocabulary, unk_token=unk_token, max_input_chars_per_word=_LONGEST_WORD)
    tokenizer = Tokenizer(model)
    tokenizer.normalizer = normalizers.BertNormalizer(
        clean_text=True,
        handle_chinese_chars=tokenize_chinese_chars,
        strip_accents=strip_accents,
        lowercase=do_lower_case,
    )
    tokenizer.pre_tokenizer = pre_tokenizers.BertPreTokenizer()
    tokenizer.decoder = decoders.WordPiece(prefix="##")
    return Backend(tokenizer)
