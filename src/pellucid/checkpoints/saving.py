"""Writes a folder so that all of its new files appear, or none.

A save goes in four steps, and can be cut off after any of them:

1. Each file is written and flushed to the disk beside its place, under a temporary name.
2. A journal, `.pellucid-save.json`, that lists the renames and deletions appears, in one rename. This is the
   commit point: before it the old files are whole, from it on the new ones are.
3. The renames and deletions are done.
4. The journal is removed.

A save that was cut off after the commit point is finished by the next one who reads or writes the folder; one
that was cut off before it leaves only temporary files, which the next save removes. Files are renamed into
place and never written in place, so a model may be saved into the folder whose files it has mapped.
"""

from __future__ import annotations

import contextlib
import json
import os
import re
import secrets
import socket
import time
import zlib
from collections.abc import Callable, Iterable, Iterator, Mapping
from pathlib import Path
from typing import Any

from pellucid.checkpoints.filenames import check_filename
from pellucid.checkpoints.safetensors_writing import safetensors_files
from pellucid.errors import CheckpointError, CorruptCheckpointError

__all__ = ["finish_interrupted_save", "safetensors_files", "write_folder"]

JOURNAL = ".pellucid-save.json"
_TEMPORARY = re.compile(r"\.pellucid-(?P<host>[0-9a-f]{8})-(?P<process>\d+)-.+\.tmp")
_STALE_AFTER = 24 * 3600.0  # seconds, for temporary files of other machines
_WEIGHTS = re.compile(r"model(-\d{5}-of-\d{5})?\.safetensors|model\.safetensors\.index\.json")

Content = bytes | Callable[[Path], None]


def write_folder(folder: Path, files: Mapping[str, Content], *, remove: Iterable[str] = ()) -> None:
    """Writes files into a folder: all of them appear, or none.

    Weights of an earlier save that are not written again (another number of shards, say) are removed in the
    same step, since they would be read instead of the new ones.

    Args:
        folder: made with its parents if it does not exist.
        files: name → its bytes, or a function that writes the file at the path it is given.
        remove: names of files to delete in the same step; those that do not exist are passed over.

    Raises:
        CheckpointError: the folder's path is a file.
        OSError: no space, no permission …, with the path. The old files are as they were.
    """
    folder = Path(folder)
    for name in (*files, *remove):
        _check_name(name)
    if folder.exists() and not folder.is_dir():
        raise CheckpointError(
            f"{folder} is a file; expected a folder, or a path at which one can be made. Give another path.",
            code="checkpoint.not_a_folder",
            path=str(folder),
        )
    folder.mkdir(parents=True, exist_ok=True)
    with _locked(folder):
        _finish(folder)
        _remove_stale_temporaries(folder)
        written: dict[str, str] = {}
        try:
            for name, content in files.items():
                with _naming(folder / name):
                    temporary = _new_temporary(folder)
                    written[temporary.name] = name
                    permissions = temporary.stat().st_mode
                    if callable(content):
                        content(temporary)
                    else:
                        temporary.write_bytes(content)
                    temporary.chmod(permissions)  # the function may have put another file there
                    _flush(temporary)
            stale = {*remove, *_stale_weights(folder, files)} - set(files)
            _write_journal(folder, {"rename": written, "delete": sorted(stale)})
        except BaseException:
            # Also when the user interrupts: nothing of a save that was not committed stays behind.
            if not (folder / JOURNAL).exists():
                for temporary_name in written:
                    with contextlib.suppress(OSError):
                        (folder / temporary_name).unlink()
            raise
        _finish(folder)


def finish_interrupted_save(folder: Path) -> None:
    """Finishes a save that was cut off after its commit point; does nothing where there is none.

    Called before the files of a folder are read. Two processes may do it at once.

    Args:
        folder: the folder of a checkpoint.

    Raises:
        CheckpointError: there is such a save, but the folder cannot be written.
        CorruptCheckpointError: the journal is damaged, or a file that it lists is gone.
    """
    if not (folder / JOURNAL).exists():
        return
    with _locked(folder):
        _finish(folder)


def _finish(folder: Path) -> None:
    journal = folder / JOURNAL
    try:
        content = journal.read_bytes()
    except FileNotFoundError:
        return
    renames, deletions = _parse_journal(journal, content)
    try:
        for temporary, name in renames.items():
            target = folder / name
            target.parent.mkdir(parents=True, exist_ok=True)
            try:
                os.replace(folder / temporary, target)  # noqa: PTH105
            except FileNotFoundError:
                # Done before the interruption, or by another process just now.
                if not target.exists():
                    raise CorruptCheckpointError(
                        f"{folder} holds an interrupted save, and its file {name} is gone. Save the model "
                        "again, or delete "
                        f"{JOURNAL} and check the other files.",
                        code="checkpoint.interrupted_save",
                        path=str(target),
                    ) from None
        for name in deletions:
            (folder / name).unlink(missing_ok=True)
        for changed in {folder, *((folder / name).parent for name in renames.values())}:
            _flush_folder(changed)
        journal.unlink(missing_ok=True)
        _flush_folder(folder)
    except CheckpointError:
        raise
    except OSError as error:
        raise CheckpointError(
            f"{folder} holds a save that was interrupted and cannot be finished: {error.strerror}. Load it "
            "once with the "
            "permission to write there, or save the model again.",
            code="checkpoint.interrupted_save",
            path=str(folder),
        ) from error


