"""Who may import whom, what is exported, and how quickly."""

from __future__ import annotations

import ast
import importlib.util
import subprocess
import sys
from fnmatch import fnmatch
from pathlib import Path

import pytest

import pellucid

SOURCE = Path(pellucid.__file__).parent
REPOSITORY = Path(__file__).parent.parent
FILES = sorted(SOURCE.rglob("*.py"))

# Each part, and the parts of Pellucid that it may import: the data's way, from the left to the right.
MAY_IMPORT: dict[str, set[str]] = {
    "errors": set(),
    "outputs": {"errors"},
    "streaming": set(),
    "progress": set(),
    "machine_readable": set(),
    "tensors": {"errors"},
    "checkpoints": {"errors", "machine_readable"},
    "config_keys": set(),
    "config": {"errors", "checkpoints", "config_keys"},
    "packing": {"errors"},
    "ops": {"errors", "packing"},
    "weights": {"errors"},
    "positions": set(),
    "layers": {"ops", "packing", "positions", "weights"},
    "heads": {"ops", "packing", "weights", "layers"},
    "architectures": {
        "errors", "checkpoints", "config", "packing", "positions", "ops", "weights", "layers", "heads",
    },
    "engines": {"errors", "packing", "ops", "weights"},
    "tokenizers": {"errors", "checkpoints", "tensors"},
    "tasks": {"errors", "outputs"},
    "models": {
        "errors", "outputs", "checkpoints", "config", "packing", "ops", "weights", "architectures", "engines",
        "tensors",
    },
    "sequences": {"errors", "tasks"},
    "tracing": {"errors", "machine_readable", "models", "packing", "sequences", "tasks"},
    "explaining": {"errors", "engines", "machine_readable", "models", "packing", "tasks", "tracing"},
    "stages": {
        "errors", "checkpoints", "engines", "explaining", "packing", "progress", "sequences", "streaming", "models",
        "tasks", "tokenizers", "tracing",
    },
    "quantization": {"errors", "checkpoints", "engines", "packing", "stages", "tasks", "weights"},
    "pipelines": {
        "errors", "checkpoints", "config", "engines", "models", "quantization", "stages", "tasks", "tokenizers",
    },
    "inspection": {"errors", "architectures", "checkpoints", "config", "models", "tokenizers"},
    "machine": {"engines"},
    "doctor": {"engines", "errors", "inspection", "machine", "pipelines", "stages", "tracing"},
    "training": {
        "errors", "checkpoints", "config", "config_keys", "engines", "machine_readable", "models", "packing",
        "tokenizers",
    },
    "cli": {"errors", "machine_readable", "pellucid"},
    "__main__": {"cli"},
}  # fmt: skip

# Each framework, and the files that may import it, as patterns.
FRAMEWORKS: dict[str, tuple[str, ...]] = {
    "h5py": ("checkpoints/hdf5.py",),
    "keras": ("models/keras/*.py",),
    "matplotlib": ("explaining/explanation.py", "tracing/figures.py", "tracing/trace.py"),
    "openvino": ("engines/openvino_import.py",),
    "optree": ("models/keras/model.py",),
    "tensorflow": ("engines/tensorflow*.py", "models/keras/*.py", "tensors.py"),
    "torch": ("checkpoints/pickled.py", "engines/torch*.py", "models/torch/*.py", "training/*.py", "tensors.py"),
    "transformers": ("tracing/reference.py",),
}


def part_of(module: str) -> str:
    """`pellucid.models.base` → models; `pellucid` itself → pellucid."""
    parts = module.split(".")
    return parts[1] if len(parts) > 1 else parts[0]


def imports_of(path: Path) -> set[str]:
    found = set()
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            found |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, f"{path} imports relatively"
            found |= {
                f"{node.module}.{alias.name}" if node.module == "pellucid" else str(node.module) for alias in node.names
            }
    return found


@pytest.mark.parametrize("path", FILES, ids=lambda path: str(path.relative_to(SOURCE)))
def test_imports_follow_the_way_of_the_data(path: Path) -> None:
    relative = path.relative_to(SOURCE)
    part = relative.parts[0].removesuffix(".py")
    if part == "__init__":
        return
    for module in imports_of(path):
        if not module.startswith("pellucid"):
            continue
        imported = part_of(module)
        if part == "cli" and imported not in ("cli", "errors", "machine_readable"):
            assert module.removeprefix("pellucid.") in pellucid.__all__, f"{relative} imports {module}"
            continue
        assert imported == part or imported in MAY_IMPORT[part], f"{relative} imports {module}"


