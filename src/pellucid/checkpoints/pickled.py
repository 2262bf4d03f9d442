"""Reads `pytorch_model.bin`, the older format, through PyTorch's restricted unpickler.

A pickle is a program. PyTorch's `weights_only=True` runs only what is needed to make tensors; the last known
holes in it were closed in 2.10, so nothing older is used, and there is no second try without it. This is the
only file outside `engines` that imports torch.
"""

from __future__ import annotations

import pickle
import re
from pathlib import Path
from typing import TYPE_CHECKING, Any, NoReturn

from pellucid.checkpoints.pickle_archive import check_archive
from pellucid.checkpoints.stored import StoredTensor
from pellucid.errors import CorruptCheckpointError, EngineNotInstalledError, UnsafeCheckpointError

if TYPE_CHECKING:
    import torch

_OLDEST_TORCH = (2, 10)
_CONVERT = "Or use a checkpoint that has model.safetensors: most on the Hub do, some in the revision 'refs/pr/…'."


def read_pickled(path: Path) -> dict[str, StoredTensor]:
    """Reads the tensors of a file that `torch.save` has written.

    Args:
        path: the file.

    Returns:
        The tensors by name, mapped where PyTorch can map them.

    Raises:
        EngineNotInstalledError: PyTorch is not installed, or is too old to read such files safely.
        UnsafeCheckpointError: the file would run code, or unpacks to more than it holds.
        CorruptCheckpointError: the file is damaged, or holds something else than tensors by name.
    """
    is_zip = check_archive(path)
    torch = _torch(path)
    try:
        content = torch.load(path, map_location="cpu", weights_only=True, mmap=is_zip)
    except pickle.UnpicklingError as error:
        _refuse(path, error)
    except MemoryError:
        raise
    except Exception as error:  # what damaged bytes lead to differs from release to release, AssertionError included
        raise _corrupt(path, f"PyTorch cannot read it ({type(error).__name__}: {str(error)[:160]})") from error
    if not isinstance(content, dict):
        raise _corrupt(path, f"it holds a {type(content).__name__}, expected tensors by name")
    tensors: dict[str, StoredTensor] = {}
    for name, tensor in content.items():
        if not isinstance(name, str) or not isinstance(tensor, torch.Tensor):
            raise _not_a_tensor(path, name, tensor, content)
        tensors[name] = _stored(name, tensor, path, torch)
    return tensors


def _torch(path: Path) -> Any:
    oldest = ".".join(map(str, _OLDEST_TORCH))
    needed = f"{path.name} is PyTorch's own format, and reading it takes PyTorch {oldest} or newer"
    install = 'Install it with `pip install "pellucid[torch]"`.'
    try:
        import torch
    except ImportError as error:
        raise EngineNotInstalledError(
            f"{needed}, which is not installed. {install} {_CONVERT}", path=str(path), extra="torch"
        ) from error
    version = tuple(int(part) for part in re.findall(r"\d+", torch.__version__)[:2])
    if version < _OLDEST_TORCH:
        raise EngineNotInstalledError(
            f"{needed}; {torch.__version__} is installed, whose restricted unpickler has known holes. "
            f"{install} {_CONVERT}",
            path=str(path),
            extra="torch",
            version=torch.__version__,
        )
    return torch


def _refuse(path: Path, error: pickle.UnpicklingError) -> NoReturn:
    text = str(error)
    found = re.search(r"GLOBAL (\S+)|Trying to call reduce for unrecognized function (.+)", text)
    name = next(group for group in found.groups() if group).strip("`")[:200] if found else None
    what = f"would run {name!r}" if name else f"holds what no file of tensors holds ({text.splitlines()[0][:160]})"
    raise UnsafeCheckpointError(
        f"{path} {what} when it is read, and was refused before anything ran. Expected tensors and nothing "
        "else. Do not use this "
        f"file unless you trust its author. {_CONVERT}",
        code="checkpoint.pickle_global",
        path=str(path),
        pickle_global=name,
    ) from error


def _stored(name: str, tensor: torch.Tensor, path: Path, torch: Any) -> StoredTensor:
    kind = str(tensor.dtype).removeprefix("torch.")
    if tensor.layout is not torch.strided or tensor.is_quantized or tensor.device.type != "cpu":
        raise _unsupported(path, name, f"a {tensor.layout} tensor of type {kind} on {tensor.device}")
    # A few bytes repeated by a stride of 0 could stand for terabytes.
    if tensor.numel() * tensor.element_size() > tensor.untyped_storage().nbytes():
        raise _unsupported(path, name, f"a tensor of shape {list(tensor.shape)} over a storage that is smaller")
    tensor = tensor.detach()
    if kind == "bfloat16":
        return StoredTensor(name, kind, tuple(tensor.shape), path, tensor.view(torch.int16).numpy().view("<u2"))
    try:
        array = tensor.resolve_conj().resolve_neg().numpy()
        stored = StoredTensor.from_array(name, array)
    except (TypeError, ValueError, RuntimeError) as error:
        raise _unsupported(path, name, f"a tensor of type {kind}") from error
    return StoredTensor(name, stored.dtype, stored.shape, path, stored.data)


def _unsupported(path: Path, name: str, what: str) -> CorruptCheckpointError:
    return CorruptCheckpointError(
        f"{path}: {name!r} is {what}; expected dense floats, integers or booleans. Convert the checkpoint "
        "to such tensors.",
        code="checkpoint.tensor_kind_unsupported",
        path=str(path),
        tensor=name,
    )


def _not_a_tensor(path: Path, name: Any, value: Any, content: dict[Any, Any]) -> CorruptCheckpointError:
    if isinstance(value, dict):
        keys = ", ".join(repr(key)[:40] for key in list(content)[:5])
        return _corrupt(
            path,
            f"it is a training checkpoint with the parts {keys}, expected the tensors alone. Load it with "
            "PyTorch and save the "
            f"part with the weights (perhaps {name!r}) as model.safetensors",
        )
    return _corrupt(path, f"{name!r} is a {type(value).__name__}, expected a tensor")


def _corrupt(path: Path, what: str) -> CorruptCheckpointError:
    return CorruptCheckpointError(
        f"{path}: {what}. If it should be a checkpoint, delete the file and download it again.",
        code="checkpoint.pickle_invalid",
        path=str(path),
    )
