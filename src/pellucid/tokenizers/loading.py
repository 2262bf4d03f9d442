"""The tokenizer files of a checkpoint, and the constructor's arguments that they amount to."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from tokenizers import AddedToken

from pellucid.checkpoints.hub import Checkpoint, locate
from pellucid.checkpoints.json_file import read_json
from pellucid.errors import OfflineError, TokenizerError, TokenizerNotFoundError
from pellucid.tokenizers.backend import Backend, LoadedBackend
from pellucid.tokenizers.special_tokens import ADDITIONAL, NAMED_TOKENS

TOKENIZER_FILE = "tokenizer.json"
CONFIG_FILE = "tokenizer_config.json"
SPECIAL_TOKENS_FILE = "special_tokens_map.json"
ADDED_TOKENS_FILE = "added_tokens.json"
CHAT_TEMPLATE_FILE = "chat_template.jinja"

_LOCATING = ("revision", "cache_dir", "token", "local_files_only", "force_download", "subfolder")
# Arguments of `transformers` that say how to fetch or what to trust; none of them is about the tokenizer.
_WITHOUT_EFFECT = (
    "trust_remote_code",
    "resume_download",
    "proxies",
    "use_auth_token",
    "from_slow",
    "code_revision",
)
# The class of transformers 5 that is as the tokenizer.json says.
_CLASS_FOR_ANY = "TokenizersBackend"
# Options of BERT's classes, by their names in the Rust library.
_NORMALIZER_OPTIONS = {
    "lowercase": "do_lower_case",
    "strip_accents": "strip_accents",
    "handle_chinese_chars": "tokenize_chinese_chars",
}
_ADDED_TOKEN_FIELDS = ("content", "single_word", "lstrip", "rstrip", "normalized", "special")


@dataclass(frozen=True)
class TokenizerFiles:
    """The files of one tokenizer, read; None or empty where the checkpoint has no such file."""

    name: str
    config: dict[str, Any]
    special_tokens: dict[str, Any]
    added_tokens: dict[str, Any]
    loaded_backend: LoadedBackend | None
    vocabulary: dict[str, Path]
    chat_template: str | None


def locate_tokenizer(name: Any, arguments: dict[str, Any]) -> Checkpoint:
    """Find the checkpoint; takes the arguments that say where to look out of `arguments`."""
    if "use_auth_token" in arguments:
        arguments.setdefault("token", arguments["use_auth_token"])
    for unused in _WITHOUT_EFFECT:
        arguments.pop(unused, None)
    places = {key: arguments.pop(key) for key in _LOCATING if key in arguments}
    if places.get("subfolder") is None:
        places.pop("subfolder", None)
    return locate(name, **places)


def read_config(checkpoint: Checkpoint, filename: str) -> dict[str, Any]:
    """A JSON file of the checkpoint; empty where there is none."""
    path = checkpoint.file(filename)
    return {} if path is None else read_json(path, TokenizerError)


def read_files(checkpoint: Checkpoint, vocabulary_names: Mapping[str, str]) -> TokenizerFiles:
    """Read all tokenizer files.

    Args:
        checkpoint: where they are.
        vocabulary_names: the names of the old vocabulary files that the tokenizer's class can convert, by the argument
            of its constructor that takes the path; empty: it cannot convert any.

    Raises:
        TokenizerNotFoundError: there is neither a tokenizer.json nor all of those files.
        OfflineError: they are not in the cache, and the Hub is out of reach.
        TokenizerError: one of them is damaged.
    """
    path = checkpoint.file(TOKENIZER_FILE)
    places = {argument: checkpoint.file(name) for argument, name in vocabulary_names.items()}
    vocabulary = {argument: place for argument, place in places.items() if place is not None}
    if path is None and (not vocabulary or len(vocabulary) < len(places)):
        raise not_found(checkpoint, TOKENIZER_FILE, *vocabulary_names.values())
    template = checkpoint.file(CHAT_TEMPLATE_FILE)
    return TokenizerFiles(
        name=checkpoint.name,
        config=read_config(checkpoint, CONFIG_FILE),
        special_tokens=read_config(checkpoint, SPECIAL_TOKENS_FILE),
        added_tokens=read_config(checkpoint, ADDED_TOKENS_FILE),
        loaded_backend=None if path is None else Backend.from_file(path),
        vocabulary=vocabulary,
        chat_template=None if template is None else template.read_text(encoding="utf-8"),
    )


def not_found(checkpoint: Checkpoint, *names: str, hint: str = "") -> Exception:
    """The error for a checkpoint that has none of these files."""
    missing = checkpoint.missing(*names)
    if isinstance(missing, OfflineError):
        return missing
    where = f"The folder {checkpoint.folder}" if checkpoint.folder else f"The repository {checkpoint.name!r}"
    return TokenizerNotFoundError(
        f"{where} has no tokenizer: looked for {', '.join(names)}. {hint or 'Save one there with save_pretrained().'}",
        path=str(checkpoint.folder or checkpoint.name),
        names=names,
    )


def constructor_arguments(files: TokenizerFiles, overrides: Mapping[str, Any]) -> dict[str, Any]:
    """What the files amount to as arguments of the tokenizer's class; `overrides` win.

    The newest form of each fact wins: `added_tokens_decoder` of tokenizer_config.json over special_tokens_map.json and
    added_tokens.json, which old checkpoints have, over the tokens in tokenizer.json.

    Raises:
        TokenizerError: a token that is neither a text nor an object with "content".
    """
    arguments = {key: value for key, value in files.config.items() if key not in ("tokenizer_class", "init_inputs")}
    if "backend" in files.config and files.loaded_backend is not None:
        arguments = {**_stored_options(files.loaded_backend.backend, files.config.get("tokenizer_class")), **arguments}
    arguments.update(overrides)
    if files.chat_template is not None:
        arguments.setdefault("chat_template", files.chat_template)
    arguments["name_or_path"] = files.name
    if "added_tokens_decoder" in arguments:
        by_id = _added_tokens_by_id(arguments["added_tokens_decoder"])
    else:
        _merge_special_tokens(arguments, files.special_tokens, overrides)
        special = _special_texts(arguments)
        by_id = {
            _id(index, ADDED_TOKENS_FILE): AddedToken(
                text, rstrip=False, lstrip=False, normalized=text not in special, special=text in special
            )
            for text, index in files.added_tokens.items()
        }
        if files.loaded_backend is not None:
            by_id.update(files.loaded_backend.backend.tokenizer.get_added_tokens_decoder())
    arguments["added_tokens_decoder"] = by_id
    by_text = {str(token.content): token for token in by_id.values()}
    for name in (*NAMED_TOKENS, ADDITIONAL, "extra_special_tokens"):
        if arguments.get(name) is not None:
            arguments[name] = _tokens(arguments[name], name)
        value = arguments.get(name)
        # The same token with its rules of matching.
        if name in NAMED_TOKENS and value is not None:
            arguments[name] = by_text.get(str(value), value)
    for name in ("vocab_file", "merges_file", "tokenizer_file"):
        # Paths of the machine that saved it.
        if name not in overrides:
            arguments.pop(name, None)
    for name, place in files.vocabulary.items():
        arguments.setdefault(name, str(place))
    if files.loaded_backend is not None and "tokenizer_file" not in overrides:
        arguments["loaded_backend"] = files.loaded_backend
    return arguments


def _stored_options(backend: Backend, class_name: Any) -> dict[str, Any]:
    """The options that a tokenizer.json has itself.

    transformers 5, which writes "backend" into the config, leaves those of BERT's classes out there; the defaults of
    4.57 would turn a cased tokenizer into an uncased one. Its class for any tokenizer.json knows no options at all.
    """
    tables = {"normalizer": _NORMALIZER_OPTIONS}
    if class_name == _CLASS_FOR_ANY:
        tables["pre_tokenizer"] = {"add_prefix_space": "add_prefix_space"}
    return {
        option: state[name]
        for component, names in tables.items()
        for state in [backend.component(component)]
        for name, option in names.items()
        if name in state
    }


def _merge_special_tokens(
    arguments: dict[str, Any], special_tokens: Mapping[str, Any], overrides: Mapping[str, Any]
) -> None:
    for name, value in special_tokens.items():
        if overrides.get(name):
            continue
        if name == ADDITIONAL and isinstance(value, list):
            present = list(_tokens(arguments.get(ADDITIONAL) or [], name))
            given = [_special(token, name) for token in value]
            arguments[name] = present + [token for token in given if token not in present]
        else:
            arguments[name] = _special(value, name)


def _special(value: Any, name: str) -> Any:
    """The token, marked as special where it is an object: files of old do not say so."""
    return _tokens({**value, "special": True} if isinstance(value, dict) and "content" in value else value, name)


def _tokens(value: Any, name: str) -> Any:
    """Turn the JSON of added tokens into `AddedToken`, at any depth."""
    if isinstance(value, (list, tuple)):
        return [_tokens(item, name) for item in value]
    if isinstance(value, dict):
        if "content" not in value:
            return {key: _tokens(item, name) for key, item in value.items()}
        fields = {key: item for key, item in value.items() if key in _ADDED_TOKEN_FIELDS}
        try:
            # A content that is no text would only be refused when the token is used.
            return AddedToken(**{**fields, "content": value["content"] + ""})
        except TypeError as error:
            raise TokenizerError(f"{name} holds a token that cannot be read: {value!r:.120}.", name=name) from error
    return value


def _added_tokens_by_id(value: Any) -> dict[int, AddedToken]:
    if not isinstance(value, Mapping):
        raise TokenizerError(f"added_tokens_decoder is a {type(value).__name__}; it must be a dictionary of tokens.")
    tokens = {}
    for index, token in value.items():
        converted = _tokens(token, "added_tokens_decoder")
        if not isinstance(converted, AddedToken):
            raise TokenizerError(
                f"Found a {type(token).__name__} in the saved `added_tokens_decoder`, should be a dictionary or an "
                "AddedToken instance."
            )
        tokens[_id(index, "added_tokens_decoder")] = converted
    return tokens


def _id(value: Any, name: str) -> int:
    try:
        return int(value)
    except (TypeError, ValueError) as error:
        raise TokenizerError(f"{name} has {value!r} where a token's id is expected.", name=name) from error


def _special_texts(arguments: Mapping[str, Any]) -> set[str]:
    values = [(name, arguments.get(name)) for name in NAMED_TOKENS]
    values += [(ADDITIONAL, token) for token in arguments.get(ADDITIONAL) or []]
    return {str(_tokens(value, name)) for name, value in values if value is not None}
