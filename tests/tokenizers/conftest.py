"""The real vocabularies that the tests read, and each as ours and as the reference's tokenizer."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from pellucid.tokenizers import AutoTokenizer, BertTokenizerFast


@pytest.fixture(scope="session")
def uncased(minilm: Path) -> Any:
    return AutoTokenizer.from_pretrained(minilm)


@pytest.fixture(scope="session")
def cased(cased_vocabulary: Path) -> Any:
    return BertTokenizerFast(cased_vocabulary, do_lower_case=False)


@pytest.fixture(scope="session")
def transformers() -> Any:
    module = pytest.importorskip("transformers")
    module.logging.set_verbosity_error()
    return module


@pytest.fixture(scope="session")
def reference_uncased(transformers: Any, minilm: Path) -> Any:
    return transformers.AutoTokenizer.from_pretrained(str(minilm))


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
