"""Reads `tf_model.h5`, the weights of the TensorFlow models of `transformers` 4, through h5py.

`hdf5_tree` finds the weights in the file and checks them, `hdf5_bytes` what h5py itself would fall for; here they are
read, and turned round where PyTorch keeps them the other way. This is the only file that imports h5py.
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from pellucid.checkpoints.hdf5_bytes import BytesError, check_object, root_address
from pellucid.checkpoints.hdf5_tree import Weight, corrupt, find_weights, given_twice, refuse_other_kinds
from pellucid.checkpoints.regular_file import open_regular
from pellucid.checkpoints.safetensors_header import TensorHeader
from pellucid.checkpoints.stored import StoredTensor
from pellucid.errors import EngineNotInstalledError, PellucidError


def read_hdf5(path: Path) -> dict[str, StoredTensor]:
    """Reads the tensors of a file that a TensorFlow model of `transformers` was saved as.

    Args:
        path: the file.

    Returns:
        The tensors by their names on the Hub, kernels as `[out, in]`.

    Raises:
        EngineNotInstalledError: h5py is not installed.
        UnsafeCheckpointError: the file leads to other files or places, or unpacks to more than it holds.
        CorruptCheckpointError: the file is damaged, or holds something else than such weights.
    """
    tensors: dict[str, StoredTensor] = {}
    with _weights(path) as weights:
        for weight in weights:
            array = weight.dataset[()]
            made = StoredTensor.from_array(weight.name, array.T if weight.is_kernel else array)
            tensor = StoredTensor(weight.name, made.dtype, made.shape, path, made.data)
            # A layer that shares weights with another was written with copies of them.
            if weight.name in tensors and tensors[weight.name].raw() != tensor.raw():
                given_twice(path, weight.name)
            tensors[weight.name] = tensor
    return tensors


def hdf5_headers(path: Path) -> dict[str, TensorHeader]:
    """Names, types and shapes of the same tensors; no number is read.

    Args:
        path: the file.

    Returns:
        The tensors by their names on the Hub.

    Raises:
        The same errors as `read_hdf5`.
    """
    headers: dict[str, TensorHeader] = {}
    with _weights(path) as weights:
        for weight in weights:
            begin = weight.dataset.id.get_offset() or 0  # None where there are no numbers
            headers[weight.name] = TensorHeader(
                weight.name, weight.dtype, weight.shape, path, begin, begin + weight.nbytes
            )
    return headers


@contextmanager
def _weights(path: Path) -> Iterator[list[Weight]]:
    """The weights of a file, all of them checked, for as long as it is open."""
    with open_regular(path) as stream:
        size = os.fstat(stream.fileno()).st_size
        refuse_other_kinds(stream.read(512), path)
        h5py = _h5py(path)
        try:
            check_object(stream, root_address(stream))
            with h5py.File(stream, "r") as file:
                yield find_weights(file, stream, size, path, h5py)
        except BytesError as error:
            corrupt(path, "hdf5_invalid", str(error))
        except (PellucidError, MemoryError):
            raise
        except Exception as error:  # damaged bytes lead to OSError, KeyError, RuntimeError, and whatever comes next
            reason = " ".join(str(error).split())[:160]
            corrupt(path, "hdf5_invalid", f"HDF5 cannot read it ({type(error).__name__}: {reason})")


def _h5py(path: Path) -> Any:
    try:
        import h5py
    except ImportError as error:
        raise EngineNotInstalledError(
            f"{path.name} holds weights for TensorFlow as an HDF5 file, and reading it takes h5py, which is not "
            'installed. Install it with `pip install "pellucid[hdf5]"`; it comes with TensorFlow too. Or use a '
            "checkpoint that has model.safetensors: most on the Hub do, some in the revision 'refs/pr/…'.",
            path=str(path),
            extra="hdf5",
        ) from error
    return h5py
