"""The special tokens of a tokenizer, by role: `cls_token`, `pad_token_id`, `additional_special_tokens` …"""

from __future__ import annotations

import logging
from collections.abc import Mapping, Sequence
from typing import Any, TypeAlias

from tokenizers import AddedToken

from pellucid.errors import InputError, InputTypeError, TokenizerError

logger = logging.getLogger("pellucid.tokenizers")

Token: TypeAlias = str | AddedToken

NAMED_TOKENS = ("bos_token", "eos_token", "unk_token", "sep_token", "pad_token", "cls_token", "mask_token")
ADDITIONAL = "additional_special_tokens"


class NamedToken:
    """The attribute `cls_token`: the token's text, None where the tokenizer has none; settable."""

    def __set_name__(self, owner: type, name: str) -> None:
        self.name = name

    def __get__(self, tokenizer: SpecialTokens | None, owner: type | None = None) -> Any:
        if tokenizer is None:
            return self
        return tokenizer._named_token(self.name)

    def __set__(self, tokenizer: SpecialTokens, value: Token | None) -> None:
        tokenizer._set_named_token(self.name, value)


class NamedTokenId:
    """The attribute `cls_token_id`: the token's id, None where the tokenizer has no such token; settable by id."""

    def __set_name__(self, owner: type, name: str) -> None:
        self.name = name.removesuffix("_id")

    def __get__(self, tokenizer: SpecialTokens | None, owner: type | None = None) -> Any:
        if tokenizer is None:
            return self
        token = tokenizer._named_token(self.name)
        return None if token is None else tokenizer.convert_tokens_to_ids(token)

    def __set__(self, tokenizer: SpecialTokens, value: int | None) -> None:
        tokenizer._set_named_token(self.name, None if value is None else tokenizer._known_token(value))


