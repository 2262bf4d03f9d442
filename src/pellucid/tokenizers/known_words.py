"""Words that were met before: what the Rust tokenizer made of each is kept, and found again in a table.

Most of a text is words that came before in other texts. Where a tokenizer splits every word by itself, whatever stands
around it, its tokens are those of its words, one after the other; looking them up takes a fifth of the time. Only what
is sure to be split so is looked up: printable ASCII, without anything that looks like an added token. All else goes to
the Rust tokenizer, which has the say on each word too: it splits those that the table lacks.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from functools import partial
from itertools import chain
from typing import Any, NamedTuple

from tokenizers import Encoding as BackendEncoding
from tokenizers import Tokenizer

from pellucid.errors import TokenizerError
from pellucid.tokenizers.truncation import Layout

WORDS = {
    # A run of letters and digits, or one mark: https://github.com/google-research/bert, tokenization.py.
    "BertPreTokenizer": re.compile(r"[0-9A-Za-z]+|[!-/:-@\[-`{-~]"),
    # The pattern of https://github.com/openai/gpt-2, encoder.py.
    "ByteLevel": re.compile(r"'s|'t|'re|'ve|'m|'ll|'d| ?[A-Za-z]+| ?[0-9]+| ?[^\sA-Za-z0-9]+|\s+(?!\S)|\s+"),
}
"""Which parts of a text are split by themselves, by the kind of pre-tokenizer."""

MODELS = {"BertPreTokenizer": "WordPiece", "ByteLevel": "BPE"}

NORMALIZERS = {"BertPreTokenizer": ("BertNormalizer",), "ByteLevel": ("NFC",)}
"""Those that change letters of ASCII one by one, or not at all."""

MOST_WORDS = 2**17
"""Words of a table; one that is full begins anew."""

LONGEST_WORD = 64
"""Characters of a word that is kept."""

LONGEST_TEXT = 20_000
"""Characters of a text that is looked up; a longer one is rare, and its list of words would be long."""


class Frame(NamedTuple):
    """What stands around the tokens of a text.

    Attributes:
        before: the ids of the special tokens before it.
        after: those behind it.
        types: the token types before it, of each of its tokens, and behind it.
    """

    before: tuple[int, ...]
    after: tuple[int, ...]
    types: tuple[tuple[int, ...], int, tuple[int, ...]]


class KnownWords:
    """The tokens of texts, word by word.

    Args:
        find: all words of a text.
        is_plain: whether a text is sure to be split into these.
        split: the ids of a word.
        frames: what stands around a text, without special tokens and with them.
        whole: has the Rust tokenizer encode a text, for all that is asked of it besides ids.
    """

    def __init__(
        self,
        find: Callable[[str], list[str]],
        is_plain: Callable[[str], Any],
        split: Callable[[str], Sequence[int]],
        frames: tuple[Frame, Frame],
        whole: Callable[..., BackendEncoding],
    ) -> None:
        self._find, self._is_plain, self._frames, self._whole = find, is_plain, frames, whole
        self._ids_of = _Table(split).__getitem__

    @classmethod
    def of(
        cls,
        tokenizer: Tokenizer,
        component: Callable[[str], dict[str, Any]],
        layout: Callable[[bool], Layout],
        encode: Callable[..., BackendEncoding],
    ) -> KnownWords | None:
        """The table of a tokenizer; None where its words may depend on what is around them.

        Args:
            tokenizer: the Rust tokenizer, which never changes from now on.
            component: the JSON of its normalizer, and of its pre-tokenizer.
            layout: how many special tokens stand around a text, by whether they are wanted.
            encode: has it encode a text, with special tokens or without.
        """
        splits, model = component("pre_tokenizer"), tokenizer.model
        kind = splits.get("type", "")
        if MODELS.get(kind) != type(model).__name__ or getattr(model, "dropout", None):
            return None
        if kind == "ByteLevel" and (splits.get("add_prefix_space") or not splits.get("use_regex", True)):
            return None
        if tokenizer.normalizer is not None and component("normalizer").get("type") not in NORMALIZERS[kind]:
            return None
        is_plain = _plain([token.content for token in tokenizer.get_added_tokens_decoder().values()])
        if is_plain is None:
            return None
        try:
            frames = [_frame(encode("a", add_special_tokens=wanted), layout(wanted)) for wanted in (False, True)]
        except (TokenizerError, IndexError):
            # Templates without a place for the text are refused, or not, where they are used.
            return None

        def split(word: str) -> Sequence[int]:
            return tuple(encode(word, add_special_tokens=False).ids)

        return cls(WORDS[kind].findall, is_plain, split, (frames[0], frames[1]), encode)

    def encode(self, texts: Sequence[Any], add_special_tokens: bool) -> list[KnownText | None]:
        """The tokens of each text; None for those that must be left to the Rust tokenizer, pairs among them.

        Args:
            texts: the texts.
            add_special_tokens: put the special tokens around each.
        """
        frame, ids_of, find, is_plain = self._frames[add_special_tokens], self._ids_of, self._find, self._is_plain
        (before, after, _), whole = frame, partial(self._whole, add_special_tokens=add_special_tokens)
        return [
            KnownText([*before, *chain.from_iterable(map(ids_of, find(text))), *after], frame, text, whole)
            if isinstance(text, str) and len(text) <= LONGEST_TEXT and is_plain(text)
            else None
            for text in texts
        ]


class KnownText:
    """What a backend's encoding has, of a text whose words were looked up.

    Ids and types are there; what else is asked for, such as where each token lies, the Rust tokenizer then tells.

    Args:
        ids: the id of each token, special ones included.
        frame: what stands around the text.
        text: the text.
        whole: has the Rust tokenizer encode it.
    """

    __slots__ = ("_frame", "_ids", "_text", "_whole", "_whole_of")

    n_sequences = 1

    def __init__(self, ids: list[int], frame: Frame, text: str, whole: Callable[[str], BackendEncoding]) -> None:
        self._ids, self._frame, self._text, self._whole_of = ids, frame, text, whole
        self._whole: BackendEncoding | None = None

    def __len__(self) -> int:
        return len(self._ids)

    @property
    def ids(self) -> list[int]:
        """The id of each token."""
        return self._ids.copy()

    @property
    def type_ids(self) -> list[int]:
        """The type of each token."""
        return self._framed(*self._frame.types)

    @property
    def special_tokens_mask(self) -> list[int]:
        """1 for special tokens, else 0."""
        return self._framed((1,) * len(self._frame.before), 0, (1,) * len(self._frame.after))

    @property
    def sequence_ids(self) -> list[int | None]:
        """0 for tokens of the text, None for special ones."""
        return self._framed((None,) * len(self._frame.before), 0, (None,) * len(self._frame.after))

    def _framed(self, before: Sequence[Any], own: Any, after: Sequence[Any]) -> list[Any]:
        return [*before, *([own] * (len(self._ids) - len(before) - len(after))), *after]

    def whole(self) -> BackendEncoding:
        """The same in the Rust library's own form."""
        if self._whole is None:
            self._whole = self._whole_of(self._text)
        return self._whole

    def __getattr__(self, name: str) -> Any:
        if name.startswith("_"):
            raise AttributeError(name)
        return getattr(self.whole(), name)

    def __reduce__(self) -> tuple[Any, ...]:
        # The table stays behind.
        return _itself, (self.whole(),)


