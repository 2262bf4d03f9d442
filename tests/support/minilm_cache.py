"""A Hub cache that has all-MiniLM-L6-v2 under its name on the Hub, from the package that carries it."""

from __future__ import annotations

import hashlib
import os
import shutil
from pathlib import Path

NAME = "sentence-transformers/all-MiniLM-L6-v2"


def write_minilm(cache: Path, model: Path) -> None:
    """Put the checkpoint into a cache, as `huggingface_hub` lays it out: a snapshot of links to blobs.

    Args:
        cache: the folder of the cache.
        model: the folder of the package's files.
    """
    folder = cache / f"models--{NAME.replace('/', '--')}"
    commit = hashlib.sha1(NAME.encode()).hexdigest()
    snapshot, blobs = folder / "snapshots" / commit, folder / "blobs"
    for made in (snapshot, blobs, folder / "refs"):
        made.mkdir(parents=True)
    (folder / "refs" / "main").write_text(commit, encoding="ascii")
    for path in sorted(one for one in model.rglob("*") if one.is_file()):
        relative = path.relative_to(model)
        blob = blobs / hashlib.sha256(str(relative).encode()).hexdigest()
        try:
            os.link(path, blob)
        except OSError:
            shutil.copyfile(path, blob)
        link = snapshot / relative
        link.parent.mkdir(parents=True, exist_ok=True)
        link.symlink_to(Path(*[".."] * (len(relative.parts) + 1), "blobs", blob.name))
