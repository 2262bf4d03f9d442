"""A repository of the Hub at one commit, read through the cache that `transformers` shares.

`huggingface_hub` is imported when the first repository is opened, not before. Its exceptions changed their
base classes when it left `requests` for `httpx`: `hub_errors` translates both.
"""

from __future__ import annotations

import logging
import os
import re
from dataclasses import dataclass, field
from pathlib import Path

from pellucid.checkpoints import hub_arguments as arguments
from pellucid.checkpoints import hub_errors
from pellucid.checkpoints.renamed import other_name
from pellucid.errors import CheckpointNotFoundError, InputError, OfflineError, PellucidError

logger = logging.getLogger(__name__)

_COMMIT_HASH = re.compile(r"[0-9a-f]{40}")


@dataclass
class Repository:
    """One repository at one commit.

    Attributes:
        name: as the user gave it.
        cached_name: the name it has in the cache: the old or the new one of a repository that was moved.
        commit: the commit that all files come from.
        cache_dir: the folder of the cache.
        offline: no requests are made, because none are wanted or because the Hub could not be reached.
    """

    name: str
    cached_name: str
    revision: str
    commit: str
    cache_dir: Path
    offline: bool
    token: str | bool | None = field(repr=False)
    force_download: bool
    answered: bool = False
    """The Hub has answered during this load: if it then stops, that is an error, not a reason to do without
    the file."""
    fetched: set[str] = field(default_factory=set)

    def file(self, filename: str) -> Path | None:
        """The local path of a file at this commit; None if there is none, or offline if it is not in the
        cache.
        """
        from huggingface_hub import _CACHED_NO_EXIST, hf_hub_download, try_to_load_from_cache

        again = self.force_download and filename not in self.fetched and not self.offline
        if not again:
            cached = try_to_load_from_cache(self.cached_name, filename, self.cache_dir, self.commit)
            if isinstance(cached, str):
                return Path(cached)
            if cached is _CACHED_NO_EXIST or self.offline:
                return None
        try:
            path = hf_hub_download(
                self.cached_name,
                filename,
                revision=self.commit,
                cache_dir=self.cache_dir,
                token=self.token,
                force_download=again,
                **hub_errors.USER_AGENT,
            )
        except Exception as error:
            if hub_errors.is_missing_entry(error):
                self.answered = True
                return None
            if hub_errors.is_unreachable(error) and not self.answered and self._has_cached_files():
                logger.warning("%s", hub_errors.falls_back(self.name, self.commit, error))
                self.offline = True
                return None
            raise hub_errors.translated(
                error, self.name, revision=self.revision, filename=filename, cache_dir=self.cache_dir
            ) from error
        self.answered = True
        self.fetched.add(filename)
        return Path(path)

    def cached(self, filename: str) -> Path | None:
        """The local path of a file at this commit, if it is in the cache."""
        from huggingface_hub import try_to_load_from_cache

        found = try_to_load_from_cache(self.cached_name, filename, self.cache_dir, self.commit)
        return Path(found) if isinstance(found, str) else None

    def has(self, filename: str) -> bool:
        """Whether the commit has a file, by a request for its headers alone; False where nobody answers."""
        from huggingface_hub import HfApi, try_to_load_from_cache

        if isinstance(try_to_load_from_cache(self.cached_name, filename, self.cache_dir, self.commit), str):
            return True
        try:
            return not self.offline and bool(
                HfApi().file_exists(self.cached_name, filename, revision=self.commit, token=self.token)
            )
        except Exception:  # a hint is not worth another error
            return False

    def missing(self, filenames: list[str], hint: str) -> PellucidError:
        """The error for files that were looked for in vain."""
        wanted = filenames[0] if len(filenames) == 1 else f"any of {', '.join(filenames)}"
        more = f" {hint}" if hint else ""
        if self.offline:
            return OfflineError(
                f"{self.name!r} (commit {self.commit[:12]}) is in the cache {self.cache_dir}, but not "
                f"{wanted}, and no request "
                f"was made or answered.{more} {hub_errors.HOW_TO_GO_ON}",
                repository=self.name,
                commit=self.commit,
                filenames=filenames,
            )
        return CheckpointNotFoundError(
            f"The repository {self.name!r} on the Hub (commit {self.commit[:12]}) does not have "
            f"{wanted}.{more} "
            "Check the name, the `revision` and the `subfolder`.",
            code="checkpoint.file_not_found",
            repository=self.name,
            commit=self.commit,
            filenames=filenames,
        )

    def _has_cached_files(self) -> bool:
        snapshot = _cache_folder(self.cached_name, self.cache_dir) / "snapshots" / self.commit
        return snapshot.is_dir() and any(snapshot.iterdir())


