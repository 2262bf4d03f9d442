"""Answers of pipelines beside those of the reference."""

from __future__ import annotations

from typing import Any

import pytest


def assert_same(ours: Any, theirs: Any) -> None:
    """The same structure, words and numbers; scores of ours are Python's floats."""
    if hasattr(theirs, "item"):
        theirs = theirs.item()
    assert type(ours) is type(theirs)
    if isinstance(theirs, dict):
        assert list(ours) == list(theirs)
        for key in theirs:
            assert_same(ours[key], theirs[key])
    elif isinstance(theirs, list):
        assert len(ours) == len(theirs)
        for one, other in zip(ours, theirs, strict=True):
            assert_same(one, other)
    elif isinstance(theirs, float):
        assert ours == pytest.approx(theirs, rel=1e-4, abs=1e-5)
    else:
        assert ours == theirs
