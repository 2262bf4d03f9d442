"""Who is measured: one library in one precision, each in a process of its own."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

from peers import libraries
from peers.libraries import Answer

BATCH_SIZES = (8, 32, 64)
"""What is tried for those whose batches have a size."""


@dataclass(frozen=True)
class Contestant:
    """One library in one precision.

    Attributes:
        name: in the tables.
        environment: which of the benchmark's environments it runs in.
        dtype: what it computes in.
        load: checkpoint, task, threads and a folder for scratch files → how it answers, and its tokenizer.
        tasks: what it does, "classification" or "embedding".
        batches: whether its batch size is tried; else it batches by itself, or takes one text after the other.
    """

    name: str
    environment: str
    dtype: str
    load: Callable[[str, str, int, Path], tuple[Answer, Callable[[Sequence[str]], Any]]]
    tasks: tuple[str, ...] = ("classification", "embedding")
    batches: bool = False


CLASSIFIES, EMBEDS = ("classification",), ("embedding",)

CONTESTANTS = [
    *(
        Contestant(f"Pellucid {dtype}", "4", dtype, partial(libraries.pellucid, dtype=dtype))
        for dtype in ("float32", "bfloat16", "int8")
    ),
    *(
        Contestant(
            f"transformers {version} {dtype}, {sizes}", environment, dtype,
            partial(libraries.transformers_pipeline, dtype=dtype, sizes=sizes), CLASSIFIES, batches=sizes == "batches",
        )
        for version, environment in (("4.57", "4"), ("5", "5"))
        for dtype, sizes in (("float32", "as it comes"), ("float32", "batches"), ("bfloat16", "batches"))
    ),
    *(
        Contestant(f"PyTorch by hand {dtype}", "4", dtype, partial(libraries.torch_by_hand, dtype=dtype), batches=True)
        for dtype in ("float32", "bfloat16")
    ),
    *(
        Contestant(f"sentence-transformers {backend} {dtype}", "4", dtype,
                   partial(libraries.sentence_transformers, backend=backend, dtype=dtype), EMBEDS, batches=True)
        for backend, dtype in (("torch", "float32"), ("onnx", "float32"), ("openvino", "float32"),
                               ("openvino", "bfloat16"))
    ),
    *(
        Contestant(f"optimum ONNX Runtime {dtype}", "4", dtype, partial(libraries.onnxruntime, dtype=dtype),
                   batches=True)
        for dtype in ("float32", "int8")
    ),
    *(
        Contestant(f"optimum OpenVINO {dtype}", "4", dtype, partial(libraries.openvino, dtype=dtype), batches=True)
        for dtype in ("float32", "bfloat16", "int8")
    ),
    *(
        Contestant(f"CTranslate2 {dtype}", "4", dtype, partial(libraries.ctranslate2, dtype=dtype), batches=True)
        for dtype in ("float32", "int8")
    ),
    Contestant("fastembed float32", "4", "float32", libraries.fastembed, EMBEDS, batches=True),
    Contestant("kjarni float32", "5", "float32", libraries.kjarni),
]  # fmt: skip

BY_NAME = {one.name: one for one in CONTESTANTS}
