"""Pages of mapped weights are given back while they are read, and nothing that was written is lost."""

from __future__ import annotations

import mmap
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from pellucid import BertConfig, BertForSequenceClassification, pipeline
from pellucid.engines import mapped_memory
from pellucid.engines.mapped_memory import given_back

SIZE = 4_000_000


@pytest.fixture
def mapped(tmp_path: Path) -> Any:
    path = tmp_path / "numbers"
    np.arange(SIZE, dtype=np.float32).tofile(path)
    with path.open("rb") as stream:
        return np.memmap(stream, dtype=np.float32, mode="c").view(np.ndarray)


def resident() -> int:
    """Bytes of this process in memory."""
    return int(Path("/proc/self/statm").read_text().split()[1]) * mmap.PAGESIZE


@pytest.mark.skipif(not sys.platform.startswith("linux"), reason="counts pages by /proc")
def test_pages_are_given_back_and_read_again(mapped: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(mapped_memory, "PERIOD", 0.001)
    part = mapped[10:]
    part.flags.writeable = False
    expected = float(mapped.sum(dtype=np.float64))
    before = resident()
    with given_back([part]):
        deadline = time.monotonic() + 20
        while resident() > before - mapped.nbytes // 2 and time.monotonic() < deadline:
            time.sleep(0.01)
        assert time.monotonic() < deadline
    assert float(mapped.sum(dtype=np.float64)) == expected


def test_what_was_written_stays(mapped: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(mapped_memory, "PERIOD", 0.001)
    mapped[:] = 7
    readable = mapped[:5]
    readable.flags.writeable = False
    with given_back([readable, mapped[5:], np.ones(3)]):
        time.sleep(0.05)
    assert (mapped == 7).all()


def test_weights_on_openvino_are_not_written_to(tmp_path: Path) -> None:
    pytest.importorskip("openvino")
    config = BertConfig(hidden_size=24, num_hidden_layers=1, num_attention_heads=4, intermediate_size=40, vocab_size=50)
    BertForSequenceClassification(config, engine="numpy").save_pretrained(tmp_path)
    model = BertForSequenceClassification.from_pretrained(tmp_path, engine="openvino")
    tensor = next(iter(model.tensors.values()))
    with pytest.raises(ValueError, match="read-only"):
        tensor.data[:] = 0
    model = BertForSequenceClassification.from_pretrained(tmp_path, engine="numpy")
    next(iter(model.tensors.values())).data[:] = 0


@pytest.mark.skipif(not sys.platform.startswith("linux"), reason="the peak is the system's")
def test_weights_do_not_lie_in_memory_twice(tmp_path: Path) -> None:
    pytest.importorskip("openvino")
    config = BertConfig(hidden_size=768, num_hidden_layers=6, num_attention_heads=12, vocab_size=500)
    BertForSequenceClassification(config, engine="numpy").save_pretrained(tmp_path)
    stored = (tmp_path / "model.safetensors").stat().st_size
    statement = (
        "import resource, sys\n"
        "from pellucid import BertForSequenceClassification\n"
        "model = BertForSequenceClassification.from_pretrained(sys.argv[1], engine='openvino')\n"
        "before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss\n"
        "model([[1, 2, 3]])\n"
        "print((resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before) * 1024)\n"
    )
    run = subprocess.run([sys.executable, "-c", statement, str(tmp_path)], capture_output=True, text=True, check=True)
    # The graph's own copy, and what compiling needs; with the file's pages it was more than twice the file.
    assert int(run.stdout) < 1.6 * stored


def test_answers_are_those_of_other_engines() -> None:
    pytest.importorskip("openvino")
    texts = ["what a film", "not good at all"]
    one, other = (pipeline("text-classification", "builtin", engine=engine)(texts) for engine in ("openvino", "numpy"))
    for here, there in zip(one, other, strict=True):
        assert here["score"] == pytest.approx(there["score"], abs=1e-5)
