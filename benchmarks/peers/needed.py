"""What a checkpoint asks of a machine at least: products of matrices, and weights to read."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

BYTES = {"float32": 4, "bfloat16": 2, "int8": 1}


@dataclass(frozen=True)
class Needed:
    """The encoder's linear maps.

    Attributes:
        width: of hidden states.
        inner: width of the feed-forward network.
        layers: how many.
        folder: the checkpoint's, for its tokenizer.
        task: "classification", where the last layer is needed for the first token alone; or "embedding".
    """

    width: int
    inner: int
    layers: int
    folder: Path
    task: str

    @classmethod
    def of(cls, folder: Path, task: str) -> Needed:
        """Read a checkpoint's config."""
        from pellucid import AutoConfig

        config = AutoConfig.from_pretrained(str(folder))
        inner = config.to_dict().get("hidden_dim") or config.intermediate_size
        return cls(config.hidden_size, inner, config.num_hidden_layers, folder, task)

    def products(self, texts: list[str]) -> float:
        """Operations of the matrix products on texts."""
        from pellucid import AutoTokenizer

        tokenizer = AutoTokenizer.from_pretrained(str(self.folder))
        tokens = sum(tokenizer.encode_ragged(texts, truncation=True, max_length=512).lengths)
        whole = 2 * (4 * self.width**2 + 2 * self.width * self.inner)
        keys_and_values = 2 * 3 * self.width**2
        rows = len(texts) if self.task == "classification" else tokens
        return float(tokens * (whole * (self.layers - 1) + keys_and_values) + rows * (whole - keys_and_values))

    def weights(self, dtype: str) -> int:
        """Bytes of the maps' weights."""
        return BYTES[dtype] * self.layers * (4 * self.width**2 + 2 * self.width * self.inner)
