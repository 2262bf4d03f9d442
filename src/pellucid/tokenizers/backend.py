"""The Rust tokenizer, loaded once and never changed: whoever encodes with it may do so from any thread."""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from copy import deepcopy
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any, TypeVar

from tokenizers import AddedToken, Tokenizer
from tokenizers import Encoding as BackendEncoding

from pellucid.errors import PellucidError, TokenizerError, TokenizerNotFoundError
from pellucid.tokenizers.inputs import refuse_texts
from pellucid.tokenizers.known_words import KnownText, KnownWords
from pellucid.tokenizers.truncation import Layout

Result = TypeVar("Result")

# A text that any tokenizer makes at least one token of; the layout is read off its encoding.
_PROBE = "a"

LARGEST_ID = 2**24
"""No model has so many embeddings."""


class Backend:
    """A Rust tokenizer without truncation or padding state.

    Args:
        tokenizer: the Rust tokenizer; it belongs to this object from now on.
    """

    def __init__(self, tokenizer: Tokenizer) -> None:
        tokenizer.no_truncation()
        tokenizer.no_padding()
        self.tokenizer = tokenizer
        self._words: KnownWords | None = None
        self._may_know_words = True

    @classmethod
    def from_file(cls, path: Path | str) -> LoadedBackend:
        """Read a tokenizer.json.

        Raises:
            TokenizerNotFoundError: there is no such file.
            TokenizerError: empty, not JSON, or not a tokenizer.
        """
        try:
            content = Path(path).read_bytes()
        except FileNotFoundError as error:
            raise TokenizerNotFoundError(f"There is no tokenizer file {path}.", path=str(path)) from error
        except OSError as error:
            raise TokenizerError(f"{path} cannot be read: {error.strerror}.", path=str(path)) from error
        if not content.strip():
            raise TokenizerError(f"{path} is empty. Delete it and download the checkpoint again.", path=str(path))
        tokenizer = guarded(lambda: Tokenizer.from_buffer(content), f"{path} is not a tokenizer")
        largest = max(tokenizer.get_vocab(with_added_tokens=True).values(), default=0)
        if largest > LARGEST_ID:
            # The Rust library counts from 0 to the largest id whenever it writes or copies a tokenizer.
            raise TokenizerError(
                f"{path} has the id {largest}, and ids above {LARGEST_ID} are not read: no model has so many "
                "embeddings. Download the checkpoint again.",
                path=str(path),
                id=largest,
            )
        return LoadedBackend.of(tokenizer)

    def handed_out(self) -> Tokenizer:
        """The Rust tokenizer, for one who might change it: from now on no word is looked up that was met before."""
        self._words, self._may_know_words = None, False
        return self.tokenizer

    def copy(self) -> Backend:
        """A copy that shares nothing with this one."""
        return Backend(guarded(lambda: _clone(self.tokenizer), "The tokenizer cannot be copied"))

    def with_tokens(self, tokens: Sequence[str | AddedToken], special: bool) -> tuple[Backend, int]:
        """A copy with more tokens, and how many of them are new."""
        changed = self.copy()
        return changed, changed.add_in_place(tokens, special)

    def add_in_place(self, tokens: Sequence[str | AddedToken], special: bool) -> int:
        """Add tokens to this very tokenizer: only while no other thread can know of it."""
        self._words = None
        add = self.tokenizer.add_special_tokens if special else self.tokenizer.add_tokens
        return int(guarded(lambda: add(list(tokens)), f"The tokens {list(map(str, tokens))[:5]} cannot be added"))

    def splitting_special_tokens(self) -> Backend:
        """A copy that splits special tokens typed in the text like any other word."""
        changed = self.copy()
        changed.tokenizer.encode_special_tokens = True
        return changed

    def encode_batch(
        self,
        texts: Sequence[Any],
        *,
        add_special_tokens: bool = True,
        is_split_into_words: bool = False,
        numbers: Sequence[int] | None = None,
        offsets: bool = False,
    ) -> list[BackendEncoding | KnownText]:
        """Encode texts, or pairs as tuples of two, neither cut nor padded.

        `numbers` are what messages call the texts; their places in the batch where left out. `offsets` says that more
        than ids and types will be asked for, such as where each token lies: then no word is looked up.

        Raises:
            InputTypeError: an item is no text.
            InputError: a text holds a lone surrogate.
            TokenizerError: the tokenizer fails on a valid text, as a broken one does.
        """
        words = None if is_split_into_words or offsets else self._known_words()
        if words is None:
            return self._encode(texts, add_special_tokens, is_split_into_words, numbers)
        found = words.encode(texts, add_special_tokens)
        left = [index for index, one in enumerate(found) if one is None]
        if left:
            given = left if numbers is None else [numbers[index] for index in left]
            others = self._encode([texts[index] for index in left], add_special_tokens, False, given)
            for index, one in zip(left, others, strict=True):
                found[index] = one
        return found

    def _known_words(self) -> KnownWords | None:
        if self._words is None and self._may_know_words:
            self._words = KnownWords.of(self.tokenizer, self.component, partial(self.layout, False), self._encode_one)
            self._may_know_words = self._words is not None
        return self._words

    def _encode_one(self, text: str, add_special_tokens: bool) -> BackendEncoding:
        return self._encode([text], add_special_tokens, False, None)[0]

    def _encode(
        self, texts: Sequence[Any], add_special_tokens: bool, is_split_into_words: bool, numbers: Sequence[int] | None
    ) -> list[Any]:
        """Have the Rust tokenizer encode texts or pairs, in parallel."""
        texts = texts if isinstance(texts, list) else list(texts)
        options = {"add_special_tokens": add_special_tokens, "is_pretokenized": is_split_into_words}
        try:
            if len(texts) == 1 and isinstance(texts[0], str):
                # For one text the library's threads are not woken, which would take cores from the model.
                return [self.tokenizer.encode(texts[0], **options)]
            return list(self.tokenizer.encode_batch(texts, **options))
        except (TypeError, UnicodeError) as error:
            refuse_texts(texts, is_split_into_words, error, numbers)
        except BaseException as error:
            raise as_tokenizer_error(error, "The tokenizer failed on a text") from error

    def layout(self, pair: bool, add_special_tokens: bool) -> Layout:
        """How many special tokens stand before, between and after the texts.

        Raises:
            TokenizerError: the post-processor puts a text twice, or the second before the first.
        """
        if not add_special_tokens:
            return Layout(0, 0, 0)
        encoding = self._encode([(_PROBE, _PROBE) if pair else _PROBE], True, False, None)[0]
        places = list(encoding.sequence_ids)
        shape = [place for index, place in enumerate(places) if index == 0 or places[index - 1] != place]
        in_order = [place for place in shape if place is not None] == ([0, 1] if pair else [0])
        # A text that is put twice leaves tokens that belong to none and are not special either.
        if not in_order or places.count(None) != self.tokenizer.num_special_tokens_to_add(pair):
            raise TokenizerError(
                "The tokenizer's post-processor does not put the texts one after the other, each once; truncation is "
                "not known for such a template. Encode with truncation=False."
            )
        prefix = places.index(0)
        first_end = prefix + places.count(0)
        if not pair:
            return Layout(prefix, 0, len(places) - first_end)
        second = places.index(1)
        return Layout(prefix, second - first_end, len(places) - second - places.count(1))

    def component(self, name: str) -> dict[str, Any]:
        """The JSON of the normalizer, pre-tokenizer, …; empty where there is none or it is not of the library."""
        part = getattr(self.tokenizer, name)
        try:
            state = json.loads(part.__getstate__()) if part is not None else {}
        except Exception:
            # A component written in Python has no JSON.
            return {}
        return state if isinstance(state, dict) else {}

    def __getstate__(self) -> dict[str, Any]:
        return {
            "json": self.tokenizer.to_str(),
            "encode_special_tokens": self.tokenizer.encode_special_tokens,
        }

    def __setstate__(self, state: dict[str, Any]) -> None:
        self.__init__(Tokenizer.from_str(state["json"]))  # type: ignore[misc]
        self.tokenizer.encode_special_tokens = state["encode_special_tokens"]


