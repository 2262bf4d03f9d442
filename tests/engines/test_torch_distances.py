"""Constants and relative positions on PyTorch: memory, gradients, and graphs."""

from __future__ import annotations

import gc
from typing import Any

import numpy as np
import pytest

torch = pytest.importorskip("torch")

from pellucid.engines import torch_weights  # noqa: E402
from pellucid.engines.torch import TorchOps, inputs_of  # noqa: E402
from pellucid.engines.torch_layout import RectangleLayout  # noqa: E402
from pellucid.packing import pack  # noqa: E402

ROWS = np.array([2, 0, 1, 1, 3])


def test_a_constant_shares_the_memory_of_the_host_where_it_can() -> None:
    table, whole = np.ones((3, 2), np.float32), np.arange(3, dtype=np.int32)
    for array in (table, whole):
        constant = TorchOps().constant(array, torch.ones(1))
        assert constant.data_ptr() == array.__array_interface__["data"][0]


def test_other_constants_are_made_once_and_go_with_their_array() -> None:
    array, like = np.ones((3, 2)), torch.ones(1, dtype=torch.bfloat16)
    before = len(torch_weights._CONSTANTS)
    with torch.inference_mode():
        first = TorchOps().constant(array, like)
    assert first.dtype == torch.bfloat16
    assert TorchOps().constant(array, like) is first
    assert TorchOps().constant(array, torch.ones(1)).dtype == torch.float32
    # Made in inference mode, and yet a gradient goes through it.
    (first * torch.ones(3, 2, dtype=torch.bfloat16, requires_grad=True)).sum().backward()
    del array
    gc.collect()
    assert len(torch_weights._CONSTANTS) == before


@pytest.mark.parametrize("of_key", [False, True])
@pytest.mark.parametrize("tokens", [1, 4])
def test_a_rectangle_in_a_compiled_graph_gives_the_same(of_key: bool, tokens: int) -> None:
    x = torch.randn(2, 3, tokens, 4, requires_grad=True)
    mask = torch.tensor([[1, 1, 1, 1], [1, 1, 0, 0]], dtype=torch.bool)

    def call(x: Any, mask: Any) -> Any:
        return TorchOps().by_distance(x, ROWS, RectangleLayout(mask), of_key=of_key)  # type: ignore[arg-type]

    packed: Any = inputs_of(pack([[1] * 4, [1] * 2]), torch.device("cpu")).layout
    expected = TorchOps().by_distance(x, ROWS, packed, of_key=of_key)
    compiled = torch.compile(call, fullgraph=True, backend="aot_eager")(x, mask)
    torch.testing.assert_close(compiled, expected)
    (gradient,) = torch.autograd.grad(compiled.square().sum(), x)
    torch.testing.assert_close(gradient, torch.autograd.grad(expected.square().sum(), x)[0])
    assert torch.autograd.gradcheck(lambda x: call(x, mask), x.double())


def test_a_constant_lies_where_the_other_tensor_lies() -> None:
    array = np.ones((3, 2), np.float32)
    elsewhere = torch.ones(1, device="meta")
    first = TorchOps().constant(array, elsewhere)
    assert (first.device.type, first.dtype) == ("meta", torch.float32)
    assert TorchOps().constant(array, elsewhere) is first
    assert TorchOps().constant(np.arange(3), elsewhere).dtype == torch.int32


def test_rows_that_no_two_tokens_are_apart_by_are_left_out() -> None:
    layout: Any = inputs_of(pack([[1] * 3, [1]]), torch.device("cpu")).layout
    vectors = torch.arange(9.0)[:, None]
    near, rows, count = TorchOps().in_reach(vectors, np.arange(9), 9, layout)
    assert near.flatten().tolist() == [2, 3, 4, 5, 6]
    assert (rows.tolist(), count) == ([0, 1, 2, 3, 4], 5)
    whole = np.arange(5)
    assert TorchOps().in_reach(vectors[:3], whole[:3], 3, layout)[1].tolist() == [0, 1, 2]