class SpecialTokens:
    """Special tokens by role, kept as given: a text, or an `AddedToken` with its rules of matching."""

    SPECIAL_TOKENS_ATTRIBUTES: Sequence[str] = (*NAMED_TOKENS, ADDITIONAL)

    bos_token = NamedToken()
    eos_token = NamedToken()
    unk_token = NamedToken()
    sep_token = NamedToken()
    pad_token = NamedToken()
    cls_token = NamedToken()
    mask_token = NamedToken()
    bos_token_id = NamedTokenId()
    eos_token_id = NamedTokenId()
    unk_token_id = NamedTokenId()
    sep_token_id = NamedTokenId()
    pad_token_id = NamedTokenId()
    cls_token_id = NamedTokenId()
    mask_token_id = NamedTokenId()

    verbose: bool
    _special_tokens_map: dict[str, Any]

    def convert_tokens_to_ids(self, tokens: Any) -> Any:
        """See `Vocabulary`."""
        raise NotImplementedError

    def convert_ids_to_tokens(self, ids: Any, skip_special_tokens: bool = False) -> Any:
        """See `Vocabulary`."""
        raise NotImplementedError

    def add_tokens(self, new_tokens: Any, special_tokens: bool = False) -> int:
        """See `Vocabulary`."""
        raise NotImplementedError

    def _init_special_tokens(self, given: Mapping[str, Any], extra: Any) -> None:
        """Take the roles from the constructor's arguments; `extra` adds roles of the model's own."""
        self._special_tokens_map = {**dict.fromkeys(NAMED_TOKENS), ADDITIONAL: []}
        self.extra_special_tokens: dict[str, Token] = {}
        for name in self.SPECIAL_TOKENS_ATTRIBUTES:
            value = given.get(name)
            if value is None:
                continue
            if name == ADDITIONAL:
                self._special_tokens_map[ADDITIONAL] = _token_list(value)
            else:
                self._special_tokens_map[name] = _token(value, name)
        if isinstance(extra, Mapping):
            self.extra_special_tokens = {name: _token(value, name) for name, value in extra.items()}
            self._special_tokens_map.update(self.extra_special_tokens)
            self.SPECIAL_TOKENS_ATTRIBUTES = (*self.SPECIAL_TOKENS_ATTRIBUTES, *self.extra_special_tokens)
        elif extra:
            # transformers 5 writes the additional special tokens under this name, as a list.
            known = set(map(str, self._special_tokens_map[ADDITIONAL]))
            self._special_tokens_map[ADDITIONAL] += [token for token in _token_list(extra) if str(token) not in known]

    def __getattr__(self, name: str) -> Any:
        # Roles of the model's own, such as `image_token` and `image_token_id`; all others are descriptors.
        extra = self.__dict__.get("extra_special_tokens", {})
        if name in extra:
            return self._named_token(name)
        if name.removesuffix("_id") in extra:
            return self.convert_tokens_to_ids(self._named_token(name.removesuffix("_id")))
        raise AttributeError(f"{type(self).__name__} has no attribute {name}")

    @property
    def additional_special_tokens(self) -> list[str]:
        """Special tokens without a role; settable."""
        return [str(token) for token in self._special_tokens_map[ADDITIONAL] or []]

    @additional_special_tokens.setter
    def additional_special_tokens(self, value: Sequence[Token] | None) -> None:
        self._special_tokens_map[ADDITIONAL] = _token_list(value or [])

    @property
    def additional_special_tokens_ids(self) -> list[int]:
        """The ids of the special tokens without a role; settable by ids."""
        ids: list[int] = self.convert_tokens_to_ids(self.additional_special_tokens)
        return ids

    @additional_special_tokens_ids.setter
    def additional_special_tokens_ids(self, value: Sequence[int]) -> None:
        self.additional_special_tokens = [self._known_token(index) for index in value]

    @property
    def special_tokens_map(self) -> dict[str, str | list[str]]:
        """The special tokens by role, as texts; roles that are not filled are left out."""
        return {
            name: [str(token) for token in value] if isinstance(value, list) else str(value)
            for name, value in self.special_tokens_map_extended.items()
        }

    @property
    def special_tokens_map_extended(self) -> dict[str, Any]:
        """The special tokens by role, as given: texts or `AddedToken`; roles that are not filled are left out."""
        values = ((name, self._special_tokens_map.get(name)) for name in self.SPECIAL_TOKENS_ATTRIBUTES)
        return {name: value for name, value in values if value}

    @property
    def all_special_tokens_extended(self) -> list[Token]:
        """All special tokens once, as given: texts or `AddedToken`."""
        tokens: dict[str, Token] = {}
        for value in self.special_tokens_map_extended.values():
            for token in value if isinstance(value, list) else [value]:
                tokens.setdefault(str(token), token)
        return list(tokens.values())

    @property
    def all_special_tokens(self) -> list[str]:
        """All special tokens once, as texts."""
        return [str(token) for token in self.all_special_tokens_extended]

    @property
    def all_special_ids(self) -> list[int]:
        """The ids of all special tokens."""
        ids: list[int] = self.convert_tokens_to_ids(self.all_special_tokens)
        return ids

    @property
    def pad_token_type_id(self) -> int:
        """The token type of padding."""
        return 0

    def add_special_tokens(
        self, special_tokens_dict: Mapping[str, Any], replace_additional_special_tokens: bool = True
    ) -> int:
        """Give roles to tokens, and add those that the vocabulary lacks.

        The model's embedding then needs `len(tokenizer)` rows.

        Args:
            special_tokens_dict: tokens by role: `{"pad_token": "[PAD]", "additional_special_tokens": ["<a>"]}`.
            replace_additional_special_tokens: whether the given additional tokens replace the present ones, which stay
                in the vocabulary, or join them.

        Returns:
            How many tokens were added, as `add_tokens` counts them.

        Raises:
            InputError: an unknown role, or a value that is no token.
        """
        added: list[Token] = []
        roles: dict[str, Any] = {}
        for name, value in special_tokens_dict.items():
            if name not in self.SPECIAL_TOKENS_ATTRIBUTES:
                known = ", ".join(self.SPECIAL_TOKENS_ATTRIBUTES)
                raise InputError(f"Key {name} is not a special token. The roles are: {known}.", key=name)
            if name != ADDITIONAL:
                roles[name] = _as_special(_token(value, name))
                # Equal tokens, AddedToken to AddedToken, are added once.
                if roles[name] not in added:
                    added.append(roles[name])
                continue
            tokens = [_as_special(token) for token in _token_list(value)]
            present = self._special_tokens_map[ADDITIONAL]
            if replace_additional_special_tokens and tokens:
                roles[name] = tokens
            else:
                known_texts = set(map(str, present))
                tokens = [token for token in tokens if str(token) not in known_texts]
                roles[name] = [*present, *tokens]
            added += tokens
        count = self.add_tokens(added, special_tokens=True)
        self._special_tokens_map = {**self._special_tokens_map, **roles}
        return count

    def _named_token(self, name: str) -> str | None:
        value = self._special_tokens_map[name]
        if value is None:
            if self.verbose:
                logger.error("Using %s, but it is not set yet.", name)
            return None
        return str(value)

    def _set_named_token(self, name: str, value: Token | None) -> None:
        if value is not None and not isinstance(value, (str, AddedToken)):
            raise InputTypeError(
                f"Cannot set a non-string value as the {name}: got {type(value).__name__}. Give a string or an "
                "AddedToken.",
                name=name,
            )
        self._special_tokens_map[name] = value

    def _known_token(self, index: int) -> str:
        token = self.convert_ids_to_tokens(index)
        if token is None:
            raise InputError(f"No token has the id {index}, so it cannot be made a special token.", id=index)
        return str(token)


def _token(value: Any, name: str) -> Token:
    if isinstance(value, (str, AddedToken)):
        return value
    raise TokenizerError(
        f"Special token {name} has to be either str or AddedToken but got: {type(value).__name__}.", name=name
    )


def _token_list(value: Any) -> list[Token]:
    if not isinstance(value, (list, tuple)):
        raise TokenizerError(
            f"{ADDITIONAL} has to be a list of tokens but got: {type(value).__name__}.", name=ADDITIONAL
        )
    return [_token(token, ADDITIONAL) for token in value]


def _as_special(token: Token) -> AddedToken:
    if isinstance(token, AddedToken):
        return token
    return AddedToken(token, rstrip=False, lstrip=False, normalized=False, special=True)