def _parse_journal(journal: Path, content: bytes) -> tuple[dict[str, str], list[str]]:
    try:
        plan = json.loads(content)
        renames, deletions = plan["rename"], plan["delete"]
        if not isinstance(renames, dict) or not isinstance(deletions, list):
            raise TypeError(plan)
        for temporary, name in renames.items():
            if not _TEMPORARY.fullmatch(temporary) or "/" in temporary or "\\" in temporary:
                raise ValueError(temporary)
            _check_name(name)
        for name in deletions:
            _check_name(name)
    except (ValueError, TypeError, KeyError, AttributeError, RecursionError) as error:
        # Journals appear in one rename, so this one was not written by a save that was cut off.
        raise CorruptCheckpointError(
            f"{journal} is not the journal of a save. Delete it if the other files are as they should be.",
            code="checkpoint.interrupted_save",
            path=str(journal),
        ) from error
    return renames, deletions


def _write_journal(folder: Path, plan: Mapping[str, Any]) -> None:
    temporary = _new_temporary(folder)
    try:
        temporary.write_text(json.dumps(plan, indent=1), encoding="utf-8")
        _flush(temporary)
        # The temporary files themselves must have reached the disk before the journal that speaks of them.
        _flush_folder(folder)
        os.replace(temporary, folder / JOURNAL)  # noqa: PTH105
    except BaseException:
        with contextlib.suppress(OSError):
            temporary.unlink(missing_ok=True)
        raise
    _flush_folder(folder)


def _stale_weights(folder: Path, files: Mapping[str, Content]) -> set[str]:
    if not any(_WEIGHTS.fullmatch(name) for name in files):
        return set()
    return {entry.name for entry in folder.iterdir() if _WEIGHTS.fullmatch(entry.name)}


def _check_name(name: str) -> None:
    check_filename(name, source="The save")
    if name == JOURNAL or _TEMPORARY.fullmatch(name.rpartition("/")[2]):
        raise ValueError(f"{name!r} is a name that saving keeps for itself; choose another.")


def _new_temporary(folder: Path) -> Path:
    path = folder / f".pellucid-{_host()}-{os.getpid()}-{secrets.token_hex(8)}.tmp"
    # Opened with the permissions of any new file, which `tempfile` would narrow to the owner.
    os.close(os.open(path, os.O_CREAT | os.O_EXCL | os.O_WRONLY, 0o666))
    return path


def _remove_stale_temporaries(folder: Path) -> None:
    for entry in folder.iterdir():
        owner = _TEMPORARY.fullmatch(entry.name)
        if owner is None:
            continue
        with contextlib.suppress(OSError):
            if _is_dead(owner["host"], int(owner["process"])) or time.time() - entry.stat().st_mtime > _STALE_AFTER:
                entry.unlink()


def _is_dead(host: str, process: int) -> bool:
    if host != _host() or os.name == "nt":  # signal 0 would end the process there
        return False
    try:
        os.kill(process, 0)
    except ProcessLookupError:
        return True
    except OSError:
        return False
    return False


def _host() -> str:
    return f"{zlib.crc32(socket.gethostname().encode()):08x}"


@contextlib.contextmanager
def _locked(folder: Path) -> Iterator[None]:
    """Lets one process at a time change the folder, where the system can; correctness does not rest on it."""
    try:
        import fcntl
    except ImportError:  # Windows
        yield
        return
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        with contextlib.suppress(OSError):  # some network file systems have no locks
            fcntl.flock(descriptor, fcntl.LOCK_EX)
        yield
    finally:
        os.close(descriptor)


@contextlib.contextmanager
def _naming(path: Path) -> Iterator[None]:
    """Says in an OSError which file could not be written, rather than its temporary name or nothing."""
    try:
        yield
    except OSError as error:
        if error.errno is None or isinstance(error, CheckpointError):
            raise
        raise type(error)(
            error.errno, f"{error.strerror}; {path} was not written, and no file was changed", str(path)
        ) from error


def _flush(path: Path) -> None:
    descriptor = os.open(path, os.O_RDWR)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def _flush_folder(folder: Path) -> None:
    if os.name == "nt":  # folders cannot be opened there
        return
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
