"""The kinds of array that callers bring, and get back: NumPy's, PyTorch's and TensorFlow's.

A library is imported when its arrays are asked for, or were brought; so nothing is imported for those who use neither.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from pellucid.errors import InputError


@dataclass(frozen=True)
class Kind:
    """How one library's arrays are made, taken and given.

    Attributes:
        name: what `return_tensors` calls it.
        library: what people call it.
        make: nested lists of numbers → an array; whole numbers in 64 bits, in 32 for TensorFlow.
        to_numpy: an array of this kind → NumPy's.
        from_numpy: NumPy's → this kind, in the place of an array that the caller brought (None for the CPU).
    """

    name: str
    library: str
    make: Callable[[Any], Any]
    to_numpy: Callable[[Any], Any]
    from_numpy: Callable[[Any, Any], Any]

    def give(self, value: Any, like: Any) -> Any:
        """NumPy's array, or a tuple of them, in this kind."""
        if isinstance(value, tuple):
            return tuple(self.from_numpy(one, like) for one in value)
        return self.from_numpy(value, like)


def _numpy() -> Kind:
    import numpy as np

    def make(value: Any) -> Any:
        array = np.asarray(value)
        return array.astype(np.int64) if array.size == 0 else array

    return Kind("np", "NumPy", make, np.asarray, lambda array, like: array)


def _torch() -> Kind:
    import numpy as np
    import torch

    def make(value: Any) -> Any:
        tensor = torch.as_tensor(value)
        return tensor.long() if tensor.numel() == 0 else tensor

    def from_numpy(array: Any, like: Any) -> Any:
        tensor = torch.from_numpy(np.asarray(array))
        return tensor if like is None else tensor.to(like.device)

    return Kind("pt", "PyTorch", make, lambda tensor: tensor.detach().cpu().numpy(), from_numpy)


def _tensorflow() -> Kind:
    import tensorflow as tf

    def make(value: Any) -> Any:
        # Whole numbers become 32 bits, as TensorFlow's own `constant` makes them and the course shows them.
        return tf.constant(value, dtype=tf.int32 if hasattr(value, "__len__") and not len(value) else None)

    return Kind("tf", "TensorFlow", make, lambda tensor: tensor.numpy(), lambda array, like: tf.constant(array))


# By the name of the library's package.
KINDS: dict[str, Callable[[], Kind]] = {"numpy": _numpy, "torch": _torch, "tensorflow": _tensorflow}

NAMES = {"np": "numpy", "pt": "torch", "tf": "tensorflow"}
"""What `return_tensors` calls each package."""


def kind_named(name: Any) -> Kind:
    """The kind that `return_tensors` names.

    Raises:
        InputError: no such kind, or its library is not installed; the message lists the kinds.
    """
    word = getattr(name, "value", name)
    known = ", ".join(repr(kind) for kind in NAMES)
    if not isinstance(word, str) or word not in NAMES:
        raise InputError(
            f"return_tensors={name!r} is not available. Give one of {known}, or leave it out to get lists.",
            argument="return_tensors",
            value=name,
        )
    try:
        return KINDS[NAMES[word]]()
    except ImportError as error:
        raise InputError(
            f"return_tensors={name!r} needs the package `{NAMES[word]}`, which is not installed. Install it, or give "
            "another of the kinds: " + known + ".",
            argument="return_tensors",
            value=name,
        ) from error


def package_of(value: Any) -> str | None:
    """The package whose array a value is; None for lists and everything else. Nothing is imported."""
    for one in type(value).__mro__:
        package = one.__module__.partition(".")[0]
        if package in KINDS:
            return package
    return None


def is_array(value: Any) -> bool:
    """Whether a value is an array of a kind that is known here."""
    return package_of(value) is not None


def common_kind(arguments: Mapping[str, Any], usual: str = "np") -> tuple[Kind, Any]:
    """The one kind of a call's arrays.

    Args:
        arguments: the call's arguments by name; those left out are None.
        usual: the kind where there are only lists.

    Returns:
        The kind, and one of the arrays, which tells the device; None where there are only lists.

    Raises:
        InputError: two kinds in one call.
    """
    brought = {name: package_of(value) for name, value in arguments.items() if is_array(value)}
    if len(set(brought.values())) > 1:
        told = ", ".join(f"`{name}` {KINDS[str(package)]().library}'s" for name, package in brought.items())
        raise InputError(
            f"The arrays of one call are of two kinds: {told}. Give all in one kind, as one `return_tensors` of the "
            "tokenizer makes them.",
            kinds=brought,
        )
    for name, package in brought.items():
        return KINDS[str(package)](), arguments[name]
    return kind_named(usual), None


def as_numpy(value: Any) -> Any:
    """A value as it is, but an array of another kind as NumPy's."""
    package = package_of(value)
    return value if package in (None, "numpy") else KINDS[str(package)]().to_numpy(value)


def in_rows(array: Any) -> Any:
    """An array of any kind without its first axes: `[…, L] → [N, L]`."""
    if len(array.shape) < 3:
        return array
    if hasattr(array, "reshape"):
        return array.reshape((-1, array.shape[-1]))
    import tensorflow as tf

    return tf.reshape(array, [-1, tf.shape(array)[-1]])
