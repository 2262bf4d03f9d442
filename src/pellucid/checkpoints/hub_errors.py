"""What went wrong on the way to the Hub, in one set of errors.

`huggingface_hub` up to 0.36 raises the exceptions of `requests`, from 1.0 on those of `httpx` (and of its
successors). Its own classes are the same by name, and the HTTP library is read off their bases, so that
neither has to be imported here.
"""

from __future__ import annotations

import os
import re
from pathlib import Path
from typing import Any

from pellucid.errors import CheckpointError, CheckpointNotFoundError, InputError, OfflineError, PellucidError

USER_AGENT: dict[str, Any] = {"library_name": "pellucid"}

HOW_TO_GO_ON = (
    "Connect to the network and run again, copy the files here and give their folder, or use "
    "model='builtin', which needs "
    "no network."
)


class NotAHubError(Exception):
    """The answer did not come from a Hub: a sign-in page of the network, or a wrong HF_ENDPOINT."""


def not_a_hub() -> NotAHubError:
    """The error for an answer without a commit."""
    return NotAHubError("the answer has no X-Repo-Commit header")


def is_missing_entry(error: BaseException) -> bool:
    """The repository and the revision exist, the file does not."""
    from huggingface_hub.errors import EntryNotFoundError, LocalEntryNotFoundError

    return isinstance(error, EntryNotFoundError) and not isinstance(error, LocalEntryNotFoundError)


def commit_of_missing_entry(error: BaseException) -> str | None:
    """The commit that does not have the file, as the Hub's answer names it."""
    response = getattr(error, "response", None)
    commit = response.headers.get("X-Repo-Commit") if response is not None else None
    return commit if isinstance(commit, str) and re.fullmatch(r"[0-9a-f]{40}", commit) else None


def is_unreachable(error: BaseException) -> bool:
    """Nobody answered, or somebody who is not the Hub, or the Hub is out of order."""
    cause = _root(error)
    status = _status(cause)
    if status is not None:
        return status >= 500 or status in (408, 429)
    return _is_transport(cause) or _is_no_hub(cause) or isinstance(cause, (ConnectionError, TimeoutError))


def may_use_cache(error: BaseException) -> bool:
    """What is in the cache may be used all the same: the Hub did not say that there is no such revision."""
    from huggingface_hub.errors import (
        EntryNotFoundError,
        HfHubHTTPError,
        LocalEntryNotFoundError,
        RevisionNotFoundError,
    )

    if isinstance(error, RevisionNotFoundError):
        return False
    if isinstance(error, (EntryNotFoundError,)) and not isinstance(error, LocalEntryNotFoundError):
        return False
    return is_unreachable(error) or isinstance(error, (HfHubHTTPError, LocalEntryNotFoundError))


def falls_back(name: str, commit: str, error: BaseException) -> str:
    """The warning when the cache is used because the Hub did not serve."""
    reason = _reason(_root(error))
    return f"The Hub could not be asked about {name!r} ({reason}); using commit {commit[:12]} from the cache."


