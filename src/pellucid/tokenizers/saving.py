"""A tokenizer's files, as `transformers` 4.57 writes them."""

from __future__ import annotations

import copy
import json
import os
import tempfile
from pathlib import Path
from typing import Any, ClassVar

from tokenizers import AddedToken

from pellucid.checkpoints.saving import write_folder
from pellucid.errors import InputError, TokenizerError
from pellucid.tokenizers.backend import guarded
from pellucid.tokenizers.loading import (
    ADDED_TOKENS_FILE,
    CHAT_TEMPLATE_FILE,
    CONFIG_FILE,
    SPECIAL_TOKENS_FILE,
    TOKENIZER_FILE,
)
from pellucid.tokenizers.vocabulary import Vocabulary


class Saving(Vocabulary):
    """Writing a tokenizer to a folder that this library and `transformers` load."""

    vocab_files_names: ClassVar[dict[str, str]]
    init_kwargs: dict[str, Any]
    chat_template: Any

    def save_pretrained(
        self,
        save_directory: str | os.PathLike[str],
        legacy_format: bool | None = None,
        filename_prefix: str | None = None,
    ) -> tuple[str, ...]:
        """Write the tokenizer's files: all of them appear, or none.

        Args:
            save_directory: the folder; made if it does not exist.
            legacy_format: True writes the old files only (vocab.txt …), False tokenizer.json only; left out, what
                the class writes in `transformers`.
            filename_prefix: put before each file's name, with "-".

        Returns:
            The paths, as `transformers` lists them: added_tokens.json too, which is only written where there are added
            tokens.

        Raises:
            InputError: the old format is asked for and the tokenizer has none, or its file is gone.
            TokenizerError: an argument that the tokenizer was made with cannot be written as JSON.
            CheckpointError: the folder's path is a file.
            OSError: the folder cannot be written.
        """
        files, stale = self.files_to_save(legacy_format)
        return self._write(save_directory, files, filename_prefix, stale)

    def files_to_save(self, legacy_format: bool | None = None) -> tuple[dict[str, bytes | None], set[str]]:
        """What `save_pretrained` writes.

        Returns:
            The contents by file name, None for a file that is listed but has nothing to hold; and the names of files of
            an earlier save that must not remain, since they would be read in place of what is not written now.
        """
        if legacy_format and not self._has_legacy_format():
            raise InputError(
                "Your tokenizer does not have a legacy version defined and therefore cannot register this version. You "
                "might consider leaving the legacy_format at `None` or setting it to `False`."
            )
        files: dict[str, bytes | None] = {
            CONFIG_FILE: _json(self._config()),
            SPECIAL_TOKENS_FILE: _json(_plain(self.special_tokens_map_extended, typed=False)),
        }
        if isinstance(self.chat_template, str):
            files[CHAT_TEMPLATE_FILE] = self.chat_template.encode()
        if self._has_legacy_format() and (legacy_format or (legacy_format is None and self._can_save_vocabulary())):
            files.update(self._vocabulary_files())
            added = {text: index for text, index in self.added_tokens_encoder.items() if index >= self.vocab_size}
            files[ADDED_TOKENS_FILE] = _json(added) if added else None
        if legacy_format is False or (legacy_format is None and self._writes_tokenizer_file()):
            files[TOKENIZER_FILE] = self._backend.tokenizer.to_str(pretty=True).encode()
        written = {name for name, content in files.items() if content is not None}
        return files, {TOKENIZER_FILE, ADDED_TOKENS_FILE, CHAT_TEMPLATE_FILE} - written

    def save_vocabulary(
        self, save_directory: str | os.PathLike[str], filename_prefix: str | None = None
    ) -> tuple[str, ...]:
        """Write the vocabulary alone, in its old form (vocab.txt; vocab.json and merges.txt …); returns the paths."""
        return self._write(save_directory, {**self._vocabulary_files()}, filename_prefix, set())

    def _has_legacy_format(self) -> bool:
        return "vocab_file" in self.vocab_files_names

    def _can_save_vocabulary(self) -> bool:
        return True

    def _writes_tokenizer_file(self) -> bool:
        return True

    def _vocabulary_files(self) -> dict[str, bytes]:
        """The Rust library's own files of the vocabulary."""
        with tempfile.TemporaryDirectory() as folder:
            paths = guarded(lambda: self._backend.tokenizer.model.save(folder), "The vocabulary cannot be written")
            return {Path(path).name: Path(path).read_bytes() for path in paths}

    def _write(
        self,
        save_directory: str | os.PathLike[str],
        files: dict[str, bytes | None],
        filename_prefix: str | None,
        stale: set[str],
    ) -> tuple[str, ...]:
        prefix = f"{filename_prefix}-" if filename_prefix else ""
        folder = Path(save_directory)
        written = {prefix + name: content for name, content in files.items() if content is not None}
        write_folder(folder, written, remove=[prefix + name for name in stale])
        return tuple(str(folder / (prefix + name)) for name in files)

    def _config(self) -> dict[str, Any]:
        """tokenizer_config.json: what the constructor was given, with today's values of what can be set."""
        config = copy.deepcopy(self.init_kwargs)
        for name in {*self.init_kwargs, "model_max_length", "clean_up_tokenization_spaces"}:
            if hasattr(self, name):
                config[name] = getattr(self, name)
        config.update(self.special_tokens_map)
        if not self.extra_special_tokens:
            # A list of them, as transformers 5 writes it, has become the additional ones.
            config["extra_special_tokens"] = {}
        else:
            config.update(self.extra_special_tokens)
        for name in (
            *self.vocab_files_names,
            "vocab_file",
            "name_or_path",
            "special_tokens_map_file",
            "device_map",
        ):
            config.pop(name, None)
        if isinstance(self.chat_template, str) or self.chat_template is None:
            config.pop("chat_template", None)
        config = {key: _plain(value, typed=True) for key, value in config.items()}
        config["added_tokens_decoder"] = {index: _fields(token) for index, token in self.added_tokens_decoder.items()}
        name = type(self).__name__
        config["tokenizer_class"] = name.removesuffix("Fast") if self._has_legacy_format() else name
        return config


def _plain(value: Any, *, typed: bool) -> Any:
    """`AddedToken` as JSON, at any depth; `typed` marks it as one, else it is known to be special."""
    if isinstance(value, AddedToken):
        fields = _fields(value)
        if typed:
            return {**fields, "__type": "AddedToken"}
        del fields["special"]
        return fields
    if isinstance(value, dict):
        return {key: _plain(item, typed=typed) for key, item in value.items()}
    if isinstance(value, (list, tuple)):
        return [_plain(item, typed=typed) for item in value]
    return value


def _fields(token: AddedToken) -> dict[str, Any]:
    fields: dict[str, Any] = token.__getstate__()
    return fields


def _json(value: Any) -> bytes:
    try:
        return (json.dumps(value, indent=2, sort_keys=True, ensure_ascii=False) + "\n").encode()
    except (TypeError, ValueError) as error:
        raise TokenizerError(f"The tokenizer's arguments cannot be written as JSON: {error}.") from error
