"""What is told to machines is JSON that every reader takes."""

from __future__ import annotations

import json
import math
from dataclasses import asdict
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pellucid.machine_readable import as_json
from pellucid.tracing.comparison import Compared, Comparison

VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(),
    lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner),
    max_leaves=20,
)


def refuse(word: str) -> None:
    raise AssertionError(f"{word} is no JSON")


def strictly(words: str) -> Any:
    return json.loads(words, parse_constant=refuse)


def finite(value: Any) -> Any:
    """The same by another way: Python's own words for such numbers are read as nothing."""
    return json.loads(json.dumps(value), parse_constant=lambda word: None)


@given(VALUES, st.none() | st.integers(0, 4))
def test_all_is_kept_but_numbers_that_are_none(value: Any, indent: int | None) -> None:
    assert strictly(as_json(value, indent=indent)) == finite(value)


def test_what_json_does_not_know_is_refused_or_told_as_asked() -> None:
    with pytest.raises(TypeError):
        as_json({"path": object})
    assert strictly(as_json((1, math.nan, {2}), default=sorted)) == [1, None, [2]]


def test_a_comparison_with_nan_on_one_side_is_json() -> None:
    parted = Compared("logits", False, math.inf, 1e-5, "of sequence 0, the number 1", (math.nan, 0.5))
    found = strictly(Comparison("one", "other", 1e-5, 1e-4, (parted,)).to_json())
    assert found["stages"] == [{**asdict(parted), "difference": None, "values": [None, 0.5]}]
    assert not found["agrees"]
