"""The derivative of a measure between vectors is what small changes of the hidden states say it is."""

from __future__ import annotations

import numpy as np
import pytest

from pellucid.explaining.nearness import Nearness
from pellucid.tasks.measures import MEASURES
from pellucid.tasks.pooling import ACTIVATIONS, MODES, Dense

RANDOM = np.random.default_rng(3)


@pytest.mark.parametrize("normalises", [False, True])
@pytest.mark.parametrize("measure", MEASURES)
@pytest.mark.parametrize("activation", [None, *ACTIVATIONS])
@pytest.mark.parametrize("modes", [*((mode,) for mode in MODES), ("cls", "mean")], ids=str)
def test_it_is_the_slope(modes: tuple[str, ...], activation: str | None, measure: str, normalises: bool) -> None:
    width = 4 * len(modes)
    dense: tuple[Dense, ...] = ()
    if activation is not None:
        weights = RANDOM.normal(size=(5, width)), RANDOM.normal(size=5)
        dense = (Dense(*weights, ACTIVATIONS[activation]),)
    size = 3 if activation is not None else None
    length = 3 if size else width
    score = Nearness(RANDOM.normal(size=length), modes, dense, size, normalises, 1, measure)
    hidden = RANDOM.normal(size=(6, 4))
    slope = score.gradient({"last_hidden_state": hidden})["last_hidden_state"]
    measured = np.zeros_like(hidden)
    for place in np.ndindex(*hidden.shape):
        step = np.zeros_like(hidden)
        step[place] = 1e-6
        up, down = (score.value({"last_hidden_state": one}) for one in (hidden + step, hidden - step))
        measured[place] = (up - down) / 2e-6
    np.testing.assert_allclose(slope, measured, atol=1e-6)
    assert not slope[0].any(), "the prompt is not pooled"
    if activation != "ReLU":
        assert slope[1:].any()
