"""The windows over a document, while it is being split: of its tokens only some thousand are held at once.

A piece begins and ends at a blank between two words, where a tokenizer that splits at blanks always splits. Each is
encoded with a few words of the one before it, whose tokens are dropped again: the first word of a text may be written
differently, as after the space that byte-level BPE adds.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from typing import Any, NamedTuple

from tokenizers import Encoding as BackendEncoding

from pellucid.tokenizers.backend import Backend
from pellucid.tokenizers.calling import Calling
from pellucid.tokenizers.encoding import Encoding
from pellucid.tokenizers.options import Options
from pellucid.tokenizers.strategies import TruncationStrategy, side
from pellucid.tokenizers.truncation import cut

PIECE = 20_000
"""Characters of a piece, or a word more."""

LEAD = 100
"""Characters before a piece, or a word more, that are encoded with it."""

BLANK = re.compile(r"(?<=[^\W_]) (?=[^\W_])")
"""A blank between letters or digits: no rule about runs of blanks, marks or punctuation reaches across it."""

SPLITTING = ("BertPreTokenizer", "ByteLevel", "Metaspace", "Whitespace", "WhitespaceSplit")
"""Pre-tokenizers that make a new word at every such blank."""

LISTS = ("ids", "type_ids", "tokens", "offsets", "word_ids", "sequence_ids", "special_tokens_mask")
"""The attributes of an encoding that have an item for each token."""


class Tokens(NamedTuple):
    """Tokens of the document, as lists of equal lengths; places and words count from the beginning of the document."""

    ids: list[int]
    tokens: list[str]
    offsets: list[tuple[int, int]]
    word_ids: list[int | None]

    def extend(self, other: Tokens) -> None:
        """Put others behind these."""
        for own, more in zip(self, other, strict=True):
            own += more  # type: ignore[operator]

    def drop(self, count: int) -> None:
        """Forget the first ones."""
        for own in self:
            del own[:count]


class Spliced:
    """What a backend's encoding has: a frame of special tokens and the other text, with tokens in its gap."""

    def __init__(self, frame: BackendEncoding, gap: tuple[int, int], tokens: Tokens, count: int) -> None:
        start, stop = gap
        self.n_sequences = frame.n_sequences
        inside: dict[str, list[Any]] = {name: getattr(tokens, name)[:count] for name in Tokens._fields}
        for name in LISTS:
            around = getattr(frame, name)
            middle = inside[name] if name in inside else [around[start]] * count
            setattr(self, name, [*around[:start], *middle, *around[stop:]])

    def __len__(self) -> int:
        return len(self.ids)  # type: ignore[attr-defined]


class DocumentWindow(Encoding):
    """A window over a document that is not yet read to its end.

    Args:
        source: its own tokens, special ones included.
        reached: tokens of the document up to the end of this window, and those around it.
    """

    __slots__ = ("_reached",)

    def __init__(self, source: Any, reached: int) -> None:
        super().__init__(source)
        self._reached = reached

    @property
    def untruncated_length(self) -> int:
        """Tokens of the document up to the end of this window, special tokens included: of the last one, of all."""
        return self._reached


