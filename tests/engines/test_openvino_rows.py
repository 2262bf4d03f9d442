"""Rows of no sequence, which keep OpenVINO's kernels few, change nothing."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from pellucid import pipeline
from pellucid.engines.openvino_program import MANY_ROWS, spare_rows
from pellucid.packing import MAX_TOKENS, Packed, pack


@given(count=st.integers(0, 100_000))
def test_they_are_few(count: int) -> None:
    spare = spare_rows(count, of_tokens=True)
    assert 0 <= spare <= count / 16
    assert spare == 0 or count >= MANY_ROWS
    assert spare_rows(count + spare, of_tokens=True) == 0


def test_micro_batches_have_few_sizes() -> None:
    counts = range(MANY_ROWS, MAX_TOKENS + 1)
    assert len({count + spare_rows(count, of_tokens=True) for count in counts}) < len(counts) / 10


@given(count=st.integers(1, MANY_ROWS - 1))
def test_one_text_alone_has_none_or_fills_tiles(count: int) -> None:
    assert spare_rows(count, of_tokens=True) == 0
    assert (count + spare_rows(count, of_tokens=True, alone=16)) % 16 == 0
    assert spare_rows(count, of_tokens=True, alone=16) < 16


@pytest.mark.parametrize("lengths", [[65], [100, 7, 22], [3] * 43, [300, 220, 8, 1]])
@pytest.mark.parametrize("taps", [("hidden_states", "attentions"), ()])
def test_they_change_nothing(lengths: list[int], taps: tuple[str, ...]) -> None:
    random = np.random.default_rng(sum(lengths))
    ids = [random.integers(5, 5000, length).tolist() for length in lengths]
    assert spare_rows(sum(lengths), of_tokens=True)
    whole: Packed = pack(ids)
    exact = pipeline("feature-extraction", "builtin", engine="numpy").model.runner.run(whole, taps=taps)
    found = pipeline("feature-extraction", "builtin", engine="openvino").model.runner.run(whole, taps=taps)
    assert found.outputs.keys() == exact.outputs.keys()
    for name, value in exact.outputs.items():
        np.testing.assert_allclose(found.outputs[name], value, rtol=1e-4, atol=1e-4)
    for name in taps:
        for one, other in zip(found.taps[name], exact.taps[name], strict=True):
            np.testing.assert_allclose(one, other, rtol=1e-4, atol=1e-4)
