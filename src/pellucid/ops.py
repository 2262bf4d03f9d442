"""THE vocabulary: eighteen operations that every architecture is written in and every engine speaks, and four on top.

Axes: T tokens of the batch, laid one behind the other without padding; B sequences; L tokens of the longest one;
H hidden size; A heads; D head dimension; I and O inputs and outputs of a layer; V vocabulary; N chosen rows; R rows of
relative positions; P distances that are told apart in either direction, 0 to P − 1.

An engine is a subclass of `Ops` that gives each operation a body. `linears`, `dropout`, `in_reach` and `attention` have
one here; an engine may replace it by its fastest kernel. An `Ops` serves one run (or the building of one graph) and is
then thrown away.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Collection, Sequence
from typing import Any, TypeAlias

import numpy.typing as npt

from pellucid.errors import UnsupportedConfigError
from pellucid.packing import Layout

Array: TypeAlias = Any
"""An array of the engine: a NumPy array, a node of an OpenVINO graph, a shape …"""

ACTIVATIONS = {
    "gelu": "gelu_erf",
    "gelu_python": "gelu_erf",
    "gelu_new": "gelu_tanh",
    "gelu_fast": "gelu_tanh",
    "gelu_accurate": "gelu_tanh",
    "gelu_pytorch_tanh": "gelu_tanh",
    "quick_gelu": "gelu_sigmoid",
    "relu": "relu",
    "relu2": "relu_squared",
    "relu6": "relu6",
    "leaky_relu": "leaky_relu",
    "silu": "silu",
    "swish": "silu",
    "mish": "mish",
    "sigmoid": "sigmoid",
    "tanh": "tanh",
    "linear": "linear",
}
"""The words of configs, each with the function it means. Formulas: `engines/numpy.py`."""


def activation_function(name: str) -> str:
    """The function that a config's word means.

    Raises:
        UnsupportedConfigError: no such word; the message lists the known ones.
    """
    try:
        return ACTIVATIONS[name]
    except (KeyError, TypeError):
        known = ", ".join(sorted(ACTIVATIONS))
        raise UnsupportedConfigError(
            f"The activation {name!r} is not implemented. Known activations: {known}. "
            "Check `hidden_act` (or `activation`) in config.json.",
            activation=name,
        ) from None


class Ops(ABC):
    """The operations of one engine.

    Args:
        taps: what to keep while computing, by the names that architectures give to `tap`.
    """

    def __init__(self, taps: Collection[str] = ()) -> None:
        self.taps = frozenset(taps)
        self.kept: dict[str, list[Array]] = {name: [] for name in self.taps}

    def tap(self, name: str, x: Array) -> Array:
        """Keep a value under a name if it was asked for, and hand it on unchanged."""
        if name in self.taps:
            self.kept[name].append(x)
        return x

    @abstractmethod
    def constant(self, array: npt.NDArray[Any], like: Array) -> Array:
        """Numbers that were computed on the host, such as a table of angles, as an array of the engine.

        Args:
            array: its shape is kept. Whole numbers stay whole, int32; others get the precision of `like`. An engine may
                share its memory, and may keep what it made of it as long as it lives: the same array each time, which
                nobody writes to, costs least.
            like: any floating array of the run; the constant lies where it lies.
        """

    @abstractmethod
    def embedding(self, table: Array, ids: Array) -> Array:
        """Look up one row of the table for each id: `[V, H], [T] → [T, H]`."""

    @abstractmethod
    def linear(self, x: Array, weight: Array, bias: Array | None = None) -> Array:
        """`x · weightᵀ + bias`: `[T, I], [O, I], [O] → [T, O]`, weights as PyTorch stores them."""

    def linears(self, x: Array, weights: Sequence[Array], biases: Sequence[Array]) -> list[Array]:
        """Several linear maps of one input, such as query, key and value; one product where the engine gains by it."""
        return [self.linear(x, weight, bias) for weight, bias in zip(weights, biases, strict=True)]

    @abstractmethod
    def add(self, x: Array, y: Array) -> Array:
        """Elementwise sum; y has the shape of x or broadcasts to it, `[H]` to `[T, H]`."""

    @abstractmethod
    def multiply(self, x: Array, y: Array) -> Array:
        """Elementwise product; y has the shape of x or broadcasts to it."""

    @abstractmethod
    def scale(self, x: Array, factor: float) -> Array:
        """Every element times one number."""

    def dropout(self, x: Array, probability: float) -> Array:
        """Zero each element with this probability and scale the others up (Srivastava et al., 2014).

        Only while a model is trained; an engine that only predicts hands x on.
        """
        return x

    @abstractmethod
    def layer_norm(self, x: Array, weight: Array, bias: Array | None, eps: float) -> Array:
        """Normalise the last axis to mean 0 and variance 1, then `· weight + bias` (Ba et al., 2016, arXiv:1607.06450).

        `eps` is added to the (biased) variance under the root; it comes from the checkpoint's config, never from code.
        """

    @abstractmethod
    def rms_norm(self, x: Array, weight: Array, eps: float) -> Array:
        """Divide the last axis by its root mean square, then `· weight` (Zhang & Sennrich, 2019, arXiv:1910.07467)."""

    @abstractmethod
    def activation(self, name: str, x: Array) -> Array:
        """Apply the activation that the config names, elementwise.

        Raises:
            UnsupportedConfigError: the name is unknown; the message lists the known ones.
        """

    @abstractmethod
    def rotary(self, x: Array, cos: Array, sin: Array, heads: int) -> Array:
        """Rotate each head's pairs `(x[i], x[i + D/2])` by the angles of its token (Su et al., 2021, arXiv:2104.09864).

        Args:
            x: `[T, A·D]`.
            cos: `[T, D]`, computed on the host; the second half repeats the first.
            sin: `[T, D]`, likewise.
            heads: A.
        """

    @abstractmethod
    def rows(self, x: Array, index: Array) -> Array:
        """Choose rows: `[T, H], [N] → [N, H]`."""

    @abstractmethod
    def split(self, x: Array, sizes: Sequence[int]) -> list[Array]:
        """Cut the last axis into parts of the given sizes."""

    @abstractmethod
    def concat(self, parts: Sequence[Array]) -> Array:
        """Join arrays along the last axis."""

    @abstractmethod
    def pad(self, x: Array, layout: Layout, heads: int, repeat: int = 1) -> Array:
        """Lay packed rows out as the rectangle, by heads: `[T, A·D] → [B, A·repeat, L, D]`.

        Cells of padding hold the values of some real token: finite, and to be hidden by `softmax`.

        Args:
            x: `[T, A·D]`.
            layout: where each row belongs.
            heads: A.
            repeat: how many times each head appears, one behind the other (grouped-query attention).
        """

    @abstractmethod
    def unpad(self, x: Array, layout: Layout) -> Array:
        """Take the real tokens out of the rectangle again: `[B, A, L, D] → [T, A·D]`."""

    @abstractmethod
    def matmul(self, x: Array, y: Array, transpose: bool = False) -> Array:
        """Products of the last two axes: `[B, A, M, K], [B, A, K, N] → [B, A, M, N]`, or `[M, K], [K, N] → [M, N]`.

        With `transpose`, y is `[B, A, N, K]`. B and A may be 1 in one of the two, which then serves all.
        """

    @abstractmethod
    def by_distance(self, x: Array, rows: npt.NDArray[Any], layout: Layout, *, of_key: bool = False) -> Array:
        """Choose, for each pair of query i and key j, the number of their distance: `[B, A, L, R] → [B, A, L, L]`.

        With d = i − j, positive where the key comes first, clipped to ±(P − 1), and row = rows[d + P − 1]:
        `y[b, a, i, j] = x[b, a, i, row]`, or with `of_key` `x[b, a, j, row]`. Every form of relative positions is this
        and a sum: Shaw et al. (2018, arXiv:1803.02155), the buckets of T5 (arXiv:1910.10683, §2.1), DeBERTa
        (arXiv:2006.03654, §3.1).

        Distances are between the columns of the layout's rectangle, which number the tokens of a packed sequence 0, 1,
        2 … Where the caller's tokens stand together that is their distance in his columns as well, padding on the left
        or not; holes between them are closed.

        Args:
            x: `[B, A, L, R]`, for each token one number for each of R relative rows. Its first axis may be 1 where all
                sequences share the numbers, and so may its third where all tokens do.
            rows: whole numbers `[2P − 1]` of the host, from 0 to R − 1: the row of each distance.
            layout: its rectangle.
            of_key: whether the numbers are the key's, and not the query's.
        """

    def in_reach(
        self, vectors: Array, rows: npt.NDArray[Any], count: int, layout: Layout
    ) -> tuple[Array, npt.NDArray[Any], int]:
        """Leave out relative rows that no two tokens of this batch are apart by, before anything is computed of them.

        An engine that does not know L while it computes keeps them all.

        Args:
            vectors: `[R, H]`, one for each relative row.
            rows: `[2P − 1]`, as for `by_distance`.
            count: R.
            layout: its rectangle.

        Returns:
            The three, for fewer rows and distances.
        """
        return vectors, rows, count

    @abstractmethod
    def softmax(self, scores: Array, layout: Layout, causal: bool = False, window: int | None = None) -> Array:
        """Probabilities over the keys that each query may see: `[B, A, L, L] → [B, A, L, L]`.

        A key that is padding gets exactly 0, as does one that comes later than the query if `causal`, or one farther
        than `window` tokens from it. The conditions are combined as booleans and applied once: two added masks of the
        lowest finite number overflow. Rows whose query is padding are finite, and mean nothing.
        """

    def attention(
        self,
        query: Array,
        key: Array,
        value: Array,
        layout: Layout,
        *,
        heads: int,
        kv_heads: int | None = None,
        scale: float,
        causal: bool = False,
        window: int | None = None,
        bias: Array | None = None,
        dropout: float = 0.0,
    ) -> Array:
        """Mix the values of each sequence's tokens by how well the query matches their keys.

        For each head, `softmax(scale · q kᵀ + bias) v` over the tokens of the query's own sequence
        (Vaswani et al., 2017, arXiv:1706.03762, eq. 1; the bias is an addition of later models).

        Args:
            query: `[T, A·D]`.
            key: `[T, kv_heads·D]`.
            value: `[T, kv_heads·D]`.
            layout: which rows belong to which sequence.
            heads: A.
            kv_heads: heads of key and value, each shared by `A / kv_heads` queries; A where left out.
            scale: factor on the products, usually `D ** -0.5`.
            causal: no token sees a later one.
            window: no token sees one that is more than this many tokens away.
            bias: added to the scores before the softmax, broadcastable to `[B, A, L, L]`.
            dropout: of the probabilities, while a model is trained.

        Returns:
            `[T, A·D]`. The probabilities are tapped as "attentions", `[B, A, L, L]`.
        """
        kv_heads = kv_heads or heads
        repeat = heads // kv_heads
        scores = self.matmul(
            self.scale(self.pad(query, layout, heads), scale),
            self.pad(key, layout, kv_heads, repeat),
            transpose=True,
        )
        if bias is not None:
            scores = self.add(scores, bias)
        probabilities = self.tap("attentions", self.softmax(scores, layout, causal, window))
        probabilities = self.dropout(probabilities, dropout)
        return self.unpad(self.matmul(probabilities, self.pad(value, layout, kv_heads, repeat)), layout)
