"""Every installed engine gives the numbers of NumPy in float64, on real weights and real texts."""

from __future__ import annotations

import numpy as np
import pytest

from pellucid import AutoModelForSequenceClassification, AutoTokenizer
from pellucid.engines import ENGINES, installed

TEXTS = [
    "I've been waiting for a HuggingFace course my whole life.",
    "So have I!",
    "Naïve cafés – 東京 and 3.14 % of them. " * 12,
    "",
    "It was not good, it was not bad; it was long.",
]
WITHIN = {"float32": 1e-4, "float64": 1e-10, "bfloat16": 0.2, "float16": 0.03}


@pytest.mark.parametrize(
    ("engine", "dtype"),
    # int8 needs a checkpoint of its own: tests/test_quantization.py.
    [(engine, dtype) for engine in installed() for dtype in ENGINES[engine].dtypes if dtype in WITHIN],
)
def test_the_builtin_classifier_gives_the_same_logits_on_every_engine(engine: str, dtype: str) -> None:
    inputs = AutoTokenizer.from_pretrained("builtin")(TEXTS, padding=True, return_tensors="np")
    judge = AutoModelForSequenceClassification.from_pretrained("builtin", engine="numpy", dtype="float64")
    model = AutoModelForSequenceClassification.from_pretrained("builtin", engine=engine, dtype=dtype)
    expected, logits = judge(**inputs).logits, model(**inputs).logits
    assert np.abs(logits - expected).max() < WITHIN[dtype]
    assert (logits.argmax(axis=-1) == expected.argmax(axis=-1)).all()
