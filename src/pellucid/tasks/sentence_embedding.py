"""Sentence embedding: one vector for each text, near to those of texts that mean the same.

Pooling, normalisation, prompts and lengths are read from the files of sentence-transformers beside a checkpoint
(Reimers & Gurevych, 2019, arXiv:1908.10084), and the vectors are its own.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, ClassVar

import numpy as np

from pellucid.errors import InputError, InputTypeError, UnsupportedConfigError
from pellucid.tasks import task
from pellucid.tasks.measures import MEASURES
from pellucid.tasks.pooling import MODES, normalised, pooled, recipe_of
from pellucid.tasks.task import Context, Floats, Found, Row, Task
from pellucid.tasks.tokenizing import check_tokenizing


@dataclass(frozen=True)
class Settings(task.Settings):
    """What was made of the caller's arguments.

    Attributes:
        modes: how hidden states become one vector.
        normalises: whether vectors have the length 1.
        size: how many numbers of each vector are kept; None for all.
        prompt: what is put before each text.
        skipped: how many tokens of the prompt are not pooled.
        return_tensors: answer with an array instead of lists.
    """

    modes: tuple[str, ...] = ("mean",)
    normalises: bool = False
    size: int | None = None
    prompt: str = ""
    skipped: int = 0
    return_tensors: bool = False


class SentenceEmbedding(Task):
    """One vector for each text."""

    head = "base"
    outputs = ("last_hidden_state",)
    checkpoint = ("sentence-transformers/all-MiniLM-L6-v2", "main")
    window = 128  # the hidden states of all its texts are held
    arguments: ClassVar[tuple[str, ...]] = (
        "normalize",
        "pooling",
        "prompt",
        "prompt_name",
        "return_tensors",
        "truncate_dim",
    )

    def __init__(self, context: Context) -> None:
        super().__init__(context)
        self.recipe = recipe_of(context)
        if self.recipe.similarity not in MEASURES:
            raise UnsupportedConfigError(
                f"{context.name!r} compares vectors by {self.recipe.similarity!r}; only {', '.join(MEASURES)} are "
                "computed."
            )
        self.nearness = MEASURES[self.recipe.similarity]

    def similarity(self, first: Any, second: Any, embed: Callable[[Sequence[str]], list[Any]]) -> Any:
        """How near texts, or their vectors, are to each other, by the checkpoint's measure: `[N, M]`."""
        return self.nearness(*(vectors_of(one, embed) for one in (first, second)))

    def settle(self, arguments: Mapping[str, Any]) -> Settings:
        """Read the caller's arguments.

        Args:
            arguments: `normalize` and `pooling` ("mean", "cls", "max", …) in place of what the checkpoint says;
                `truncate_dim`, to keep the first numbers of each vector (Kusupati et al., 2022, arXiv:2205.13147);
                `prompt`, or `prompt_name` for one of the checkpoint's; `return_tensors` for arrays.

        Raises:
            InputError: a value that means nothing.
        """
        rest, recipe = dict(arguments), self.recipe
        pooling = rest.pop("pooling", None)
        if pooling is not None and pooling not in MODES:
            raise InputError(f"`pooling={pooling!r}` is not one of {', '.join(MODES)}.", name="pooling")
        size = rest.pop("truncate_dim", None)
        if size is not None and (type(size) is not int or size < 1):
            raise InputError(f"`truncate_dim={size!r}` must be a whole number above 0.", name="truncate_dim")
        prompt = self._prompt_of(rest.pop("prompt", None), rest.pop("prompt_name", None))
        normalises = rest.pop("normalize", None)
        return_tensors = bool(rest.pop("return_tensors", False))
        # As in sentence-transformers, what a text has beyond the checkpoint's length is not read; it is said.
        tells = "truncation" not in rest
        tokenizing = {"truncation": True, **check_tokenizing(rest, self.arguments)}
        if tokenizing["truncation"] and tokenizing.get("max_length") is None and recipe.max_length is not None:
            tokenizing["max_length"] = min(recipe.max_length, self.context.max_length)
        return Settings(
            tokenizing,
            tells_truncation=tells,
            modes=recipe.modes if pooling is None else (pooling,),
            normalises=recipe.normalises if normalises is None else bool(normalises),
            size=size,
            prompt=prompt,
            skipped=0 if recipe.includes_prompt or not prompt else self._tokens_of(prompt),
            return_tensors=return_tensors,
        )

    def _prompt_of(self, prompt: Any, name: Any) -> str:
        prompts = self.recipe.prompts
        if prompt is not None:
            if not isinstance(prompt, str):
                raise InputError(f"`prompt={prompt!r}` must be a string.", name="prompt")
            return prompt
        name = self.recipe.default_prompt if name is None else name
        if name is None:
            return ""
        if name not in prompts:
            raise InputError(
                f"`prompt_name={name!r}` is none of the checkpoint's prompts: {', '.join(prompts) or 'it has none'}.",
                name="prompt_name",
            )
        return str(prompts[name])

    def _tokens_of(self, prompt: str) -> int:
        """The tokens of a prompt, [CLS] counted and [SEP] not."""
        encoding = self.context.tokenizer.encode_ragged([prompt])[0]
        ends_special = bool(encoding.special_tokens_mask[-1])
        return len(encoding) - int(ends_special)

    def rows(self, item: Any, index: int, settings: Settings) -> list[Row]:
        """The text of one input, the prompt before it."""
        (row,) = super().rows(item, index, settings)
        return [Row(settings.prompt + row.text)]

    def vector(self, found: Found, settings: Settings) -> Floats:
        """One text's vector `[H]`, float32."""
        hidden = next(found.windows).values["last_hidden_state"][settings.skipped :]
        vector = np.concatenate([pooled(hidden, mode, settings.skipped) for mode in settings.modes])
        for layer in self.recipe.dense:
            vector = layer(vector)
        vector = vector[: settings.size]
        return normalised(vector) if settings.normalises else vector

    def answer(self, found: Found, settings: Settings) -> Any:
        """One text's vector, as a list of numbers or an array `[H]`."""
        vector = self.vector(found, settings)
        return vector if settings.return_tensors else vector.tolist()

    def listed(self, answers: list[Any], inputs: Any) -> Any:
        """Arrays of many texts as one, `[B, H]`."""
        are_arrays = bool(answers) and all(isinstance(one, np.ndarray) for one in answers)
        return np.stack(answers) if are_arrays else answers


def vectors_of(given: Any, embed: Callable[[Sequence[str]], list[Any]]) -> Floats:
    """Vectors `[N, H]`, of texts or as they are; one text or vector is a list of one.

    Raises:
        InputTypeError: neither texts nor rows of numbers.
    """
    if isinstance(given, str):
        given = [given]
    if isinstance(given, list | tuple) and given and all(isinstance(one, str) for one in given):
        return np.stack(embed(given))
    array = np.asarray(given)
    if array.dtype.kind not in "fiu" or array.ndim not in (1, 2):
        raise InputTypeError("What is compared must be texts, or their vectors: a list of strings, or numbers [N, H].")
    return np.atleast_2d(array)
