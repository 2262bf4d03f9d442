"""Rows of no sequence, which keep OpenVINO's kernels few, change nothing."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from pellucid import pipeline
from pellucid.engines.openvino import MANY_ROWS, spare_rows
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


@pytest.mark.parametrize("lengths", [[65], [100, 7, 22], [3] * 43, [300, 220, 8, 1]])
def test_they_change_nothing(lengths: list[int]) -> None:
    random = np.random.default_rng(sum(lengths))
    ids = [random.integers(5, 5000, length).tolist() for length in lengths]
    assert spare_rows(sum(lengths), of_tokens=True)
    whole: Packed = pack(ids)
    taps = ("hidden_states", "attentions")
    exact = pipeline("feature-extraction", "builtin", engine="numpy").model.runner.run(whole, taps=taps)
    found = pipeline("feature-extraction", "builtin", engine="openvino").model.runner.run(whole, taps=taps)
    assert found.outputs.keys() == exact.outputs.keys()
    for name, value in exact.outputs.items():
        np.testing.assert_allclose(found.outputs[name], value, rtol=1e-4, atol=1e-4)
    for name in taps:
        for one, other in zip(found.taps[name], exact.taps[name], strict=True):
            np.testing.assert_allclose(one, other, rtol=1e-4, atol=1e-4)
