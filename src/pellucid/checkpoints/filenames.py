"""Names of files that come from outside: a name never leads out of the folder of its checkpoint.

The rules are the same on every operating system, so that a checkpoint refused on one is refused on all.
Nothing here touches the disk: a refused name is neither opened nor looked up.
"""

from __future__ import annotations

import re

from pellucid.errors import UnsafeCheckpointError

_LONGEST_NAME = 1024
_WINDOWS_DEVICE = re.compile(r"(con|prn|aux|nul|com[0-9]|lpt[0-9])(\..*)?", re.IGNORECASE)


def check_filename(name: object, *, source: str) -> str:
    """A file name, relative to its checkpoint's folder, once it is known to stay inside it.

    Args:
        name: the name, with `/` between folders.
        source: where the name was found, for the message.

    Returns:
        The same name.

    Raises:
        UnsafeCheckpointError: the name is absolute, climbs (`..`), names a drive, a share or a device, or is
            no name at all.
    """
    reason = _objection(name)
    if reason is not None:
        raise UnsafeCheckpointError(
            f"{source} names the file {_shown(name)}, which {reason}. Expected a plain file name inside the "
            "checkpoint's "
            "folder. Do not use this checkpoint unless you trust its author; correct the name if it is your "
            "own.",
            code="checkpoint.path_escape",
            filename=name if isinstance(name, str) else repr(name),
        )
    assert isinstance(name, str)
    return name


def _objection(name: object) -> str | None:
    if not isinstance(name, str):
        return f"is of type {type(name).__name__}, not text"
    if not name:
        return "is empty"
    if len(name) > _LONGEST_NAME:
        return f"has {len(name)} characters (at most {_LONGEST_NAME} are read)"
    if any(ord(character) < 32 or ord(character) == 127 for character in name):
        return "holds control characters"
    if "\\" in name or ":" in name:
        return "holds a backslash or a colon, which leads to other drives or folders on some systems"
    if name.startswith(("/", "~")):
        return "is not relative to the folder"
    for part in name.split("/"):
        if part in ("", ".", ".."):
            return "leads out of the folder or is not in its plain form"
        if part != part.rstrip(" ."):
            return "ends in a dot or a space, which some systems drop"
        if _WINDOWS_DEVICE.fullmatch(part):
            return "is the name of a device on some systems"
    return None


def _shown(name: object) -> str:
    text = ascii(name)
    return text if len(text) <= 120 else f"{text[:117]}..."
