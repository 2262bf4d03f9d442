"""What is PyTorch's own: devices, shared memory, groups of equal length."""

from __future__ import annotations

import re
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


@pytest.mark.parametrize("lengths", [(3,), (4, 4, 4), (5, 4, 4, 1), (1, 2, 2, 1)], ids=str)
def test_groups_of_equal_length_cover_every_row_once(lengths: tuple[int, ...]) -> None:
    from pellucid.engines.torch_layout import PackedLayout

    packed = pack([[1] * length for length in lengths])
    groups: list[Any] = list(PackedLayout(packed, torch.device("cpu")).groups())
    assert [length for _, count, length, _ in groups for _ in range(count)] == list(lengths)
    rows = [row for rows, _, _, _ in groups for row in range(rows.start, rows.stop)]
    assert rows == list(range(sum(lengths)))
    assert all(rows.stop - rows.start == count * length for rows, count, length, _ in groups)
