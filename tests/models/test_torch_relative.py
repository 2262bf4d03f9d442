"""Models with rotary or relative positions as modules of PyTorch: in graphs, and while they learn."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest

torch = pytest.importorskip("torch")

from pellucid.architectures import FAMILIES  # noqa: E402
from pellucid.models.base import PreTrainedModel  # noqa: E402
from support.encoders import padded_batch  # noqa: E402

COMMON: dict[str, Any] = {
    "vocab_size": 60, "hidden_size": 24, "num_hidden_layers": 2, "num_attention_heads": 3, "intermediate_size": 20,
    "max_position_embeddings": 40, "pad_token_id": 0, "initializer_range": 0.5,
}  # fmt: skip
OWN: dict[str, dict[str, Any]] = {
    "modernbert": {"local_attention": 6},
    "deberta-v2": {
        "relative_attention": True, "pos_att_type": "c2p|p2c", "position_biased_input": False, "position_buckets": 4,
        "max_relative_positions": 12, "share_att_key": True, "norm_rel_ebd": "layer_norm",
    },
    "mpnet": {"max_position_embeddings": 48},
    "deberta": {"relative_attention": True, "pos_att_type": "c2p|p2c", "position_biased_input": False},
}  # fmt: skip


@pytest.fixture(params=OWN)
def model(request: pytest.FixtureRequest) -> Iterator[Any]:
    class Encoder(PreTrainedModel):
        family, head_name = FAMILIES[request.param], "base"

    config = FAMILIES[request.param].config(**{**COMMON, **OWN[request.param]})
    yield Encoder(config, engine="torch").eval()
    # Graphs of many models hang on one function, and their number is limited.
    torch.compiler.reset()


def test_a_compiled_and_an_exported_model_give_the_same(model: Any) -> None:
    inputs = padded_batch(COMMON["vocab_size"])
    is_token = inputs["attention_mask"].bool()
    taps = {"output_hidden_states": True, "output_attentions": True}
    with torch.no_grad():
        expected, plain = model(**inputs, **taps), model(**inputs)
        output = torch.compile(model, fullgraph=True, backend="aot_eager")(**inputs, **taps)
    torch.testing.assert_close(plain.last_hidden_state, expected.last_hidden_state, rtol=1e-4, atol=2e-5)
    for ours, theirs in zip(output.hidden_states, expected.hidden_states, strict=True):
        torch.testing.assert_close(ours[is_token], theirs[is_token], rtol=1e-4, atol=2e-5)
    for ours, theirs in zip(output.attentions, expected.attentions, strict=True):
        torch.testing.assert_close(ours, theirs, rtol=1e-4, atol=2e-5)
    batch, length = torch.export.Dim("batch", max=64), torch.export.Dim("length", min=2, max=40)
    shapes = {name: {0: batch, 1: length} for name in inputs}
    exported = torch.export.export(model, (), inputs, dynamic_shapes=shapes, strict=False).module()
    longer = {name: value.repeat(2, 3) for name, value in inputs.items()}
    longer["attention_mask"][:] = 1
    with torch.no_grad():
        torch.testing.assert_close(
            exported(**longer).last_hidden_state, model(**longer).last_hidden_state, rtol=1e-4, atol=2e-5
        )


def test_a_compiled_model_learns_what_packed_rows_teach(model: Any) -> None:
    inputs = padded_batch(COMMON["vocab_size"])
    wanted = torch.randn(*inputs["input_ids"].shape, COMMON["hidden_size"], generator=torch.Generator().manual_seed(1))
    gradients = []
    for one in (model, torch.compile(model, fullgraph=True, backend="aot_eager")):
        model.zero_grad()
        (one(**inputs).last_hidden_state * wanted).sum().backward()
        gradients.append({name: value.grad for name, value in model.named_parameters() if "pooler" not in name})
    packed, rectangle = gradients
    for name, gradient in packed.items():
        torch.testing.assert_close(rectangle[name], gradient, rtol=1e-3, atol=1e-4, msg=name)


def test_half_precision_is_near_and_training_goes_on_after_prediction(model: Any) -> None:
    inputs = padded_batch(COMMON["vocab_size"])
    with torch.no_grad():
        expected = model(**inputs).last_hidden_state
    model.to(torch.bfloat16)
    with torch.inference_mode():
        output = model(**inputs).last_hidden_state
    assert (output.float() - expected).abs().mean() <= 0.1 * expected.abs().mean()
    model(**inputs).last_hidden_state.sum().backward()
