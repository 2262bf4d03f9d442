"""The tokenizer class: made from files or parts, copied, printed."""

from __future__ import annotations

import copy
import logging
import os
import threading
from collections.abc import Mapping, Sequence
from typing import Any, ClassVar, TypeVar

from tokenizers import AddedToken

from pellucid.checkpoints.hub import Checkpoint
from pellucid.errors import TokenizerError, TokenizerNotFoundError
from pellucid.tokenizers.backend import Backend, LoadedBackend
from pellucid.tokenizers.decoding import Decoding
from pellucid.tokenizers.loading import (
    TOKENIZER_FILE,
    constructor_arguments,
    locate_tokenizer,
    read_files,
)
from pellucid.tokenizers.padding import Padding
from pellucid.tokenizers.pieces import Pieces
from pellucid.tokenizers.saving import Saving
from pellucid.tokenizers.sequences import Sequences
from pellucid.tokenizers.strategies import side
from pellucid.tokenizers.templates import apply_options
from pellucid.tokenizers.training import Training

logger = logging.getLogger("pellucid.tokenizers")

# What `model_max_length` says where the checkpoint says nothing; the value of `transformers`.
UNLIMITED = int(1e30)

AnyTokenizer = TypeVar("AnyTokenizer", bound="PreTrainedTokenizerFast")


