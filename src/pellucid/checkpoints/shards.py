"""The index of weights that are split over several files."""

from __future__ import annotations

import json
from collections import Counter
from pathlib import Path
from typing import Any

from pellucid.checkpoints.filenames import check_filename
from pellucid.checkpoints.safetensors_header import deepest
from pellucid.errors import CorruptCheckpointError, UnsafeCheckpointError

_LARGEST_INDEX = 100_000_000  # bytes


def read_index(path: Path, *, suffix: str) -> dict[str, str]:
    """Reads `model.safetensors.index.json` or `pytorch_model.bin.index.json`.

    Args:
        path: the index.
        suffix: what each shard's name must end in: ".safetensors" or ".bin". An index must not lead from the
            safe format to the other.

    Returns:
        Name of each tensor → name of its shard. No shard has been looked for on the disk.

    Raises:
        CorruptCheckpointError: the index is not JSON of the expected form.
        UnsafeCheckpointError: a shard's name leads out of the folder or is of the other kind.
    """
    try:
        if not path.is_file() or path.stat().st_size > _LARGEST_INDEX:
            raise _unreadable(path, f"expected a file of at most {_LARGEST_INDEX} bytes")
        text = path.read_text(encoding="utf-8")
        if deepest(text) >= 64:
            raise _unreadable(path, "it is nested more than 64 deep")
        content = json.loads(text, object_pairs_hook=lambda pairs: _unique(pairs, path))
    except (OSError, ValueError, RecursionError) as error:
        if isinstance(error, CorruptCheckpointError):
            raise
        raise _unreadable(path, str(error)[:200]) from error
    weight_map = content.get("weight_map") if isinstance(content, dict) else None
    if not isinstance(weight_map, dict) or not weight_map:
        raise _unreadable(path, "it has no `weight_map` of tensors to shards")
    for name, shard in weight_map.items():
        check_filename(shard, source=str(path))
        if not shard.endswith(suffix):
            raise UnsafeCheckpointError(
                f"{path} names the shard {shard!r} for {name!r}; expected a name that ends in {suffix}. "
                "Download the checkpoint "
                "again.",
                code="checkpoint.path_escape",
                path=str(path),
                filename=shard,
            )
    return weight_map


def _unique(pairs: list[tuple[str, Any]], path: Path) -> dict[str, Any]:
    found = dict(pairs)
    if len(found) != len(pairs):
        names = [name for name, _ in pairs]
        twice = Counter(names).most_common(1)[0][0]
        raise CorruptCheckpointError(
            f"{path}: {twice[:100]!r} is given twice. Download the checkpoint again.",
            code="checkpoint.duplicate_key",
            path=str(path),
            tensor=twice,
        )
    return found


def _unreadable(path: Path, reason: str) -> CorruptCheckpointError:
    return CorruptCheckpointError(
        f"{path} cannot be read as the index of a sharded checkpoint: {reason}. Delete the file and download it again.",
        code="checkpoint.index_invalid",
        path=str(path),
    )
