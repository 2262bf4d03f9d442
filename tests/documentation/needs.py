"""What a page may need that is not everywhere: a package, or data; a page without it is skipped, and says why."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping

import pytest

from support.course_cache import use_cache


def _tensorflow(request: pytest.FixtureRequest) -> None:
    pytest.importorskip("tensorflow", reason="the page needs TensorFlow, which is not installed")


def _torch(request: pytest.FixtureRequest) -> None:
    pytest.importorskip("torch", reason="the page needs PyTorch, which is not installed")


def _matplotlib(request: pytest.FixtureRequest) -> None:
    pytest.importorskip("matplotlib", reason="the page needs matplotlib, which is not installed")


def _int8(request: pytest.FixtureRequest) -> None:
    """What is said once of processors that cannot multiply large bytes is said before the page."""
    pytest.importorskip("openvino", reason="the page needs OpenVINO, which is not installed")
    from pellucid.engines.openvino_int8 import weight_steps

    weight_steps()


def _course_cache(request: pytest.FixtureRequest) -> None:
    use_cache(request.getfixturevalue("monkeypatch"), request.getfixturevalue("course_cache"))


def _minilm_cache(request: pytest.FixtureRequest) -> None:
    use_cache(request.getfixturevalue("monkeypatch"), request.getfixturevalue("minilm_cache"))


NEEDS: Mapping[str, Callable[[pytest.FixtureRequest], None]] = {
    "tensorflow": _tensorflow,
    "torch": _torch,
    "matplotlib": _matplotlib,
    "int8": _int8,
    "course-cache": _course_cache,
    "minilm-cache": _minilm_cache,
}


def provide(needs: Iterable[str], request: pytest.FixtureRequest) -> None:
    """Make ready what a page needs, in the order of its words; skip the test where that cannot be."""
    for need in needs:
        NEEDS[need](request)