@dataclass(frozen=True)
class LoadedBackend:
    """A backend, and the truncation and padding that its tokenizer.json had stored (empty where it had none)."""

    backend: Backend
    truncation: dict[str, Any]
    padding: dict[str, Any]

    @classmethod
    def of(cls, tokenizer: Tokenizer) -> LoadedBackend:
        """Take a Rust tokenizer over."""
        truncation, padding = tokenizer.truncation or {}, tokenizer.padding or {}
        return cls(Backend(tokenizer), truncation, padding)

    @classmethod
    def of_copy(cls, tokenizer: Tokenizer) -> LoadedBackend:
        """Take a copy of a Rust tokenizer."""
        return cls.of(guarded(lambda: deepcopy(tokenizer), "The tokenizer_object cannot be copied"))

    def stored_arguments(self) -> dict[str, Any]:
        """What was stored, under the names that `transformers` keeps it by."""
        arguments: dict[str, Any] = {}
        if self.truncation:
            arguments["max_length"] = self.truncation["max_length"]
            arguments["truncation_side"] = self.truncation["direction"]
            arguments["stride"] = self.truncation["stride"]
            arguments["truncation_strategy"] = self.truncation["strategy"]
        if self.padding:
            arguments["pad_token"] = self.padding["pad_token"]
            arguments["pad_token_type_id"] = self.padding["pad_type_id"]
            arguments["padding_side"] = self.padding["direction"]
            arguments.setdefault("max_length", self.padding["length"])
            arguments["pad_to_multiple_of"] = self.padding["pad_to_multiple_of"]
        return arguments


def guarded(call: Callable[[], Result], what: str) -> Result:
    """Call into the Rust library; whatever goes wrong there, a panic included, becomes a TokenizerError.

    Args:
        call: the call.
        what: the message's beginning: what could not be done.
    """
    try:
        return call()
    except BaseException as error:
        raise as_tokenizer_error(error, what) from error


def as_tokenizer_error(error: BaseException, what: str) -> BaseException:
    """The error to raise for one that came out of the Rust library."""
    # PyO3 raises a Rust panic as a BaseException that no module exports; its name is all there is to go by.
    panicked = type(error).__name__ == "PanicException"
    if isinstance(error, PellucidError) or not (panicked or isinstance(error, Exception)):
        return error
    reason = " ".join(str(error).split())[:300] or type(error).__name__
    return TokenizerError(
        f"{what}: {reason}. Check the tokenizer's files, or download the checkpoint again.", reason=reason
    )


def _clone(tokenizer: Tokenizer) -> Tokenizer:
    clone = Tokenizer.from_str(tokenizer.to_str())
    clone.encode_special_tokens = tokenizer.encode_special_tokens
    return clone