class PreTrainedTokenizerFast(Pieces, Padding, Decoding, Sequences, Saving, Training):
    """A tokenizer over the Rust library, with the face of `transformers` 4.57.

    Calling and decoding never change it: one tokenizer may be used from any number of threads, with different
    truncation and padding in each. Adding tokens and setting attributes do change it.

    Args:
        tokenizer_object: a tokenizer of the Rust library; it is copied.
        tokenizer_file: the path of a tokenizer.json.
        **kwargs: special tokens by role (`cls_token="[CLS]"`, as text or `AddedToken`), `model_max_length`,
            `padding_side`, `truncation_side`, `model_input_names`, `clean_up_tokenization_spaces`,
            `split_special_tokens`, `added_tokens_decoder`; anything else is kept in `init_kwargs`.

    Raises:
        TokenizerError: there is nothing to make a tokenizer from, or it is damaged.
    """

    vocab_files_names: ClassVar[dict[str, str]] = {"tokenizer_file": TOKENIZER_FILE}
    # Special tokens by role that old vocabulary files are loaded with: the default, and its rules of matching.
    _old_special_tokens: ClassVar[dict[str, tuple[str, dict[str, bool]]]] = {}
    model_input_names: list[str] = ["input_ids", "token_type_ids", "attention_mask"]
    padding_side = "right"
    truncation_side = "right"

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        self.init_inputs: tuple[Any, ...] = ()
        self._warned: set[str] = set()
        self._growth = threading.Lock()
        self._splitting_backend = None
        # Whether the backend was made of old vocabulary files: then the template of special tokens is still to be put.
        self._is_converted = False
        tokenizer_object = kwargs.pop("tokenizer_object", None)
        tokenizer_file = kwargs.pop("tokenizer_file", None)
        loaded = kwargs.pop("loaded_backend", None)
        added_tokens = kwargs.pop("added_tokens_decoder", {})
        self.add_prefix_space = kwargs.get("add_prefix_space", False)
        if tokenizer_object is not None:
            loaded = LoadedBackend.of_copy(tokenizer_object)
        elif tokenizer_file is not None:
            loaded = Backend.from_file(tokenizer_file)
        elif loaded is None:
            loaded = LoadedBackend(self._backend_from_vocabulary(args, kwargs), {}, {})
            self._is_converted = True
            # An AddedToken that does not say whether it is normalized settles that in being copied; as `transformers`
            # does on this way, so before it is made special.
            kwargs = copy.deepcopy(kwargs)
        self._backend = loaded.backend
        for name, value in loaded.stored_arguments().items():
            kwargs.setdefault(name, value)
        self._set_attributes(kwargs)
        self._backend.tokenizer.encode_special_tokens = self.split_special_tokens
        self._add_missing_tokens(added_tokens)
        apply_options(self._backend, "pre_tokenizer", add_prefix_space=self.add_prefix_space)

    def _backend_from_vocabulary(self, args: Sequence[Any], kwargs: dict[str, Any]) -> Backend:
        """Convert an old vocabulary file; a class that knows one overrides this."""
        raise TokenizerError(
            f"{type(self).__name__} needs a tokenizer: give tokenizer_file= (the path of a tokenizer.json) or "
            "tokenizer_object= (a tokenizer of the Rust library), or call from_pretrained()."
        )

    @classmethod
    def _vocabulary_names(cls) -> dict[str, str]:
        """The old vocabulary files that the class can convert: their names by the constructor's arguments."""
        return {argument: name for argument, name in cls.vocab_files_names.items() if argument != "tokenizer_file"}

    def _vocabulary_paths(self, paths: Sequence[Any]) -> Sequence[Any]:
        """The paths that the constructor was given for the old vocabulary files.

        Raises:
            TokenizerNotFoundError: not all of them are given.
        """
        names = self._vocabulary_names()
        if len(paths) < len(names) or any(path is None for path in paths):
            wanted = " and ".join(f"{argument}= (the path of a {name})" for argument, name in names.items())
            raise TokenizerNotFoundError(
                f"{type(self).__name__} needs a vocabulary: give {wanted}, or tokenizer_file= (of a {TOKENIZER_FILE}), "
                "or call from_pretrained().",
                names=list(self.vocab_files_names.values()),
            )
        return paths

    def _set_attributes(self, arguments: dict[str, Any]) -> None:
        for name in arguments:
            if callable(getattr(type(self), name, None)):
                raise TokenizerError(f"{name} conflicts with the method {name} in {type(self).__name__}.", name=name)
        self.init_kwargs = copy.deepcopy(arguments)
        self.name_or_path = str(arguments.get("name_or_path", ""))
        length = arguments.get("model_max_length", arguments.get("max_len"))
        self.model_max_length = UNLIMITED if length is None else _model_length(length)
        self.padding_side = side(arguments.get("padding_side", type(self).padding_side), "padding_side")
        self.truncation_side = side(arguments.get("truncation_side", type(self).truncation_side), "truncation_side")
        self.model_input_names = _names(arguments.get("model_input_names") or type(self).model_input_names)
        self.clean_up_tokenization_spaces = bool(arguments.get("clean_up_tokenization_spaces", False))
        self.split_special_tokens = bool(arguments.get("split_special_tokens", False))
        self.chat_template = arguments.get("chat_template")
        self.verbose = bool(arguments.get("verbose", False))
        self._init_special_tokens(arguments, arguments.get("extra_special_tokens"))

    def _add_missing_tokens(self, added_tokens: Mapping[int, AddedToken]) -> None:
        """Add what the files name and the backend lacks: added tokens in the order of their ids, then special ones."""
        present = self.added_tokens_decoder
        described = {repr(token) for token in present.values()}
        missing: list[Any] = [token for _, token in sorted(added_tokens.items()) if repr(token) not in described]
        texts = {str(token.content) for token in present.values()} | {str(token) for token in missing}
        missing += [
            token
            for token in self.all_special_tokens_extended
            if not (isinstance(token, str) and token in texts) and token not in missing
        ]
        special = set(self.all_special_tokens)
        tokens = []
        for token in missing:
            is_special = str(token) in special or (isinstance(token, AddedToken) and bool(token.special))
            if isinstance(token, str):
                token = AddedToken(token, special=is_special)
            else:
                token.special = is_special
            tokens.append(token)
        if tokens:
            # No other thread knows of this tokenizer yet.
            self._backend.add_in_place(tokens, special=False)

    @classmethod
    def from_pretrained(
        cls: type[AnyTokenizer], pretrained_model_name_or_path: str | os.PathLike[str], **kwargs: Any
    ) -> AnyTokenizer:
        """Load the tokenizer of a checkpoint.

        Args:
            pretrained_model_name_or_path: a folder, or the name of a repository on the Hub.
            **kwargs: where to look (`revision`, `cache_dir`, `token`, `local_files_only`, `force_download`,
                `subfolder`); anything else overrides what the files say (`do_lower_case`, `model_max_length`,
                `padding_side`, special tokens …).

        Raises:
            TokenizerNotFoundError: the checkpoint has no tokenizer files; the message lists those looked for.
            TokenizerError: they are damaged.
            CheckpointNotFoundError: there is no such folder or repository.
            OfflineError: they are not in the cache, and the Hub is out of reach.
        """
        kwargs.pop("use_fast", None)
        kwargs.pop("config", None)
        checkpoint = locate_tokenizer(pretrained_model_name_or_path, kwargs)
        return cls._from_checkpoint(checkpoint, kwargs)

    @classmethod
    def _from_checkpoint(cls: type[AnyTokenizer], checkpoint: Checkpoint, overrides: Mapping[str, Any]) -> AnyTokenizer:
        files = read_files(checkpoint, cls._vocabulary_names())
        saved_class = files.config.get("tokenizer_class")
        if isinstance(saved_class, str) and cls is not PreTrainedTokenizerFast:
            stem = saved_class.removesuffix("Fast")
            generic = ("PreTrainedTokenizer", "TokenizersBackend", "PreTrainedTokenizerFast")
            if stem != cls.__name__.removesuffix("Fast") and saved_class not in generic:
                logger.warning(
                    "The tokenizer class you load from this checkpoint is not the same type as the class this function "
                    "is called from. It may result in unexpected tokenization. \nThe tokenizer class you load from "
                    "this checkpoint is '%s'. \nThe class this function is called from is '%s'.",
                    saved_class,
                    cls.__name__,
                )
        arguments = constructor_arguments(files, overrides)
        if files.loaded_backend is None:
            cls._complete_old_arguments(arguments)
        return cls(**arguments)

    @classmethod
    def _complete_old_arguments(cls, arguments: dict[str, Any]) -> None:
        """Make of the special tokens of a checkpoint of old files what the Python class of `transformers` makes."""
        for role, (text, rules) in cls._old_special_tokens.items():
            token = arguments.get(role, text)
            if isinstance(token, str):
                arguments[role] = AddedToken(token, **rules)

    def __repr__(self) -> str:
        added = "\n\t".join(f"{index}: {token!r}," for index, token in self.added_tokens_decoder.items())
        return (
            f"{type(self).__name__}(name_or_path='{self.name_or_path}', vocab_size={self.vocab_size}, "
            f"model_max_length={self.model_max_length}, is_fast={self.is_fast}, padding_side='{self.padding_side}', "
            f"truncation_side='{self.truncation_side}', special_tokens={self.special_tokens_map}, "
            f"clean_up_tokenization_spaces={self.clean_up_tokenization_spaces}, "
            "added_tokens_decoder={\n\t" + added + "\n}\n)"
        )

    def __getstate__(self) -> dict[str, Any]:
        state = dict(self.__dict__)
        del state["_growth"]
        state["_splitting_backend"] = None
        return state

    def __setstate__(self, state: dict[str, Any]) -> None:
        self.__dict__.update(state)
        self._growth = threading.Lock()


def _model_length(value: Any) -> int:
    try:
        length = int(value)
    except (TypeError, ValueError, OverflowError) as error:
        raise TokenizerError(f"model_max_length={value!r} is not a number of tokens.") from error
    if length < 0:
        raise TokenizerError(f"model_max_length={length} is below 0.")
    return length


def _names(value: Any) -> list[str]:
    if not isinstance(value, (list, tuple)) or not all(isinstance(name, str) for name in value):
        raise TokenizerError(f"model_input_names={value!r:.80} is not a list of names such as 'input_ids'.")
    return list(value)
