"""One tensor as it lies in a file: its name, its stored type and a view of the mapped bytes."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from pellucid.errors import CheckpointMismatchError, CorruptCheckpointError

# Stored type → the NumPy type of the view, in the file's byte order. NumPy has no bfloat16: its bits are kept
# in uint16.
VIEW_DTYPES: dict[str, np.dtype[Any]] = {
    "float64": np.dtype("<f8"),
    "float32": np.dtype("<f4"),
    "float16": np.dtype("<f2"),
    "bfloat16": np.dtype("<u2"),
    "int64": np.dtype("<i8"),
    "int32": np.dtype("<i4"),
    "int16": np.dtype("<i2"),
    "int8": np.dtype("i1"),
    "uint64": np.dtype("<u8"),
    "uint32": np.dtype("<u4"),
    "uint16": np.dtype("<u2"),
    "uint8": np.dtype("u1"),
    "bool": np.dtype("?"),
}

_FLOATS = ("float64", "float32", "float16", "bfloat16")


@dataclass(frozen=True)
class StoredTensor:
    """One tensor as it lies in the file: mapped, not copied.

    Attributes:
        name: the name in the checkpoint.
        dtype: the stored type: "float32", "bfloat16", "int64" …
        shape: the lengths of the axes; () for a single number.
        file: the file that holds it; None for a tensor made in memory.
        data: view of the bytes in `shape`; bfloat16 is seen as uint16. Mapped views are copy-on-write:
            writing to one never reaches the file.
    """

    name: str
    dtype: str
    shape: tuple[int, ...]
    file: Path | None
    data: npt.NDArray[Any] = field(repr=False, compare=False)

    @classmethod
    def from_array(cls, name: str, array: npt.NDArray[Any], *, dtype: str | None = None) -> StoredTensor:
        """A tensor made in memory, for saving beside those that were read.

        Args:
            name: the name in the checkpoint to be written.
            array: any shape; made contiguous if it is not.
            dtype: the stored type where the array does not tell it: "bfloat16" for uint16 bits. Read off the
                array if None.

        Returns:
            The tensor, sharing the array's memory where it is contiguous.

        Raises:
            CheckpointMismatchError: the array's type cannot be stored, or is not the view of `dtype`.
        """
        stored = array.dtype.name if dtype is None else dtype
        if stored not in VIEW_DTYPES or (dtype is not None and VIEW_DTYPES[dtype].name != array.dtype.name):
            expected = "one of " + ", ".join(VIEW_DTYPES) if stored not in VIEW_DTYPES else VIEW_DTYPES[stored].name
            raise CheckpointMismatchError(
                f"The array of {name!r} has the type {array.dtype} and cannot be stored as {stored}; "
                f"expected {expected}. "
                "Convert the array first.",
                code="checkpoint.dtype_unsupported",
                tensor=name,
                dtype=str(array.dtype),
            )
        shape = array.shape
        # `ascontiguousarray` turns a single number into one row.
        view = np.ascontiguousarray(array, dtype=VIEW_DTYPES[stored]).reshape(shape)
        return cls(name=name, dtype=stored, shape=tuple(int(n) for n in shape), file=None, data=view)

    @property
    def nbytes(self) -> int:
        """Bytes that the tensor takes in the file."""
        return int(self.data.nbytes)

    def array(self, dtype: npt.DTypeLike) -> npt.NDArray[Any]:
        """The values in a type of NumPy.

        Args:
            dtype: a float type for stored floats; for stored integers and booleans their own type or a wider
                one.

        Returns:
            Array in `shape`: the mapped memory itself where the stored type is the same, else a converted
            copy.

        Raises:
            CheckpointMismatchError: floats asked for as integers or integers as floats: the values would be
                something else.
        """
        wanted = np.dtype(dtype)
        if self.dtype in _FLOATS:
            if wanted.kind != "f":
                raise self._wrong_kind(wanted)
            if self.dtype == "bfloat16":
                # A bfloat16 is the upper half of a float32.
                widened = (self.data.astype(np.uint32) << np.uint32(16)).view(np.float32)
                converted: npt.NDArray[Any] = widened.astype(wanted, copy=False)
                return converted
        elif not np.can_cast(self.data.dtype, wanted, casting="safe") or wanted.kind not in "iub":
            raise self._wrong_kind(wanted)
        if self.data.dtype == wanted:
            # Old files do not align their tensors, and engines need them aligned.
            return self.data if self.data.flags.aligned else self.data.copy()
        with np.errstate(over="ignore"):
            return self.data.astype(wanted)

    def raw(self) -> memoryview:
        """The stored bytes, without a copy: for saving without a change."""
        return np.ascontiguousarray(self.data).reshape(-1).view(np.uint8).data

    def _wrong_kind(self, wanted: np.dtype[Any]) -> CheckpointMismatchError:
        return CheckpointMismatchError(
            f"Tensor {self.name!r} is stored as {self.dtype} and cannot be read as {wanted}: "
            "only floats are converted to floats, and integers to wider integers. "
            f"Ask for it as {self.dtype}, or use a checkpoint that stores it in the expected type.",
            code="checkpoint.dtype",
            tensor=self.name,
            dtype=self.dtype,
            path=str(self.file) if self.file else None,
        )


def view_of_bytes(
    content: npt.NDArray[np.uint8], name: str, dtype: str, shape: tuple[int, ...], file: Path
) -> StoredTensor:
    """A tensor over bytes that are already known to be as many as its type and shape need."""
    try:
        data = content.view(VIEW_DTYPES[dtype]).reshape(shape)
    except (ValueError, TypeError) as error:
        raise CorruptCheckpointError(
            f"{file}: {len(content)} bytes are no {dtype} tensor of shape {list(shape)} ({name!r}). "
            "Delete the file and download it again.",
            code="checkpoint.shape_bytes",
            path=str(file),
            tensor=name,
        ) from error
    return StoredTensor(name=name, dtype=dtype, shape=shape, file=file, data=data)