@pytest.mark.parametrize("path", FILES, ids=lambda path: str(path.relative_to(SOURCE)))
def test_frameworks_are_imported_in_their_own_file_alone(path: Path) -> None:
    relative = path.relative_to(SOURCE).as_posix()
    for module in imports_of(path):
        allowed = FRAMEWORKS.get(module.split(".")[0])
        assert allowed is None or any(fnmatch(relative, one) for one in allowed), f"{relative} imports {module}"


@pytest.mark.parametrize("path", FILES, ids=lambda path: str(path.relative_to(SOURCE)))
def test_files_are_short(path: Path) -> None:
    assert len(path.read_text(encoding="utf-8").splitlines()) <= 330


def test_every_public_name_can_be_imported_and_is_listed() -> None:
    for name in pellucid.__all__:
        assert getattr(pellucid, name) is not None
    assert set(pellucid.__all__) <= set(dir(pellucid))
    with pytest.raises(AttributeError, match="no_such_name"):
        _ = pellucid.no_such_name


def test_editors_see_every_public_name() -> None:
    tree = ast.parse((SOURCE / "__init__.pyi").read_text(encoding="utf-8"))
    typed = {node.name for node in tree.body if isinstance(node, ast.ClassDef)}
    typed |= {
        alias.asname or alias.name for node in tree.body if isinstance(node, ast.ImportFrom) for alias in node.names
    }
    assert {name for name in typed if not name.startswith("_")} == set(pellucid.__all__) - {"__version__"}


def test_what_editors_read_is_what_the_tool_writes() -> None:
    specification = importlib.util.spec_from_file_location("make_stub", REPOSITORY / "tools" / "make_stub.py")
    assert specification is not None
    assert specification.loader is not None
    tool = importlib.util.module_from_spec(specification)
    specification.loader.exec_module(tool)
    assert (SOURCE / "__init__.pyi").read_text(encoding="utf-8") == tool.stub(), "run tools/make_stub.py"


def test_every_model_class_is_public() -> None:
    from pellucid.models.keras.table import TF_CLASSES
    from pellucid.models.table import CLASSES

    every = (*CLASSES.values(), *TF_CLASSES.values())
    assert {model_class.__name__ for model_class in every} <= set(pellucid.__all__)
    assert {f"TF{name.__name__}" for name in CLASSES.values()} == {name.__name__ for name in TF_CLASSES.values()}


def loaded_after(statement: str) -> set[str]:
    code = f"import sys\n{statement}\nprint('\\n'.join(sys.modules))"
    run = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    return set(run.stdout.split())


def test_import_pellucid_loads_no_engine_and_nothing_heavy() -> None:
    heavy = {"numpy", "openvino", "torch", "tensorflow", "tokenizers", "safetensors", "huggingface_hub", "tqdm", "h5py"}
    assert not heavy & loaded_after("import pellucid")


def test_a_local_checkpoint_loads_neither_the_hub_nor_pytorch() -> None:
    loaded = loaded_after(
        "from pellucid import pipeline; pipeline('sentiment-analysis', 'builtin', engine='numpy')('x')"
    )
    assert not {"huggingface_hub", "torch", "transformers", "openvino", "tqdm", "requests", "httpx"} & loaded


def test_neither_models_nor_pipelines_import_what_they_do_not_compute_with() -> None:
    loaded = loaded_after("import pellucid.models.table, pellucid.models.auto, pellucid.pipelines")
    assert not {"tensorflow", "keras", "torch", "openvino"} & loaded


def test_openvino_is_imported_without_its_converter_which_is_still_to_be_had() -> None:
    statement = "import pellucid.engines.openvino_program, openvino; callable(openvino.convert_model) or exit(1)"
    loaded = loaded_after(statement)
    assert "openvino" in loaded
    assert not {"openvino.tools.ovc", "openvino_telemetry"} & loaded
    converted = (
        "import pellucid.engines.openvino_program, openvino\n"
        "try: openvino.convert_model('no such file')\n"
        "except Exception: pass"
    )
    assert "openvino.tools.ovc" in loaded_after(converted)


def test_the_function_pipeline_is_not_hidden_by_a_module() -> None:
    loaded_after(
        "import pellucid.pipelines, pellucid.stages; from pellucid import pipeline; callable(pipeline) or exit(1)"
    )
