"""Finds a checkpoint: a folder, a repository of the Hugging Face Hub, or the one inside the package.

A name is looked up in this order:

1. `"builtin"`, the text, is always the small checkpoint inside the package. A folder of that name in the
   current directory is reached as `"./builtin"` (or as a `Path`); where there is one, a warning says so.
2. An existing folder is used as it is.
3. Anything else is the name of a repository on the Hub, read through the cache that `transformers` uses.

All files of one `Checkpoint` come from one commit: the revision is resolved once, and every file is then
asked for by the commit's hash. Files are fetched one by one, when they are asked for.
"""

from __future__ import annotations

import logging
import os
from dataclasses import dataclass, field
from pathlib import Path

from pellucid.checkpoints.filenames import check_filename
from pellucid.checkpoints.repository import Repository, open_repository
from pellucid.errors import CheckpointNotFoundError, InputTypeError, PellucidError

logger = logging.getLogger(__name__)

BUILTIN = "builtin"
"""The name of the checkpoint inside the package."""


@dataclass(frozen=True)
class Checkpoint:
    """The files of one checkpoint: a folder, or a repository on the Hub at one commit.

    Attributes:
        name: as the user gave it.
        commit: the commit hash on the Hub, None for a folder.
        folder: the local folder, None for a repository.
        subfolder: where in the folder or repository the files lie; "" for the top.
    """

    name: str
    commit: str | None
    folder: Path | None = None
    subfolder: str = ""
    repository: Repository | None = field(default=None, repr=False, compare=False)

    def file(self, filename: str) -> Path | None:
        """The local path of a file, fetched from the Hub if need be.

        Args:
            filename: relative to the checkpoint, with `/` between folders.

        Returns:
            The path, or None if the checkpoint has no such file. Offline it is also None for a file that is
            not in the cache: `missing` then tells the two apart.

        Raises:
            OfflineError: the Hub could not be reached in the middle of a load.
            UnsafeCheckpointError: the name leads out of the checkpoint.
        """
        relative = check_filename(filename, source=f"The request for a file of {self.name!r}")
        if self.subfolder:
            relative = f"{self.subfolder}/{relative}"
        if self.repository is not None:
            return self.repository.file(relative)
        assert self.folder is not None
        path = self.folder / relative
        try:
            path.stat()
        except (FileNotFoundError, NotADirectoryError):
            return None
        except OSError as error:
            raise CheckpointNotFoundError(
                f"{path} cannot be read: {error.strerror}. Check the permissions of the folder.",
                code="checkpoint.unreadable",
                path=str(path),
            ) from error
        return path

    def at_hand(self, filename: str) -> Path | None:
        """The local path of a file, if it is there without a request to the Hub.

        Args:
            filename: relative to the checkpoint.
        """
        if self.repository is None:
            return self.file(filename)
        return self.repository.cached(f"{self.subfolder}/{filename}" if self.subfolder else filename)

    def has(self, filename: str) -> bool:
        """Whether there is such a file, without fetching it.

        Args:
            filename: relative to the checkpoint.

        Returns:
            False also where the Hub does not say; this is for hints, `file` is for loading.
        """
        if self.repository is None:
            return self.file(filename) is not None
        return self.repository.has(f"{self.subfolder}/{filename}" if self.subfolder else filename)

    def require(self, filename: str) -> Path:
        """As `file`, for a file without which nothing can be done.

        Args:
            filename: relative to the checkpoint.

        Returns:
            The local path.

        Raises:
            CheckpointNotFoundError: the checkpoint has no such file.
            OfflineError: it is not in the cache, and the Hub is out of reach.
        """
        path = self.file(filename)
        if path is None:
            raise self.missing(filename)
        return path

    def missing(self, *filenames: str, hint: str = "") -> PellucidError:
        """The error to raise when `file` has found none of these.

        Args:
            filenames: the names that were looked for.
            hint: a sentence to add: what else there was, or what to do.

        Returns:
            `OfflineError` if the Hub could not be asked, else `CheckpointNotFoundError`.
        """
        within = [f"{self.subfolder}/{name}" if self.subfolder else name for name in filenames]
        if self.repository is not None:
            return self.repository.missing(within, hint)
        names = _listed(within)
        return CheckpointNotFoundError(
            f"The folder {self.folder} has no {names}. Expected a folder as `save_pretrained` writes it; "
            "check the path"
            f"{'' if self.subfolder else ', or name the `subfolder`'}.{' ' + hint if hint else ''}",
            code="checkpoint.file_not_found",
            path=str(self.folder),
            filenames=within,
        )

    @property
    def boundary(self) -> Path:
        """The folder that no link inside the checkpoint may lead out of.

        For files in the Hub's cache, whose snapshots are links to blobs kept beside them, it is the cache
        itself.
        """
        if self.repository is not None:
            return self.repository.cache_dir
        assert self.folder is not None
        folder = Path(os.path.abspath(self.folder))  # noqa: PTH100 - `resolve` would follow the links
        for parent in (folder, *folder.parents):
            if parent.parent.name == "snapshots" and parent.parent.parent.name.startswith("models--"):
                return parent.parent.parent.parent
        return folder


