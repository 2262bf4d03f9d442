"""Which engine, in which precision, on which device; and what is said where it cannot be."""

from __future__ import annotations

from importlib.machinery import ModuleSpec
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import pellucid.engines as engines
from pellucid import AutoModel, BertConfig, BertModel
from pellucid.engines import device_name, dtype_name, installed, load_engine
from pellucid.errors import EngineError, EngineNotInstalledError, UnknownEngineError


@pytest.fixture
def without(monkeypatch: pytest.MonkeyPatch) -> Any:
    """Makes packages look as if they were not installed."""
    found = engines.find_spec

    def hide(*packages: str) -> None:
        def find(name: str) -> ModuleSpec | None:
            return None if name in packages else found(name)

        monkeypatch.setattr(engines, "find_spec", find)

    return hide


def test_the_fastest_installed_engine_is_taken(without: Any) -> None:
    assert load_engine()[0] == "openvino"
    without("openvino", "torch", "tensorflow")
    assert installed() == ["numpy"]
    assert load_engine()[0] == "numpy"


def test_an_engine_that_is_not_installed_names_what_to_install(without: Any) -> None:
    without("torch", "openvino", "tensorflow")
    with pytest.raises(
        EngineNotInstalledError, match=r"`pip install pellucid\[torch\]`, or choose an installed engine: numpy"
    ):
        load_engine("torch")
    with pytest.raises(ImportError, match="`pip install openvino`"):
        BertModel(BertConfig(), engine="openvino")


def test_an_unknown_engine_names_the_known_ones() -> None:
    with pytest.raises(UnknownEngineError, match="no engine 'jax'. Engines: openvino, torch, tensorflow, numpy"):
        load_engine("jax")


@pytest.mark.parametrize(
    ("given", "name"),
    [
        ("fp16", "float16"),
        ("bf16", "bfloat16"),
        (np.float64, "float64"),
        (np.dtype("float32"), "float32"),
        ("auto", "auto"),
    ],
)
def test_precisions_go_by_many_names(given: Any, name: str) -> None:
    assert dtype_name(given) == name


@pytest.mark.parametrize(
    ("given", "name"), [(None, "cpu"), (-1, "cpu"), ("auto", "cpu"), (1, "cuda:1"), ("mps", "mps"), ("cpu", "cpu")]
)
def test_devices_go_by_names_and_by_the_numbers_of_the_reference(given: Any, name: str) -> None:
    assert device_name(given) == name


def test_engines_for_cpus_refuse_other_devices(encoder: Path) -> None:
    with pytest.raises(
        EngineError,
        match="'openvino' computes on cpu, and not on 'cuda:0'. Leave `device` out, or choose engine='torch'",
    ):
        AutoModel.from_pretrained(encoder, device=0, engine="openvino")