def open_repository(
    name: str,
    *,
    revision: str | None,
    cache_dir: str | os.PathLike[str] | None,
    token: str | bool | None,
    local_files_only: bool,
    force_download: bool,
    first_file: str,
) -> Repository:
    """Settles the commit of a repository.

    Args:
        name: the repository.
        revision: as for `locate`.
        cache_dir: as for `locate`.
        token: as for `locate`.
        local_files_only: as for `locate`.
        force_download: as for `locate`.
        first_file: the file that every load reads first. Asking for it settles the commit, as `transformers`
            does it.

    Returns:
        The repository at its commit. With a full commit hash as `revision` no request is made.

    Raises:
        CheckpointNotFoundError: the name can be no repository, or there is no such repository or revision.
        OfflineError: not in the cache, and the Hub is out of reach.
        InputError: arguments that contradict each other, or a token that can be none.
    """
    arguments.check_name(name)
    wanted = "main" if revision is None else revision
    arguments.check_revision(name, wanted)
    arguments.check_token(token)
    offline = local_files_only or arguments.hub_is_switched_off()
    if force_download and offline:
        raise InputError(
            f"force_download=True asks for {name!r} from the Hub, but requests are switched off by "
            f"{'local_files_only=True' if local_files_only else 'HF_HUB_OFFLINE'}. Drop one of the two.",
            code="argument.force_download",
        )
    cache = arguments.cache_folder(cache_dir)
    opened = Repository(name, name, wanted, "", cache, offline, token, force_download)

    if offline or _COMMIT_HASH.fullmatch(wanted):
        found = _cached_commit(name, wanted, cache)
        if found is not None:
            opened.cached_name, opened.commit = found
            return opened
        if not offline:
            opened.commit = wanted
            return opened
        raise _nothing_cached(name, wanted, cache)
    try:
        opened.commit = _ask_commit(opened, first_file)
        opened.answered = True
    except Exception as error:
        found = None
        if not force_download and hub_errors.may_use_cache(error):
            found = _cached_commit(name, wanted, cache)
        if found is None:
            raise hub_errors.translated(error, name, revision=wanted, filename=first_file, cache_dir=cache) from error
        opened.cached_name, opened.commit = found
        opened.offline = True
        logger.warning("%s", hub_errors.falls_back(name, opened.commit, error))
    return opened


def _ask_commit(repository: Repository, first_file: str) -> str:
    """The commit that the revision stands for now; leaves in the cache what `transformers` would leave."""
    from huggingface_hub import (
        constants,
        get_hf_file_metadata,
        hf_hub_download,
        hf_hub_url,
        try_to_load_from_cache,
    )

    name, revision = repository.name, repository.revision
    commit: str | None = None
    try:
        metadata = get_hf_file_metadata(
            hf_hub_url(name, first_file, revision=revision),
            token=repository.token,
            timeout=constants.HF_HUB_ETAG_TIMEOUT,
            **hub_errors.USER_AGENT,
        )
        commit = metadata.commit_hash
        if commit is None:
            raise hub_errors.not_a_hub()
        reference = _cache_folder(name, repository.cache_dir) / "refs" / revision
        known = reference.read_text().strip() if reference.is_file() else None
        if known == commit and not repository.force_download:
            cached = try_to_load_from_cache(name, first_file, repository.cache_dir, commit)
            if isinstance(cached, str):
                return commit
        path = hf_hub_download(
            name,
            first_file,
            revision=revision,
            cache_dir=repository.cache_dir,
            token=repository.token,
            force_download=repository.force_download,
            **hub_errors.USER_AGENT,
        )
    except Exception as error:
        if not hub_errors.is_missing_entry(error):
            raise
        commit = hub_errors.commit_of_missing_entry(error)
        if commit is None:
            raise
        _remember(repository, revision, commit, first_file)
        return commit
    repository.fetched.add(first_file)
    # The branch may have moved between the two requests: what was fetched decides.
    moved = re.search(r"[\\/]snapshots[\\/]([0-9a-f]{40})[\\/]", path)
    return moved.group(1) if moved else commit


def _remember(repository: Repository, revision: str, commit: str, absent: str) -> None:
    """Notes in the cache, as `huggingface_hub` does, what the branch stands for and which file it does not
    have.
    """
    folder = _cache_folder(repository.name, repository.cache_dir)
    try:
        marker = folder / ".no_exist" / commit / absent
        marker.parent.mkdir(parents=True, exist_ok=True)
        marker.touch()
        reference = folder / "refs" / revision
        reference.parent.mkdir(parents=True, exist_ok=True)
        partial = reference.with_name(f"{reference.name}.{os.getpid()}.tmp")
        partial.write_text(commit)
        partial.replace(reference)
    except OSError as error:  # a cache that cannot be written is only slower
        logger.debug("The cache of %s could not be updated: %s", repository.name, error)


def _cached_commit(name: str, revision: str, cache: Path) -> tuple[str, str] | None:
    """The name in the cache and the commit that a revision stood for when it was last fetched."""
    for candidate in filter(None, (name, other_name(name))):
        folder = _cache_folder(candidate, cache)
        commit = revision
        reference = folder / "refs" / revision
        if reference.is_file():
            commit = reference.read_text().strip()
        if _COMMIT_HASH.fullmatch(commit) and (folder / "snapshots" / commit).is_dir():
            return candidate, commit
    return None


def _cache_folder(name: str, cache: Path) -> Path:
    return cache / f"models--{name.replace('/', '--')}"


def _nothing_cached(name: str, revision: str, cache: Path) -> OfflineError:
    return OfflineError(
        f"{name!r} (revision {revision!r}) is not in the cache {cache}, and requests are switched off "
        "(local_files_only=True or "
        f"HF_HUB_OFFLINE); it is no existing folder either. {hub_errors.HOW_TO_GO_ON}",
        repository=name,
        revision=revision,
        cache_dir=str(cache),
    )