class Pieces(Calling):
    """Encoding of documents in pieces."""

    def encode_document(
        self,
        text: str,
        pair: str | None = None,
        *,
        truncation: bool | str | TruncationStrategy,
        max_length: int,
        stride: int = 0,
        stride_gives_way: bool = False,
        number: int = 0,
    ) -> Iterator[Encoding] | None:
        """The windows over a long text, one after the other as they are asked for: those of `encode_ragged`.

        Args:
            text: the text.
            pair: the second text.
            truncation: which of the two is read in windows, as in `encode_ragged`.
            max_length: tokens of a window at most, special tokens included.
            stride: tokens that neighbouring windows share.
            stride_gives_way: where so few tokens remain of a text that `stride` is too many, share half of them.
            number: what messages call the text.

        Returns:
            None where the whole must be split at once: the text is short, has no blanks, is read from its end, or the
            tokenizer has rules that may reach across blanks.

        Raises:
            InputError: impossible lengths.
        """
        _, strategy, _ = self._strategies(Options(truncation=truncation, max_length=max_length, stride=stride))
        if strategy is TruncationStrategy.DO_NOT_TRUNCATE:
            return None
        is_second = pair is not None and strategy is TruncationStrategy.ONLY_SECOND
        if pair is not None and not is_second and strategy is not TruncationStrategy.ONLY_FIRST:
            return None
        document, other = (pair, text) if is_second else (text, pair)
        if document is None or len(document) <= 2 * PIECE or len(other or "") > PIECE:
            return None
        if side(self.truncation_side, "truncation_side") == "left" or not self._splits_at_blanks():
            return None
        backend = self._backend_for(self.split_special_tokens)
        word = "a"
        frame = backend.encode_batch([word if other is None else (other, word) if is_second else (word, other)])[0]
        layout = backend.layout(pair is not None, add_special_tokens=True)
        own = frame.sequence_ids.count(int(is_second))
        around = len(frame) - layout.total - own
        many = len(document)
        whole = cut(
            around if is_second else many,
            None if other is None else many if is_second else around,
            layout,
            strategy=strategy,
            max_length=max_length,
            stride=stride,
            side="right",
            index=number,
            gives_way=stride_gives_way,
        )
        keep = whole.keep_second if is_second else whole.keep_first
        if not keep:
            return None
        start = frame.sequence_ids.index(int(is_second))
        pieces = _tokens_of(document, backend, number)
        return _windows_of(pieces, frame, (start, start + own), keep, whole.stride)

    def _splits_at_blanks(self) -> bool:
        """Whether the tokenizer makes a new word at every blank between two words, whatever is around them."""
        part = self._backend.component("pre_tokenizer")
        parts: Sequence[dict[str, Any]] = part.get("pretokenizers", [part])
        splits = any(
            one.get("type") in SPLITTING and one.get("use_regex", True) and one.get("split", True) for one in parts
        )
        return splits and not any(" " in token.content for token in self.added_tokens_decoder.values())


def _windows_of(
    pieces: Iterator[Tokens], frame: BackendEncoding, gap: tuple[int, int], keep: int, stride: int
) -> Iterator[Encoding]:
    """Windows of `keep` tokens in the gap of a frame, neighbours sharing `stride`."""
    held, before, around = Tokens([], [], [], []), 0, len(frame) - (gap[1] - gap[0])
    for piece in pieces:
        held.extend(piece)
        # One token more than a window: so that the last window is told from one that ends with the piece.
        while len(held.ids) > keep:
            yield DocumentWindow(Spliced(frame, gap, held, keep), around + before + keep)
            held.drop(keep - stride)
            before += keep - stride
    yield DocumentWindow(Spliced(frame, gap, held, len(held.ids)), around + before + len(held.ids))


def _tokens_of(document: str, backend: Backend, number: int) -> Iterator[Tokens]:
    """The tokens of a document, in pieces."""
    words = 0
    for lead, start, stop in _bounds(document):
        (encoding,) = backend.encode_batch(
            [document[lead:stop]], add_special_tokens=False, numbers=[number], offsets=True
        )
        places = [(first + lead, last + lead) for first, last in encoding.offsets]
        # The blank at `start` may belong to the token behind it, but never to one before it.
        begin = next((index for index, (_, last) in enumerate(places) if last > start), len(places)) if start else 0
        word_ids = encoding.word_ids[begin:]
        known = [word for word in word_ids if word is not None]
        shift = words - known[0] if known else 0
        yield Tokens(
            encoding.ids[begin:],
            encoding.tokens[begin:],
            places[begin:],
            [None if word is None else word + shift for word in word_ids],
        )
        words = known[-1] + shift + 1 if known else words


def _bounds(document: str) -> Iterator[tuple[int, int, int]]:
    """Where each piece's lead begins, and where the piece begins and ends."""
    lead = start = 0
    while start < len(document):
        found = BLANK.search(document, start + PIECE)
        stop = len(document) if found is None else found.start()
        yield lead, start, stop
        near = [one.start() for one in BLANK.finditer(document, max(start, stop - 3 * LEAD), stop - LEAD)]
        lead = near[-1] if near else start
        start = stop
