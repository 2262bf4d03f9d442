"""Writes tests/golden/<family>.json: what `transformers` 5 computes for tiny checkpoints of families that 4 has not.

    python -m pip install transformers==5.24.0 torch safetensors numpy
    python tools/make_golden.py

By hand, in an environment of its own, since the tests compare with `transformers` 4. The checkpoints are made by NumPy
from a seed and the tensors' names (`tests/support/golden.py`), so whoever runs this again gets the same files but for
rounding.
"""

from __future__ import annotations

import json
import sys
import tempfile
from pathlib import Path
from typing import Any

import torch
import transformers
from safetensors import safe_open

ROOT = Path(__file__).resolve().parents[1]
sys.path.insert(0, str(ROOT / "tests"))

from support import golden  # noqa: E402

SIZES = {
    "vocab_size": 32,
    "hidden_size": 16,
    "num_hidden_layers": 2,
    "num_attention_heads": 2,
    "intermediate_size": 24,
    "max_position_embeddings": 32,
    "type_vocab_size": 2,
    "layer_norm_eps": 1e-3,
    "pad_token_id": 0,
}

CONFIGS = {
    "nomic_bert": ("NomicBert", {**SIZES, "rope_parameters": {"rope_type": "default", "rope_theta": 1000.0}}),
    # The angles of the checkpoints "new" with a base of 500,000 and the factor 2, in the words of `transformers` 5; its
    # heads have 8 numbers.
    "gte": (
        "Gte",
        {**SIZES, "rope_parameters": {"rope_type": "linear", "rope_theta": 1e6, "factor": 2.0 ** (2 / 8)}},
    ),
}

# A mask in a padded batch; the base of the angles is a key of `transformers` 5.
ESM = {key: value for key, value in SIZES.items() if key != "type_vocab_size"}
CONFIGS["esm"] = (
    "Esm",
    {
        **ESM, "position_embedding_type": "rotary", "token_dropout": True, "mask_token_id": golden.MASK_ID,
        "emb_layer_norm_before": False, "rope_theta": 500.0,
    },
)  # fmt: skip

HEADS = {
    "Model": "last_hidden_state",
    "ForMaskedLM": "logits",
    "ForSequenceClassification": "logits",
    "ForTokenClassification": "logits",
}
"""The classes of each family, by the ends of their names, and the output that is kept."""


def made(prefix: str, values: dict[str, Any]) -> dict[str, Any]:
    """What a file holds."""
    config = getattr(transformers, f"{prefix}Config")(**values, attn_implementation="eager")
    classes: dict[str, Any] = {}
    written: dict[str, Any] = {}
    for suffix, output in HEADS.items():
        model_class = getattr(transformers, prefix + suffix)
        with tempfile.TemporaryDirectory() as name:
            folder = Path(name)
            model_class(config).save_pretrained(folder)
            written = json.loads((folder / "config.json").read_text(encoding="utf-8"))
            with safe_open(folder / "model.safetensors", "np") as file:
                # Speeds of rotary positions follow from the config.
                names = [name for name in sorted(file.keys()) if not name.endswith("inv_freq")]
                shapes = {name: file.get_slice(name).get_shape() for name in names}
            golden.write_checkpoint(folder, written, shapes)
            model, told = model_class.from_pretrained(folder, attn_implementation="eager", output_loading_info=True)
            assert not [name for names in told.values() for name in names if not name.endswith("inv_freq")], told
        inputs = {"input_ids": golden.IDS, "attention_mask": golden.MASK}
        if hasattr(config, "type_vocab_size"):
            inputs["token_type_ids"] = golden.TYPES
        with torch.no_grad():
            given = model.eval()(**{name: torch.tensor(rows) for name, rows in inputs.items()})[output]
        if given.shape[:2] == (len(golden.IDS), len(golden.IDS[0])):
            given = given[torch.tensor(golden.MASK).bool()]
        rounded = [[round(number, 7) for number in row] for row in given.double().tolist()]
        classes[suffix] = {"tensors": shapes, "output": output, "values": rounded}
    del written["architectures"]
    return {
        "provenance": f"transformers {transformers.__version__}, torch {torch.__version__}: tools/make_golden.py",
        "config": written,
        "classes": classes,
    }


if __name__ == "__main__":
    for family, (prefix, values) in CONFIGS.items():
        path = golden.FOLDER / f"{family}.json"
        path.parent.mkdir(exist_ok=True)
        path.write_text(json.dumps(made(prefix, values)) + "\n", encoding="utf-8")
        print(f"wrote {path.relative_to(ROOT)}")