def locate(
    name_or_folder: str | os.PathLike[str],
    *,
    revision: str | None = None,
    cache_dir: str | os.PathLike[str] | None = None,
    token: str | bool | None = None,
    local_files_only: bool = False,
    force_download: bool = False,
    subfolder: str = "",
) -> Checkpoint:
    """Finds a checkpoint; of a repository it settles the commit and fetches nothing but config.json.

    Args:
        name_or_folder: a folder, the name of a repository on the Hub
            (`"distilbert/distilbert-base-uncased"`), or `"builtin"`.
        revision: branch, tag or commit hash; `"main"` if None. Means nothing for a folder.
        cache_dir: the cache; `HF_HUB_CACHE`, which `transformers` shares, if None.
        token: for private and gated repositories; True or None takes the one of `hf auth login`, False sends
            none.
        local_files_only: no request is made; as with `HF_HUB_OFFLINE=1`.
        force_download: fetch each file again, even if it is in the cache.
        subfolder: where in the folder or repository the files lie.

    Returns:
        The checkpoint.

    Raises:
        CheckpointNotFoundError: no such folder, repository or revision.
        OfflineError: not in the cache, and the Hub is out of reach.
        InputTypeError: the name is not text.
    """
    if not isinstance(name_or_folder, (str, os.PathLike)):
        raise InputTypeError(
            f"The checkpoint is given as {type(name_or_folder).__name__}; expected a folder or the name of "
            "a repository on the "
            "Hub, as text.",
            code="checkpoint.name",
        )
    name = os.fspath(name_or_folder)
    if not isinstance(name, str):
        raise InputTypeError("The checkpoint is given as bytes; expected text.", code="checkpoint.name")
    subfolder = "" if subfolder in (None, "", ".") else subfolder.strip("/")
    if subfolder:
        check_filename(subfolder, source="The argument `subfolder`")

    if name == BUILTIN and isinstance(name_or_folder, str):
        return Checkpoint(name, None, _builtin_folder(), subfolder)
    folder = _existing_folder(name)
    if folder is not None:
        # Imported here because saving needs what reading needs, and a repository needs neither.
        from pellucid.checkpoints.saving import finish_interrupted_save

        # A save of the whole folder keeps its journal at the top, one of the subfolder keeps it there.
        for saved in dict.fromkeys((folder, folder / subfolder)):
            finish_interrupted_save(saved)
        return Checkpoint(name, None, folder, subfolder)
    repository = open_repository(
        name if isinstance(name_or_folder, str) else Path(name).as_posix(),
        revision=revision,
        cache_dir=cache_dir,
        token=token,
        local_files_only=local_files_only,
        force_download=force_download,
        first_file=f"{subfolder}/config.json" if subfolder else "config.json",
    )
    return Checkpoint(name, repository.commit, None, subfolder, repository)


def _builtin_folder() -> Path:
    folder = Path(__file__).parent.parent / BUILTIN
    if not folder.is_dir():
        raise CheckpointNotFoundError(
            f"The built-in checkpoint is missing from the package: there is no folder {folder}. Reinstall pellucid.",
            path=str(folder),
        )
    if Path(BUILTIN).is_dir():
        logger.warning(
            "model='builtin' is the checkpoint inside the package, not the folder 'builtin' of the current directory. "
            "Write './builtin' for the folder."
        )
    return folder


def _existing_folder(name: str) -> Path | None:
    path = os.path.expanduser(name)  # noqa: PTH111 - Path.expanduser raises where there is no home
    try:
        if os.path.isdir(path):  # noqa: PTH112 - "" and "./x" must stay what they are
            return Path(path)
        is_file = os.path.exists(path)  # noqa: PTH110
    except ValueError:  # an embedded NUL
        return None
    if is_file:
        raise CheckpointNotFoundError(
            f"{name!r} is a file; expected the folder that holds config.json and the weights. Give its "
            "folder: "
            f"{str(Path(path).parent)!r}.",
            code="checkpoint.not_a_folder",
            path=path,
        )
    return None


def _listed(names: list[str]) -> str:
    return names[0] if len(names) == 1 else f"file named {', '.join(names[:-1])} or {names[-1]}"
