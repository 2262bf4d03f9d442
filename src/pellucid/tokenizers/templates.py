"""The parts of a Rust tokenizer that are set once the rest is there: the special tokens around texts, and options."""

from __future__ import annotations

import json
from typing import Any

from tokenizers import processors

from pellucid.tokenizers.backend import Backend, guarded


def put_template(
    backend: Backend, cls_token: str, sep_token: str, *, separators: int = 1, second_type: int = 1
) -> None:
    """Let the special tokens be put around the texts: [CLS] A [SEP], or [CLS] A [SEP] B [SEP].

    The template holds ids, so this comes last: tokens that the vocabulary lacks must have been added.

    Args:
        backend: the tokenizer; it is changed.
        cls_token: the token before the texts.
        sep_token: the token after each text.
        separators: how many of it stand between the texts of a pair.
        second_type: the token type of the second text and of the separator after it.

    Raises:
        TokenizerError: one of the tokens is not in the vocabulary.
    """
    tokenizer = backend.tokenizer
    tokenizer.post_processor = guarded(
        lambda: processors.TemplateProcessing(
            single=[cls_token, "$A:0", sep_token],
            pair=[
                cls_token,
                "$A:0",
                *[sep_token] * separators,
                f"$B:{second_type}",
                f"{sep_token}:{second_type}",
            ],
            special_tokens=[(token, tokenizer.token_to_id(token)) for token in (cls_token, sep_token)],
        ),
        f"The special tokens {cls_token!r} and {sep_token!r} cannot be put into a template",
    )


def put_fixed_template(
    backend: Backend, cls: tuple[str, Any], sep: tuple[str, Any], *, separators: int = 1, second_type: int = 1
) -> None:
    """As `put_template`, with the family's usual tokens where the vocabulary has them, else those that were given.

    Args:
        backend: the tokenizer; it is changed.
        cls: the token before the texts: the usual one, and the given one.
        sep: the token after each text, likewise.
        separators: how many of it stand between the texts of a pair.
        second_type: the token type of the second text and of the separator after it.

    Raises:
        TokenizerError: one of the tokens is not in the vocabulary.
    """
    cls_token, sep_token = present(backend, *cls), present(backend, *sep)
    put_template(backend, cls_token, sep_token, separators=separators, second_type=second_type)


def present(backend: Backend, usual: str, given: Any) -> str:
    """The token for a template: the family's usual one where the vocabulary has it, else the one that was given.

    As in `transformers`, whose templates of these families are fixed, whatever the roles of the tokens are.
    """
    return usual if backend.tokenizer.token_to_id(usual) is not None else str(given)


def put_roberta_template(
    backend: Backend, cls_token: str, sep_token: str, *, add_prefix_space: bool, trim_offsets: bool
) -> None:
    """Let the special tokens be put around the texts as RoBERTa's: <s> A </s>, or <s> A </s></s> B </s>.

    Args:
        backend: the tokenizer; it is changed.
        cls_token: the token before the texts.
        sep_token: the token after each text.
        add_prefix_space: whether the first blank of a text was put there by the pre-tokenizer.
        trim_offsets: whether a token's offsets leave out the blank that belongs to it.

    Raises:
        TokenizerError: one of the tokens is not in the vocabulary.
    """
    tokenizer = backend.tokenizer
    tokenizer.post_processor = guarded(
        # By position: not all versions of the library have the same names.
        lambda: processors.RobertaProcessing(
            (sep_token, tokenizer.token_to_id(sep_token)),
            (cls_token, tokenizer.token_to_id(cls_token)),
            add_prefix_space=add_prefix_space,
            trim_offsets=trim_offsets,
        ),
        f"The special tokens {cls_token!r} and {sep_token!r} cannot be put into a template",
    )


def apply_options(backend: Backend, component: str, **options: Any) -> None:
    """Make a component of a tokenizer.json obey the options, where it knows them.

    Args:
        backend: the tokenizer; it is changed.
        component: "normalizer", "pre_tokenizer", "post_processor" …
        **options: what the component should have, by the names of the library.

    Raises:
        TokenizerError: the component does not take them.
    """
    state = backend.component(component)
    known = {name: value for name, value in options.items() if name in state}
    if all(state[name] == value for name, value in known.items()):
        return
    part = getattr(backend.tokenizer, component)
    # By its state, since the arguments of its class are not the same in all versions of the library.
    guarded(
        lambda: part.__setstate__(json.dumps({**state, **known}).encode()),
        f"The {component} does not take {', '.join(known)}",
    )
    setattr(backend.tokenizer, component, part)
