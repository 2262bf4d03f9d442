"""The arguments that lead to the Hub, checked before a request is made: names, revisions, tokens, the cache's
folder.
"""

from __future__ import annotations

import os
import re
from pathlib import Path
from typing import Any

from pellucid.errors import CheckpointNotFoundError, InputError

# The Hub's rules for owners and names.
_NAME = re.compile(r"[A-Za-z0-9_](?:[A-Za-z0-9_.-]*[A-Za-z0-9_])?")
# What `git check-ref-format` forbids, and what would leave the cache's folder of revisions.
_BAD_REVISION = re.compile(r"[\x00-\x20\x7f~^:?*\[\\]|\.\.|@\{|//|^[/.-]|[/.]$|\.lock$|/\.")


def cache_folder(cache_dir: str | os.PathLike[str] | None) -> Path:
    """The cache that was asked for, or the one that `transformers` uses."""
    if cache_dir is not None:
        return Path(cache_dir).expanduser()
    from huggingface_hub import constants

    # `transformers` 4 still honours its own variables, and what it has downloaded is to be found.
    for variable in ("TRANSFORMERS_CACHE", "PYTORCH_TRANSFORMERS_CACHE"):
        if os.environ.get(variable):
            return Path(os.environ[variable]).expanduser()
    return Path(constants.HF_HUB_CACHE)


def hub_is_switched_off() -> bool:
    """The environment forbids requests."""
    # The variable may have been set after huggingface_hub, which reads it once, was imported.
    switched = os.environ.get("HF_HUB_OFFLINE") or os.environ.get("TRANSFORMERS_OFFLINE") or ""
    if switched.upper() in ("1", "ON", "YES", "TRUE"):
        return True
    from huggingface_hub import constants

    return bool(constants.HF_HUB_OFFLINE)


def check_name(name: str) -> None:
    """Refuses what can be the name of no repository.

    Args:
        name: as the user gave it, known to be no folder.

    Raises:
        CheckpointNotFoundError: it is neither.
    """
    owner, _, bare = name.rpartition("/")
    reason: str | None = None
    if not name.isascii() or not name.isprintable() or " " in name:
        reason = "it holds characters that no name on the Hub has"
    elif len(bare) > 96 or not _NAME.fullmatch(bare) or (owner and not _NAME.fullmatch(owner)) or name.startswith("/"):
        reason = "it has not the form 'owner/name' of letters, digits, '-', '_' and '.'"
    elif "--" in name or ".." in name or name.endswith(".git"):
        reason = "'--', '..' and '.git' at the end are in no name on the Hub"
    if reason is not None:
        shown = ascii(name) if len(name) <= 120 else f"{name[:100]!a}… ({len(name)} characters)"
        raise CheckpointNotFoundError(
            f"{shown} is neither an existing folder nor the name of a repository on the Hub: {reason}. "
            "Check the spelling of the path, or give a name such as 'distilbert/distilbert-base-uncased'; "
            "model='builtin' needs no files.",
            code="checkpoint.name",
            repository=name[:200],
        )


def check_revision(name: str, revision: Any) -> None:
    """Refuses what can be no branch, tag or commit; above all what would lead out of the cache.

    Args:
        name: the repository, for the message.
        revision: as the user gave it.

    Raises:
        CheckpointNotFoundError: it can be none.
    """
    if not isinstance(revision, str) or not revision or len(revision) > 255 or _BAD_REVISION.search(revision):
        raise CheckpointNotFoundError(
            f"The revision {ascii(revision)[:120]} of {name!r} can be no branch, tag or commit. "
            "Give one that the repository's page lists, or leave it out for 'main'.",
            code="checkpoint.revision",
            repository=name,
        )


def check_token(token: str | bool | None) -> None:
    """Refuses a token that cannot be sent, without showing it.

    Args:
        token: as the user gave it.

    Raises:
        InputError: it is empty or holds what no token holds.
    """
    # A malformed token would be shown by the HTTP library's own error.
    if isinstance(token, str) and (not token or not token.isascii() or not token.isprintable() or " " in token):
        raise InputError(
            "The token is empty or holds blanks, line ends or characters outside ASCII; expected one such "
            "as 'hf_…' without "
            "anything around it. Copy it again, or use `hf auth login`.",
            code="argument.token",
        )
