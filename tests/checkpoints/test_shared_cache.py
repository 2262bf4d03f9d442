"""The cache is the one of `transformers`: what one of them has fetched, the other finds."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
from safetensors.numpy import save

from pellucid.checkpoints.hub import locate
from pellucid.checkpoints.reading import read_tensors
from pellucid.checkpoints.saving import safetensors_files, write_folder
from support.fake_hub import FakeHub

pytestmark = pytest.mark.reference

FILES = {
    "config.json": json.dumps({"model_type": "bert", "hidden_size": 8}).encode(),
    "model.safetensors": save({"a": np.ones(2, np.float32)}, {"format": "pt"}),
}
ASK = """
import json, sys
from transformers.utils import cached_file
quiet = dict(_raise_exceptions_for_missing_entries=False, _raise_exceptions_for_connection_errors=False)
print(json.dumps([cached_file(sys.argv[1], name, **quiet) for name in sys.argv[2:]]))
"""


@pytest.fixture
def cache(tmp_path: Path) -> Path:
    return tmp_path / "hub"


@pytest.fixture
def hub(monkeypatch: pytest.MonkeyPatch, cache: Path) -> Iterator[FakeHub]:
    pytest.importorskip("transformers")
    with FakeHub() as fake:
        fake.install(monkeypatch, cache)
        yield fake


def transformers_asks(hub: FakeHub, home: Path, name: str, *filenames: str, offline: bool = False) -> list[str | None]:
    environment = {**os.environ, **hub.environment(home), **({"HF_HUB_OFFLINE": "1"} if offline else {})}
    command = [sys.executable, "-W", "ignore", "-c", ASK, name, *filenames]
    run = subprocess.run(command, capture_output=True, text=True, env=environment, check=True)
    found: list[str | None] = json.loads(run.stdout.splitlines()[-1])
    return found


def test_files_that_transformers_fetched_are_found_without_a_request(hub: FakeHub, cache: Path) -> None:
    hub.add("owner/name", FILES)
    theirs = transformers_asks(hub, cache.parent, "owner/name", "config.json", "model.safetensors", "absent.json")
    assert theirs[2] is None
    hub.requests.clear()
    checkpoint = locate("owner/name", local_files_only=True)
    assert [str(checkpoint.file("config.json")), str(checkpoint.file("model.safetensors"))] == theirs[:2]
    assert set(read_tensors(checkpoint)) == {"a"}
    assert hub.requests == []
    online = locate("owner/name")
    hub.requests.clear()
    assert online.file("absent.json") is None
    assert hub.requests == [], "transformers has noted that there is no such file"


def test_files_that_were_fetched_here_are_found_by_transformers_offline(hub: FakeHub, cache: Path) -> None:
    hub.add("owner/name", FILES)
    checkpoint = locate("owner/name")
    ours = [checkpoint.file("config.json"), checkpoint.file("model.safetensors"), checkpoint.file("absent.json")]
    hub.requests.clear()
    theirs = transformers_asks(
        hub, cache.parent, "owner/name", "config.json", "model.safetensors", "absent.json", offline=True
    )
    assert theirs == [None if path is None else str(path) for path in ours]
    assert hub.requests == []


@pytest.mark.filterwarnings("ignore")
def test_weights_are_saved_as_transformers_saves_them(tmp_path: Path) -> None:
    pytest.importorskip("torch")
    transformers = pytest.importorskip("transformers")
    config = transformers.BertConfig(
        vocab_size=40, hidden_size=16, num_hidden_layers=2, num_attention_heads=2, intermediate_size=24
    )
    model = transformers.BertModel(config)
    for size, name in (("5GB", "whole"), ("8KB", "split")):
        theirs, ours = tmp_path / "theirs" / name, tmp_path / "ours" / name
        model.save_pretrained(theirs, max_shard_size=size)
        stored = read_tensors(locate(theirs))
        # Their order decides which tensor goes into which shard.
        ordered = {key: stored[key] for key in model.state_dict() if key in stored}
        write_folder(ours, safetensors_files(ordered, max_shard_size=size))
        written = sorted(path.name for path in theirs.iterdir() if path.name != "config.json")
        assert sorted(path.name for path in ours.iterdir()) == written
        for filename in written:
            assert (ours / filename).read_bytes() == (theirs / filename).read_bytes(), filename
