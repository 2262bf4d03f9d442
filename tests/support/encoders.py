"""Encoders of `transformers` beside ours: tiny checkpoints with large weights, and all that can be tapped."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np

from pellucid.architectures.family import Family
from pellucid.checkpoints.hub import locate
from pellucid.engines import ENGINES, installed, load_engine, shapes
from pellucid.engines.program import Result
from pellucid.models.arrays import packed_inputs, unpacked_outputs
from pellucid.models.loading import Loaded, load

TAPS = ("hidden_states", "attentions")
LENGTHS = (11, 3, 7, 1)
TOLERANCE = {"float32": {"rtol": 1e-4, "atol": 1e-5}, "float64": {"rtol": 0, "atol": 1e-10}}
ENGINE_DTYPES = [(engine, dtype) for engine in installed() for dtype in ENGINES[engine].dtypes if dtype in TOLERANCE]


def tiny_reference(config: Any, class_name: str, *, seed: int = 0, scale: float = 0.3) -> Any:
    """A model of `transformers` with large random weights, ready to predict."""
    import torch
    import transformers

    torch.manual_seed(seed)
    model = getattr(transformers, class_name)(config)
    for name, parameter in model.named_parameters():
        is_norm = "norm" in name.lower() and name.endswith("weight")
        parameter.data = torch.randn_like(parameter) * scale + float(is_norm)
    return model.eval()


def padded_batch(vocabulary: int, types: int = 0, *, on_the_left: bool = False) -> dict[str, Any]:
    """Four rows of unequal lengths; with padding on the right, or on the left."""
    import torch

    generator = torch.Generator().manual_seed(5)
    shape = (len(LENGTHS), max(LENGTHS) + 2)
    ids = torch.randint(2, vocabulary, shape, generator=generator)
    mask = torch.arange(shape[1]) < torch.tensor(LENGTHS)[:, None]
    if on_the_left:
        mask = mask.flip(1)
    inputs = {"input_ids": ids, "attention_mask": mask.long()}
    if types:
        inputs["token_type_ids"] = torch.randint(0, types, shape, generator=generator)
    return inputs


def loaded(folder: Path, family: Family) -> tuple[Any, Loaded]:
    """The config and the parameters of a checkpoint in a folder, all of which must fit."""
    config = family.config.from_dict(json.loads((folder / "config.json").read_text(encoding="utf-8")))
    config.check()
    found = load(locate(folder), family, config, "base", model="a test")
    assert not found.report.unused
    assert not found.report.missing
    return config, found


def our_outputs(folder: Path, family: Family, engine: str, dtype: str, inputs: dict[str, Any]) -> dict[str, Any]:
    """The outputs and taps of a checkpoint's encoder on an engine, in the caller's rectangle."""
    config, found = loaded(folder, family)
    arguments = ("input_ids", "attention_mask", "token_type_ids", "position_ids")
    given = {name: inputs[name].numpy() if name in inputs else None for name in arguments}
    packed, is_token = packed_inputs(**given)
    forward = family.forward(config, "base")
    result = load_engine(engine)[1].build(forward, found.parameters, dtype=dtype, taps=TAPS)(packed)
    program = load_engine(engine)[1].build(forward, found.parameters, dtype=dtype)
    for plain in (program(packed), program.alone(packed)):
        for name, value in plain.outputs.items():
            # Where nothing is tapped, and for few rows, engines may take other kernels.
            np.testing.assert_allclose(value, result.outputs[name], **TOLERANCE[dtype])
    return unpacked_outputs(Result(result.outputs, result.taps, shapes.output_rows(forward)), is_token)


def assert_same_numbers(
    tmp_path: Path, reference: Any, family: Family, engine: str, dtype: str, inputs: dict[str, Any]
) -> None:
    """All that the reference gives, at the tokens, is what the engine gives for the checkpoint that it saves."""
    import torch

    reference.save_pretrained(tmp_path)
    with torch.no_grad():
        expected = (reference.double() if dtype == "float64" else reference)(
            **inputs, output_hidden_states=True, output_attentions=True
        )
    given = our_outputs(tmp_path, family, engine, dtype, inputs)
    assert set(given) == set(expected.keys())
    is_token = inputs["attention_mask"].numpy().astype(bool)
    for name, value in given.items():
        pairs = zip(value, expected[name], strict=True) if name in TAPS else [(value, expected[name])]
        for ours, tensor in pairs:
            theirs = tensor.numpy()
            assert ours.shape == theirs.shape
            assert ours.dtype == np.dtype(dtype)
            if name == "attentions":
                ours, theirs = np.moveaxis(ours, 1, 2)[is_token], np.moveaxis(theirs, 1, 2)[is_token]
                keys = np.broadcast_to(is_token[:, None, :], (*is_token.shape, is_token.shape[1]))[is_token]
                ours, theirs = (np.where(keys[:, None], one, 0) for one in (ours, theirs))
            elif name != "pooler_output":
                ours, theirs = ours[is_token], theirs[is_token]
            np.testing.assert_allclose(ours, theirs, **TOLERANCE[dtype], err_msg=name)
