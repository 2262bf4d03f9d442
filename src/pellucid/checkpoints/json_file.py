"""JSON files of checkpoints: read with a limit, and refused in words where they are damaged."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from pellucid.checkpoints.hub import Checkpoint
from pellucid.errors import ConfigError, PellucidError

MAX_BYTES = 4_000_000
"""Far above any config.json; a tokenizer.json is not read by this."""


def read_json(path: Path, error: type[PellucidError], max_bytes: int = MAX_BYTES) -> dict[str, Any]:
    """The dictionary in a JSON file.

    Args:
        path: the file, in UTF-8.
        error: what to raise where it is damaged.
        max_bytes: the largest file that is read.

    Raises:
        error: the file is too large, not UTF-8, not JSON, not a dictionary, or names a key twice; the message
            has the place.
    """
    size = path.stat().st_size
    if size > max_bytes:
        raise error(f"{path} has {size:,} bytes; at most {max_bytes:,} are read.", path=str(path))
    try:
        value = json.loads(
            path.read_text(encoding="utf-8"), object_pairs_hook=_no_duplicates, parse_constant=_no_constant
        )
    except json.JSONDecodeError as fault:
        raise error(
            f"{path} is not JSON: {fault.msg} at line {fault.lineno}, column {fault.colno}. Download or save it again.",
            path=str(path),
        ) from fault
    except (ValueError, RecursionError) as fault:
        raise error(f"{path} is not JSON: {fault}. Download or save it again.", path=str(path)) from fault
    if not isinstance(value, dict):
        raise error(f"{path} holds a {type(value).__name__}; it must hold a dictionary.", path=str(path))
    return value


def config_dict_of(checkpoint: Checkpoint) -> dict[str, Any]:
    """The keys of a checkpoint's config.json, with the name it was loaded by.

    Raises:
        CheckpointNotFoundError: the checkpoint has no config.json.
        ConfigError: config.json is not JSON, or not a dictionary.
    """
    return {**read_json(checkpoint.require("config.json"), ConfigError), "_name_or_path": checkpoint.name}


def _no_duplicates(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    result = dict(pairs)
    if len(result) < len(pairs):
        seen: set[str] = set()
        for name, _ in pairs:
            if name in seen:
                raise ValueError(f"the key {name!r:.80} stands twice")
            seen.add(name)
    return result


def _no_constant(word: str) -> Any:
    raise ValueError(f"{word} is not a number of JSON")
