"""What the doctor says: all engines agree on a sound checkpoint, and a planted fault is named."""

from __future__ import annotations

import json
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import pytest

from pellucid import doctor, machine
from pellucid.cli import main
from pellucid.engines import installed, processor
from pellucid.errors import EngineError, InputError, PellucidError


@pytest.fixture(autouse=True)
def without_transformers(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(doctor, "has_transformers", lambda: False)


def examined(**arguments: Any) -> Any:
    return doctor.examine_checkpoint("builtin", **{"texts": ["a good film", "bad " * 70], **arguments})


def test_a_sound_checkpoint_is_well() -> None:
    found = examined(texts=None, engines=["numpy", "openvino"], dtypes=["float32", "bfloat16"])
    assert found.is_well
    assert found.reference == "numpy in float64"
    assert [(one.engine, one.dtype) for one in found.findings][:2] == [("numpy", "float32"), ("openvino", "float32")]
    assert found.findings[0].told.startswith("gives the reference's numbers (largest difference ")
    assert found.findings[0].text in {*doctor.TEXTS, doctor.LONG}


@pytest.mark.parametrize("engine", installed())
def test_every_engine_is_examined(engine: str) -> None:
    assert examined(engines=[engine], dtypes=["float32"]).is_well


def test_a_fault_of_an_engine_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    from pellucid.engines.openvino_ops import OpenvinoOps

    layer_norm = OpenvinoOps.layer_norm
    monkeypatch.setattr(
        OpenvinoOps, "layer_norm", lambda self, x, weight, bias, eps: layer_norm(self, x, weight, bias, 0.05)
    )
    found = examined(engines=["openvino", "numpy"], dtypes=["float32"])
    assert not found.is_well
    assert [one.agrees for one in found.findings] == [False, True]
    assert "parts from the reference on text 0. They part in embeddings: by " in found.findings[0].told


def test_texts_that_lean_on_each_other_are_found(monkeypatch: pytest.MonkeyPatch) -> None:
    from pellucid.stages import Pipeline

    outputs = Pipeline.outputs
    monkeypatch.setattr(
        Pipeline, "outputs", lambda self, inputs: [{"logits": one["logits"] + 1} for one in outputs(self, inputs)]
    )
    (found,) = examined(engines=["numpy"], dtypes=["float32"]).findings
    assert not found.agrees
    assert found.told.startswith("gives other numbers for texts in a batch")


@pytest.mark.parametrize(
    ("arguments", "error"),
    [
        ({"engines": ["onnx"]}, EngineError),
        ({"engines": ["numpy"], "dtypes": ["float8"]}, PellucidError),
        ({"texts": []}, InputError),
        ({"texts": "one"}, InputError),
    ],
)
def test_what_does_not_exist_is_refused(arguments: dict[str, Any], error: type[Exception]) -> None:
    with pytest.raises(error):
        examined(**arguments)


def test_the_command_tells_it_in_words(capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> None:
    arguments = ["doctor", "builtin", "--engine", "numpy", "--dtype", "float32", "--text", "good"]
    assert main(arguments) == 0
    out = capsys.readouterr().out
    assert max(map(len, out.splitlines())) <= 80
    assert "ok  numpy float32  gives the reference's numbers" in out
    assert "\nkernels     " in out
    assert out.endswith("This machine gives the reference's numbers.\n")
    assert main([*arguments, "--json"]) == 0
    data = json.loads(capsys.readouterr().out)
    assert data["findings"][0]["comparison"]["agrees"]
    assert data["machine"]["cores"] >= 1
    monkeypatch.setattr(doctor, "_batched", lambda *_: 1.0)
    assert main(arguments) == 1
    assert "1 of 1 ways to compute do not give the reference's numbers." in capsys.readouterr().out


def test_a_missing_checkpoint_is_told(capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    assert main(["doctor", str(tmp_path / "none")]) == 1
    assert "none" in capsys.readouterr().err


def test_the_machine_is_told(monkeypatch: pytest.MonkeyPatch) -> None:
    files = {
        "/proc/cpuinfo": "model name\t: A Processor\nflags\t\t: avx2 amx_bf16 sse\n",
        "/proc/meminfo": "MemTotal:       1024 kB\n",
        "/sys/fs/cgroup/cpu.max": "100000 100000\n",
        "/sys/fs/cgroup/memory.max": "4096\n",
    }
    monkeypatch.setattr(processor, "told", lambda path: files.get(path, ""))
    found = machine.this_machine()
    assert (found.processor, found.features) == ("A Processor", ("AMX for bfloat16", "AVX2"))
    assert (found.cores, found.memory, found.kernels) == (1, 4096, ())
    assert found.libraries["numpy"]
    assert set(found.missing) == {name for name in ("torch", "tensorflow", "openvino") if not find_spec(name)}
