"""The TensorFlow classes where TensorFlow is not installed."""

from __future__ import annotations

import importlib.util
from pathlib import Path
from typing import Any

import pytest

from pellucid import BertConfig, TFAutoModel, TFBertModel
from pellucid.errors import EngineNotInstalledError

pytestmark = pytest.mark.skipif(importlib.util.find_spec("tensorflow") is not None, reason="TensorFlow is installed")


@pytest.mark.parametrize(
    "make",
    [lambda _: TFBertModel(BertConfig()), TFBertModel.from_pretrained, TFAutoModel.from_pretrained],
    ids=["from a config", "from a checkpoint", "by the Auto class"],
)
def test_a_class_can_be_imported_and_says_what_to_install(make: Any, encoder: Path) -> None:
    with pytest.raises(EngineNotInstalledError, match=r"pip install pellucid\[tensorflow\]"):
        make(encoder)