def translated(error: BaseException, name: str, *, revision: str, filename: str, cache_dir: Path) -> PellucidError:
    """The error of Pellucid for one of `huggingface_hub` or of its HTTP library.

    The text of the original is not repeated: it may hold signed addresses. It stays readable as the cause.
    """
    from huggingface_hub.errors import (
        DisabledRepoError,
        GatedRepoError,
        LocalTokenNotFoundError,
        RepositoryNotFoundError,
        RevisionNotFoundError,
    )

    if isinstance(error, PellucidError):
        return error
    cause = _root(error)
    facts: dict[str, Any] = {"repository": name, "revision": revision, "filename": filename}
    status = _status(cause)
    page = f"{_endpoint()}/{name}"
    if isinstance(cause, LocalTokenNotFoundError):
        return InputError(
            "token=True asks for the token of this machine, but there is none. Run `hf auth login`, or pass the token.",
            code="argument.token",
        )
    if isinstance(cause, GatedRepoError):
        return CheckpointNotFoundError(
            f"{name!r} is gated: its author lets in only those who asked. Ask for access at {page}, then "
            "run `hf auth login` or "
            "pass `token`.",
            code="checkpoint.gated",
            **facts,
        )
    if isinstance(cause, DisabledRepoError):
        return CheckpointNotFoundError(
            f"{name!r} was disabled on the Hub and cannot be downloaded. See {page}.",
            code="checkpoint.disabled",
            **facts,
        )
    if isinstance(cause, RevisionNotFoundError):
        return CheckpointNotFoundError(
            f"{name!r} has no revision {revision!r}; expected a branch, a tag or a full commit hash. See "
            f"{page}/tree/main, or "
            "leave `revision` out.",
            code="checkpoint.revision",
            **facts,
        )
    if isinstance(cause, RepositoryNotFoundError):
        return CheckpointNotFoundError(
            f"{name!r} is not an existing folder here, and the Hub has no repository of that name that you "
            "may read. "
            "Check the spelling; if it is private, run `hf auth login` or pass `token`.",
            code="checkpoint.repository",
            **facts,
        )
    if status == 401:
        return CheckpointNotFoundError(
            f"The Hub does not accept the token (401) for {name!r}. Run `hf auth login` again, or pass a "
            "valid `token`; "
            "token=False sends none.",
            code="checkpoint.unauthorized",
            **facts,
        )
    if status == 403:
        return CheckpointNotFoundError(
            f"The Hub refuses access (403) to {name!r}: the token has not the permission. Check it at {page}.",
            code="checkpoint.forbidden",
            **facts,
        )
    if _is_disk(cause):
        assert isinstance(cause, OSError)
        return CheckpointError(
            f"{filename} of {name!r} could not be written into the cache {cache_dir}: {cause.strerror}. "
            "Free space or correct the permissions, or set HF_HOME or `cache_dir` to another folder.",
            code="checkpoint.cache",
            path=cause.filename,
            **facts,
        )
    if status is not None or is_unreachable(error) or isinstance(cause, OSError):
        return OfflineError(
            f"{filename} of {name!r} (revision {revision!r}) is not in the cache {cache_dir}, and the Hub "
            f"at {_endpoint()} did "
            f"not serve it: {_reason(cause)}. {HOW_TO_GO_ON}",
            status=status,
            filenames=[filename],
            cache_dir=str(cache_dir),
            **facts,
        )
    return CheckpointNotFoundError(
        f"{filename} of {name!r} could not be fetched: {_reason(cause)}. Check the name and the revision, "
        "and try again.",
        **facts,
    )


def _root(error: BaseException) -> BaseException:
    """The reason under the layers that say only "not in the cache either"."""
    from huggingface_hub.errors import LocalEntryNotFoundError

    while isinstance(error, (LocalEntryNotFoundError, ValueError)) and error.__cause__ is not None:
        error = error.__cause__
    return error


def _status(error: BaseException) -> int | None:
    response = getattr(error, "response", None)
    status = getattr(response, "status_code", None)
    return status if isinstance(status, int) else None


def _is_transport(error: BaseException) -> bool:
    from huggingface_hub.errors import HfHubHTTPError

    parent = HfHubHTTPError.__mro__[1]
    library = parent.__module__.partition(".")[0]
    return any(base.__module__.partition(".")[0] == library for base in type(error).__mro__)


def _is_no_hub(error: BaseException) -> bool:
    from huggingface_hub.errors import FileMetadataError

    return isinstance(error, (NotAHubError, FileMetadataError))


def _is_disk(error: BaseException) -> bool:
    return (
        isinstance(error, OSError)
        and error.errno is not None
        and error.filename is not None
        and not _is_transport(error)
    )


def _reason(error: BaseException) -> str:
    status = _status(error)
    if status == 429:
        return "it asks to wait (429, too many requests)"
    if status is not None:
        return f"it answered with status {status}"
    if _is_no_hub(error):
        return "the answer came from something else (a sign-in page of the network, or a wrong HF_ENDPOINT)"
    kind = type(error).__name__
    if "Timeout" in kind:
        return f"no answer in time ({kind})"
    if "Proxy" in kind:
        return f"the proxy does not let the request through ({kind})"
    if "SSL" in kind:
        return f"the certificate was not accepted ({kind})"
    if "Consistency check" in str(error):
        return "the download broke off or its size is not the announced one"
    return f"no connection ({kind})"


def _endpoint() -> str:
    from huggingface_hub import constants

    # Credentials in the address stay out of messages.
    return re.sub(r"//[^/@]*@", "//", os.environ.get("HF_ENDPOINT") or constants.ENDPOINT)
