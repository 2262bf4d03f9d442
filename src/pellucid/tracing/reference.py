"""The same text through `transformers`, as the other side of a comparison."""

from __future__ import annotations

import importlib
from collections.abc import Mapping, Sequence
from functools import cache
from importlib.util import find_spec
from types import ModuleType
from typing import Any

import numpy as np
import numpy.typing as npt

from pellucid.errors import EngineNotInstalledError, InputError, InputTypeError
from pellucid.models.pretrained import Pretrained
from pellucid.tracing.sides import Side
from pellucid.tracing.trace import Trace

Floats = npt.NDArray[np.floating[Any]]

CLASSES = {
    "base": "AutoModel",
    "sequence-classification": "AutoModelForSequenceClassification",
    "token-classification": "AutoModelForTokenClassification",
    "question-answering": "AutoModelForQuestionAnswering",
    "masked-language-model": "AutoModelForMaskedLM",
}
"""The class of `transformers` for each head."""


def has_transformers() -> bool:
    """Whether `transformers` and PyTorch are installed."""
    return find_spec("transformers") is not None and find_spec("torch") is not None


def loaded_reference(model: Pretrained, head: str) -> tuple[Any, Any]:
    """The model and the tokenizer that `transformers` makes of the same checkpoint, in float32.

    Raises:
        EngineNotInstalledError: `transformers` or PyTorch is not installed.
        InputError: the model is of no checkpoint, or has a head that `transformers` has no class for.
    """
    transformers = _transformers()
    checkpoint = model.checkpoint
    if checkpoint is None:
        raise InputError("This model is of no checkpoint, so `transformers` can't load the same one. Save it first.")
    if head not in CLASSES:
        raise InputError(f"`transformers` has no automatic class for the head {head!r}.", head=head)
    name = checkpoint.name if checkpoint.folder is None else str(checkpoint.folder)
    where = {"subfolder": checkpoint.subfolder}
    if checkpoint.folder is None:
        where["revision"] = checkpoint.commit or "main"
    # Only the plain way of computing attention gives its probabilities.
    loaded = getattr(transformers, CLASSES[head]).from_pretrained(name, attn_implementation="eager", **where)
    return loaded.float().eval(), transformers.AutoTokenizer.from_pretrained(name, **where)


def reference_of(trace: Trace, model: Any, tokenizer: Any) -> Side:
    """What a model of `transformers` gives for the text of a trace.

    Texts are encoded by its own tokenizer; the windows of a long text are taken as the trace has them. Sequences are
    computed one by one, without padding.

    Args:
        trace: whose text it is.
        model: of `transformers`.
        tokenizer: of `transformers`.

    Raises:
        InputTypeError: the model is none of `transformers`.
    """
    if not hasattr(model, "forward") or not hasattr(model, "config"):
        raise InputTypeError(
            f"A trace is compared with a trace, with a pipeline or a model of `transformers`, or with the word "
            f'"transformers"; got {type(model).__name__}.',
            type=type(model).__name__,
        )
    torch = importlib.import_module("torch")
    version = getattr(_transformers(), "__version__", "")
    encoded, tokens = zip(*(_encoded(trace, number, tokenizer) for number in range(len(trace.sequences))), strict=True)
    run = _Run(torch, model, encoded)
    masks = [np.array(own["input_ids"]) == getattr(tokenizer, "mask_token_id", None) for own in encoded]
    outputs = [
        _outputs(trace.sequences[number].values, given, masks[number]) for number, given in enumerate(run.plain())
    ]
    return Side(
        name=f"{getattr(model, 'name_or_path', '')} in transformers {version}, {_dtype(model)}".strip(),
        dtype=_dtype(model),
        tokens=tokens,
        ids=[list(own["input_ids"]) for own in encoded],
        outputs=outputs,
        hidden_states=cache(run.hidden_states),
        attentions=cache(run.attentions),
        labels=trace.labels,
    )


class _Run:
    """The model's outputs for sequences, each computed alone."""

    def __init__(self, torch: Any, model: Any, encoded: Sequence[Mapping[str, Any]]) -> None:
        self._torch, self._model, self._encoded = torch, model, encoded

    def plain(self) -> list[Any]:
        return [self._call(own) for own in self._encoded]

    def hidden_states(self) -> list[Floats]:
        found = [self._call(own, output_hidden_states=True).hidden_states for own in self._encoded]
        return [np.concatenate([_array(one[0]) for one in layer]) for layer in zip(*found, strict=True)]

    def attentions(self) -> list[Floats]:
        if hasattr(self._model, "set_attn_implementation"):
            self._model.set_attn_implementation("eager")
        found = self._call(self._encoded[0], output_attentions=True).attentions
        return [_array(layer[0]) for layer in found or () if layer is not None]

    def _call(self, given: Mapping[str, Any], **options: bool) -> Any:
        device = next(self._model.parameters()).device
        tensors = {name: self._torch.tensor([list(row)], device=device) for name, row in given.items()}
        was_training = self._model.training
        try:
            with self._torch.no_grad():
                return self._model.eval()(**tensors, **options)
        finally:
            self._model.train(was_training)


def _encoded(trace: Trace, number: int, tokenizer: Any) -> tuple[dict[str, Any], list[str]]:
    """What the model is given for a sequence, and its tokens; a window, or a text that was cut, is the trace's own."""
    one = trace.sequences[number]
    if [other.row for other in trace.sequences].count(one.row) == 1:
        row = trace.rows[one.row]
        if isinstance(row.text, list | tuple):
            found = tokenizer(list(row.text), is_split_into_words=True)
        else:
            found = tokenizer(row.text) if row.pair is None else tokenizer(row.text, row.pair)
        if len(found["input_ids"]) <= len(one.tokens):
            # Of what the vocabulary lacks, some tokenizers tell the characters.
            is_told = getattr(found, "is_fast", False)
            return dict(found), found.tokens() if is_told else tokenizer.convert_ids_to_tokens(found["input_ids"])
    given: dict[str, Any] = {"input_ids": [token.id for token in one.tokens], "attention_mask": [1] * len(one.tokens)}
    if "token_type_ids" in tokenizer.model_input_names:
        given["token_type_ids"] = list(one.types)
    return given, [token.token for token in one.tokens]


def _outputs(wanted: Mapping[str, Floats], given: Any, is_mask: npt.NDArray[np.bool_]) -> dict[str, Floats]:
    found = {name: _array(given[name][0]) for name in wanted if name in given}
    for name, value in found.items():
        # Of a masked language model a trace has the rows of masks alone.
        if len(value) == len(is_mask) and len(wanted[name]) == is_mask.sum() != len(value):
            value = value[is_mask]
        # A single number for each token is a row of one here.
        found[name] = value[..., None] if value.ndim + 1 == wanted[name].ndim else value
    return found


def _array(tensor: Any) -> Floats:
    return np.asarray(tensor.detach().cpu().float().numpy())


def _dtype(model: Any) -> str:
    return str(next(model.parameters()).dtype).removeprefix("torch.")


def _transformers() -> ModuleType:
    if not has_transformers():
        raise EngineNotInstalledError(
            "`transformers` and PyTorch are needed to compare with them: pip install transformers torch",
            engine="transformers",
        )
    return importlib.import_module("transformers")