class _Table(dict[str, Sequence[int]]):
    """The ids of each word. Any number of threads may read and add: each would add the same."""

    def __init__(self, split: Callable[[str], Sequence[int]]) -> None:
        super().__init__()
        self._split = split

    def __missing__(self, word: str) -> Sequence[int]:
        ids = self._split(word)
        if len(word) <= LONGEST_WORD:
            if len(self) >= MOST_WORDS:
                self.clear()
            self[word] = ids
        return ids


def _frame(probe: BackendEncoding, layout: Layout) -> Frame:
    ids, types, start, end = probe.ids, probe.type_ids, layout.prefix, len(probe) - layout.suffix
    return Frame(tuple(ids[:start]), tuple(ids[end:]), (tuple(types[:start]), types[start], tuple(types[end:])))


def _plain(added: Sequence[str]) -> Callable[[str], Any] | None:
    """Whether a text is printable ASCII in which no added token can be found; None where that can't be told."""
    if not all(content and content.isascii() for content in added):
        # One that is normalized may be found in ASCII.
        return None
    # A mark that begins one is rare in texts; a letter or a blank is not.
    marks = {content[0] for content in added if not content[0].isalnum() and not content[0].isspace()}
    others = {content.lower() for content in added if content[0] not in marks}
    allowed = "".join(re.escape(chr(code)) for code in range(32, 127) if chr(code) not in marks)
    is_printable = re.compile(f"[\t\n\r{allowed}]*").fullmatch
    # One that holds another is found with it.
    shortest = [one for one in others if not any(other != one and other in one for other in others)]
    if not shortest:
        return is_printable

    def is_plain(text: str) -> bool:
        lowered = text.lower()
        return is_printable(text) is not None and not any(one in lowered for one in shortest)

    return is_plain


def _itself(value: Any) -> Any:
    return value
