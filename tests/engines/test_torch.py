"""What is PyTorch's own: devices, shared memory, groups of equal length."""

from __future__ import annotations

import inspect
import re
from functools import partial
from itertools import pairwise
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from pellucid import AutoModel
from pellucid.checkpoints.hub import locate
from pellucid.checkpoints.reading import read_tensors
from pellucid.engines import dtype_name
from pellucid.errors import EngineError
from pellucid.packing import pack

torch = pytest.importorskip("torch")

IDS = [[2, 5, 6, 7, 3]]


def test_a_device_that_is_not_there_is_told(encoder: Path) -> None:
    with pytest.raises(EngineError, match=r"The device 'nonsense' cannot be used by the installed PyTorch"):
        AutoModel.from_pretrained(encoder, engine="torch", device="nonsense")(IDS)
    if not torch.cuda.is_available():
        with pytest.raises(EngineError, match="Use device='cpu', or install a PyTorch for that device"):
            AutoModel.from_pretrained(encoder, engine="torch", device=0)(IDS)


def test_words_of_pytorch_are_understood(encoder: Path) -> None:
    model = AutoModel.from_pretrained(encoder, engine="torch", dtype=torch.bfloat16, device=torch.device("cpu"))
    assert (model.dtype, model.device) == (torch.bfloat16, torch.device("cpu"))
    assert dtype_name(torch.float32) == "float32"
    assert model(IDS).last_hidden_state.dtype == np.float32


def test_mapped_weights_are_shared_but_for_those_that_are_laid_side_by_side(
    encoder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    stored = read_tensors(locate(encoder))
    monkeypatch.setattr("pellucid.models.loading.read_tensors", lambda *_, **__: stored)
    for name, parameter in AutoModel.from_pretrained(encoder, engine="torch").named_parameters():
        is_shared = parameter.data_ptr() == stored[name].data.__array_interface__["data"][0]
        assert is_shared == (re.search(r"self\.(query|key|value)", name) is None), name


@pytest.mark.parametrize(
    ("lengths", "joined"),
    [
        ((3,), 1),
        ((4, 4, 4), 1),
        ((5, 4, 4, 1), 1),
        ((1, 2, 2, 1), 1),
        ((300, 300, 40, 8), 3),  # padding that costs more than another call is not computed
        ((90, 60, 30, 29, 28), 3),
        ((400, 4, 400, 4), 4),
    ],
    ids=str,
)
def test_groups_of_near_equal_lengths_cover_every_row_once(lengths: tuple[int, ...], joined: int) -> None:
    from pellucid.engines.torch_layout import PackedLayout

    packed = pack([[1] * length for length in lengths])
    groups: list[Any] = list(PackedLayout(packed, torch.device("cpu")).groups())
    assert len(groups) == joined
    with torch.inference_mode():
        alone = list(PackedLayout(packed, torch.device("cpu")).groups())
    assert len(alone) == 1 + sum(one != other for one, other in pairwise(lengths))
    assert all(group.is_token is None for group in alone)
    rows = [row for group in groups for row in range(group.rows.start, group.rows.stop)]
    assert rows == list(range(sum(lengths)))
    numbers = torch.arange(1.0, 1 + sum(lengths))[:, None]
    kept = []
    first = 0
    for group in groups:
        own = lengths[first : first + group.count]
        first += group.count
        assert group.length == max(own)
        cells = group.rectangle(numbers)
        assert len(cells) == group.count * group.length
        is_token = torch.arange(group.length) < torch.tensor(own)[:, None]
        assert group.is_token is None or torch.equal(group.is_token, is_token)
        assert torch.equal(cells.view(group.count, group.length) != 0, is_token)
        kept.append(group.packed(cells))
    assert torch.equal(torch.cat(kept), numbers)


def test_many_lengths_make_few_calls_with_little_padding() -> None:
    from pellucid.engines.torch_layout import KERNEL_COST, rectangles

    lengths = np.sort(np.random.default_rng(0).integers(8, 60, 32))[::-1]
    found = rectangles(lengths, KERNEL_COST)
    assert len(found) < 8 < len(set(lengths.tolist()))
    cells = sum((stop - start) * lengths[start] for start, stop in found)
    assert cells < 1.25 * lengths.sum()


def by_edges(
    query: Any, key: Any, value: Any, cu_seq_q: Any, cu_seq_k: Any, max_q: int, max_k: int, **options: Any
) -> Any:
    """What the kernel for rows of unequal lengths computes, in plain words; it runs on GPUs alone."""
    assert max_q == max_k == int(cu_seq_q.diff().max())
    assert cu_seq_q.dtype == cu_seq_k.dtype == torch.int32
    left, right = options["window_size"]
    mixed = torch.empty_like(query)
    for start, stop in zip(cu_seq_q[:-1].tolist(), cu_seq_q[1:].tolist(), strict=True):
        place = torch.arange(stop - start)
        ahead = place[None, :] - place[:, None]  # how far the key lies behind the query
        visible = ((right < 0) | (ahead <= right)) & ((left < 0) | (-ahead <= left))
        q, k, v = (x[start:stop].transpose(0, 1) for x in (query, key, value))
        mixed[start:stop] = torch.nn.functional.scaled_dot_product_attention(
            q[None], k[None], v[None], attn_mask=visible, scale=options["scale"], enable_gqa=options["enable_gqa"]
        )[0].transpose(0, 1)
    return mixed


@pytest.mark.parametrize("kv_heads", [4, 2])
@pytest.mark.parametrize("options", [{}, {"causal": True}, {"window": 2}, {"causal": True, "window": 1}], ids=str)
def test_the_kernel_for_rows_is_given_what_it_needs(
    options: dict[str, Any], kv_heads: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    from pellucid.engines import torch as engine
    from pellucid.engines.torch_layout import PackedLayout

    layout: Any = PackedLayout(pack([[1] * length for length in (7, 4, 4, 1)]), torch.device("cpu"))
    torch.manual_seed(0)
    query, key, value = torch.randn(16, 24), torch.randn(16, 6 * kv_heads), torch.randn(16, 6 * kv_heads)
    call = partial(
        engine.TorchOps().attention, query, key, value, layout, heads=4, kv_heads=kv_heads, scale=0.4, **options
    )
    expected = call()
    monkeypatch.setattr(engine, "takes_rows", lambda *_: True)
    monkeypatch.setattr("pellucid.engines.torch_attention.varlen_attn", by_edges)
    torch.testing.assert_close(call(), expected)


def test_the_kernel_for_rows_takes_the_arguments_that_it_is_given() -> None:
    from pellucid.engines.torch_attention import varlen_attn

    if varlen_attn is None:
        pytest.skip("the installed PyTorch has no such kernel")
    taken = inspect.signature(varlen_attn).parameters
    assert list(taken)[:7] == list(inspect.signature(by_edges).parameters)[:7]
    assert {"scale", "window_size", "enable_gqa"} <= set(taken)
