"""A new vocabulary for the same way of splitting."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any, TypeVar

from tokenizers import AddedToken, Tokenizer, pre_tokenizers, trainers

from pellucid.errors import TokenizerError
from pellucid.tokenizers.backend import guarded
from pellucid.tokenizers.special_tokens import ADDITIONAL, NAMED_TOKENS, Token
from pellucid.tokenizers.vocabulary import Vocabulary

_TRAINERS = {
    "BPE": trainers.BpeTrainer,
    "Unigram": trainers.UnigramTrainer,
    "WordLevel": trainers.WordLevelTrainer,
    "WordPiece": trainers.WordPieceTrainer,
}

AnyTraining = TypeVar("AnyTraining", bound="Training")


class Training(Vocabulary):
    """Training over the Rust library's trainers."""

    init_kwargs: dict[str, Any]

    def train_new_from_iterator(
        self: AnyTraining,
        text_iterator: Iterable[Any],
        vocab_size: int,
        length: int | None = None,
        new_special_tokens: Sequence[Token] | None = None,
        special_tokens_map: Mapping[str, str] | None = None,
        **kwargs: Any,
    ) -> AnyTraining:
        """Train a tokenizer that splits as this one does, on other texts.

        Args:
            text_iterator: texts, or lists of texts.
            vocab_size: tokens of the new vocabulary.
            length: texts in all, for the progress bar.
            new_special_tokens: further special tokens.
            special_tokens_map: new texts for special tokens of this tokenizer.
            **kwargs: for the Rust library's trainer (`min_frequency`, `limit_alphabet`, `show_progress` …).

        Returns:
            A new tokenizer of the same class.

        Raises:
            TokenizerError: the model cannot be trained, or the trainer refuses an argument.
        """
        renamed = dict(special_tokens_map or {})
        state = json.loads(self._backend.tokenizer.to_str())
        # Both name tokens by id, and the ids are about to change.
        added, post_processor = state.pop("added_tokens"), state.pop("post_processor")
        model = state["model"]
        kind = model["type"]
        if kind not in _TRAINERS:
            raise TokenizerError(
                f"This method does not support this type of tokenizer (found {kind}) only {', '.join(_TRAINERS)}."
            )
        arguments = {**_trainer_arguments(state, renamed), **kwargs}
        untrained = guarded(lambda: Tokenizer.from_str(json.dumps(state)), "The tokenizer cannot be emptied")
        special: list[Token] = []
        for token in added:
            is_special = token.pop("special", None)
            token.pop("id", None)
            if is_special or kind == "Unigram":
                token["content"] = renamed.get(token["content"], token["content"])
                special.append(AddedToken(**token))
        special += list(new_special_tokens or [])
        trainer = guarded(
            lambda: _TRAINERS[kind](vocab_size=vocab_size, special_tokens=special, **arguments),
            "The trainer cannot be made of these arguments",
        )
        guarded(
            lambda: untrained.train_from_iterator(text_iterator, length=length, trainer=trainer),
            "Training failed",
        )
        if post_processor is not None:
            trained = json.loads(untrained.to_str())
            trained["post_processor"] = _with_new_ids(post_processor, untrained, renamed)
            untrained = guarded(lambda: Tokenizer.from_str(json.dumps(trained)), "The trained tokenizer is damaged")
        constructor: Callable[..., AnyTraining] = type(self)
        return constructor(tokenizer_object=untrained, **self._arguments_for_new(renamed, new_special_tokens))

    def _arguments_for_new(
        self, renamed: Mapping[str, str], new_special_tokens: Sequence[Token] | None
    ) -> dict[str, Any]:
        arguments = dict(self.init_kwargs)
        for name in NAMED_TOKENS:
            token = self._special_tokens_map[name]
            if token is None:
                continue
            text = renamed.get(str(token), str(token))
            if isinstance(token, AddedToken):
                fields: dict[str, Any] = {**token.__getstate__(), "content": text, "special": True}
                arguments[name] = AddedToken(**fields)
            else:
                arguments[name] = text
        additional = [*self.additional_special_tokens, *(new_special_tokens or [])]
        if additional:
            arguments[ADDITIONAL] = additional
        return arguments


def _trainer_arguments(state: dict[str, Any], renamed: Mapping[str, str]) -> dict[str, Any]:
    """Empty the model's vocabulary in `state`, and say what the trainer must know of it."""
    model = state["model"]
    arguments: dict[str, Any] = {}
    if model["type"] == "Unigram":
        model["vocab"] = model["vocab"] if model["unk_id"] is None else [model["vocab"][model["unk_id"]]]
        if model["unk_id"] is not None:
            unknown = renamed.get(model["vocab"][0][0], model["vocab"][0][0])
            model["unk_id"], model["vocab"] = 0, [[unknown, 0.0]]
            arguments["unk_token"] = unknown
    else:
        model["vocab"] = {}
    if model["type"] == "BPE":
        model["merges"] = []
        names = ("continuing_subword_prefix", "end_of_word_suffix")
        arguments.update({name: model[name] for name in names if model.get(name) is not None})
    if model.get("unk_token") in renamed:
        model["unk_token"] = renamed[model["unk_token"]]
    splitting = state["pre_tokenizer"] or {}
    if "ByteLevel" in [splitting.get("type"), *(part["type"] for part in splitting.get("pretokenizers", []))]:
        arguments["initial_alphabet"] = pre_tokenizers.ByteLevel.alphabet()
    return arguments


def _with_new_ids(post_processor: dict[str, Any], tokenizer: Tokenizer, renamed: Mapping[str, str]) -> dict[str, Any]:
    """The post-processor with the ids that its special tokens have now."""

    def new_id(token: str) -> int:
        index = tokenizer.token_to_id(token)
        if index is None:
            raise TokenizerError(
                f"Attempted to set a token in the post processor that does not exist in the mapping: {token!r}.",
                token=token,
            )
        return int(index)

    for special in post_processor.get("special_tokens", {}).values():
        special["tokens"] = [renamed.get(token, token) for token in special["tokens"]]
        special["ids"] = [new_id(token) for token in special["tokens"]]
    for role in ("cls", "sep"):
        if role in post_processor:
            token = renamed.get(post_processor[role][0], post_processor[role][0])
            post_processor[role] = [token, new_id(token)]
    return post_processor
