"""The logits that the second course notebook prints, and the calls that give them."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
import numpy.typing as npt

SENTENCES = ["this is the best thing happened to me", "I hate this so much!"]
WAITING = "I've been waiting for a HuggingFace course my whole life."

NOTEBOOK: dict[str, list[list[float]]] = {
    "two sentences": [[-0.70115715, 1.0346943], [4.169231, -3.3464472]],
    "ids without special tokens": [[-2.7276208, 2.8789375]],
    "the same ids twice": [[-2.7276218, 2.8789384], [-2.7276218, 2.8789384]],
    "three tokens": [[1.5693657, -1.3894563]],
    "two tokens": [[0.5802985, -0.41252238]],
    "padding without a mask": [[1.5693657, -1.3894563], [1.3373483, -1.2163186]],
    "padding with a mask": [[1.5693657, -1.3894563], [0.5802984, -0.4125224]],
}


def measured(model: Any, tokenizer: Any) -> dict[str, npt.NDArray[np.floating[Any]]]:
    """The same logits of a model, under the same names."""
    inputs = tokenizer(SENTENCES, padding=True, truncation=True, return_tensors="np")
    ids = tokenizer.convert_tokens_to_ids(tokenizer.tokenize(WAITING))
    padded = np.array([[200, 200, 200], [200, 200, tokenizer.pad_token_id]])
    outputs = {
        "two sentences": model(**inputs),
        "ids without special tokens": model(np.array(ids)),
        "the same ids twice": model(np.array([ids, ids])),
        "three tokens": model(padded[:1]),
        "two tokens": model(padded[1:, :2]),
        "padding without a mask": model(padded),
        "padding with a mask": model(padded, attention_mask=np.array([[1, 1, 1], [1, 1, 0]])),
    }
    return {name: output.logits for name, output in outputs.items()}


def differences(found: Mapping[str, Any], expected: Mapping[str, Any], within: float) -> list[str]:
    """In words, where numbers are further apart than they may be, or have another shape; nothing where they agree."""
    told = [f"{name} is only on one side" for name in sorted({*found} ^ {*expected})]
    for name in expected:
        if name in found:
            one, other = np.asarray(found[name], np.float64), np.asarray(expected[name], np.float64)
            if one.shape != other.shape:
                told.append(f"{name}: shape {one.shape} and not {other.shape}")
            elif not np.abs(one - other).max() <= within:  # so that NaN is told too
                told.append(f"{name}: {one.tolist()} and not {other.tolist()}")
    return told
