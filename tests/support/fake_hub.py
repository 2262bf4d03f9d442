"""A Hub on this machine: the addresses that `huggingface_hub` and `transformers` ask, served from memory on
loopback.

    with FakeHub() as hub:
        commit = hub.add("owner/name", {"config.json": b"{}"})
        hub.install(monkeypatch, cache_dir)      # for code in this process
        subprocess.run(..., env=hub.environment(home))   # for another one

It answers as the real one does: a file is at `/{name}/resolve/{revision}/{file}`, with its commit and ETag in
the headers; large files are redirected to another host; moved repositories are redirected; what is missing,
gated or private has its own code.
"""

from __future__ import annotations

import hashlib
import json
import os
import re
import threading
import time
from collections.abc import Mapping
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from types import SimpleNamespace
from typing import Any
from urllib.parse import unquote, urlsplit

import pytest


@dataclass
class FakeRepository:
    """One repository: its commits, and the branches and tags that name them."""

    commits: dict[str, dict[str, bytes]] = field(default_factory=dict)
    references: dict[str, str] = field(default_factory=dict)
    gated: bool = False
    token: str | None = None


@dataclass(frozen=True)
class Request:
    """One request that was received."""

    method: str
    path: str
    authorization: str | None
    host: str


class FakeHub:
    """Serves repositories from memory; see the module for how to use it."""

    def __init__(self) -> None:
        self.repositories: dict[str, FakeRepository] = {}
        self.moved: dict[str, str] = {}
        self.requests: list[Request] = []
        self.status: int | None = None
        """Answer every request with this status."""
        self.portal = False
        """Answer every request with a web page, as a network does that wants a sign-in first."""
        self.delay = 0.0
        """Seconds to wait before each answer."""
        self.cut_after: int | None = None
        """Break off every download after this many bytes."""
        self.large = 1 << 20
        """Bytes from which on a file lies on the other host."""
        hub = self

        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def do_GET(self) -> None:
                hub._answer(self)

            def do_HEAD(self) -> None:
                hub._answer(self)

            def log_message(self, format: str, *args: Any) -> None:
                pass

        self._server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self._server.daemon_threads = True
        self._thread = threading.Thread(target=self._server.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True)
        port = self._server.server_address[1]
        self.endpoint = f"http://127.0.0.1:{port}"
        self._other_host = f"http://localhost:{port}"

    def __enter__(self) -> FakeHub:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._server.shutdown()
        self._server.server_close()
        self._thread.join()

    def add(
        self,
        name: str,
        files: Mapping[str, bytes] | Path,
        *,
        revision: str = "main",
        gated: bool = False,
        token: str | None = None,
    ) -> str:
        """Commits files to a branch of a repository, which is made if need be; returns the commit's hash.

        The commit holds these files alone.
        """
        if isinstance(files, Path):
            files = {
                path.relative_to(files).as_posix(): path.read_bytes()
                for path in sorted(files.rglob("*"))
                if path.is_file()
            }
        repository = self.repositories.setdefault(name, FakeRepository())
        repository.gated, repository.token = gated, token
        content = json.dumps(
            [name, len(repository.commits)] + [[f, hashlib.sha1(b).hexdigest()] for f, b in files.items()]
        )
        commit = hashlib.sha1(content.encode()).hexdigest()
        repository.commits[commit] = dict(files)
        repository.references[revision] = commit
        return commit

    def move(self, old: str, new: str) -> None:
        """Renames a repository: the old name is redirected."""
        self.repositories[new] = self.repositories.pop(old)
        self.moved[old] = new

    def install(self, monkeypatch: pytest.MonkeyPatch, cache_dir: Path) -> None:
        """Points `huggingface_hub`, in this process, to this Hub and to a cache of its own."""
        from huggingface_hub import constants, file_download
        from huggingface_hub.utils import _http

        for name, value in self.environment(cache_dir.parent).items():
            monkeypatch.setenv(name, value)
        for name in (
            "HF_HUB_OFFLINE",
            "TRANSFORMERS_OFFLINE",
            "TRANSFORMERS_CACHE",
            "PYTORCH_TRANSFORMERS_CACHE",
            "HF_TOKEN",
        ):
            monkeypatch.delenv(name, raising=False)
        self.point_to(monkeypatch, self.endpoint)
        # The pauses between tries are cut short: they would only make the tests slow.
        impatient = SimpleNamespace(**{**vars(time), "sleep": lambda _: None})
        monkeypatch.setattr(_http, "time", impatient)
        monkeypatch.setattr(file_download, "time", impatient)
        monkeypatch.setattr(constants, "HF_HUB_CACHE", str(cache_dir))
        monkeypatch.setattr(constants, "HF_HUB_OFFLINE", False)
        monkeypatch.setattr(constants, "HF_TOKEN_PATH", str(cache_dir.parent / "token"))
        monkeypatch.setattr(constants, "HF_HUB_ETAG_TIMEOUT", 2)
        monkeypatch.setattr(constants, "HF_HUB_DOWNLOAD_TIMEOUT", 2)
        monkeypatch.setattr(constants, "HF_HUB_DISABLE_XET", True, raising=False)
        if hasattr(file_download, "_ETAG_RETRY_TIMEOUT"):
            monkeypatch.setattr(file_download, "_ETAG_RETRY_TIMEOUT", 2)

    @staticmethod
    def point_to(monkeypatch: pytest.MonkeyPatch, endpoint: str) -> None:
        """Makes `huggingface_hub`, which reads HF_ENDPOINT when it is imported, ask another address."""
        from huggingface_hub import constants, file_download

        template = endpoint + "/{repo_id}/resolve/{revision}/{filename}"
        monkeypatch.setattr(constants, "ENDPOINT", endpoint)
        monkeypatch.setattr(constants, "HUGGINGFACE_CO_URL_TEMPLATE", template)
        if hasattr(file_download, "HUGGINGFACE_CO_URL_TEMPLATE"):
            monkeypatch.setattr(file_download, "HUGGINGFACE_CO_URL_TEMPLATE", template)

    def environment(self, home: Path) -> dict[str, str]:
        """Variables for another process that is to use this Hub and the cache `home/hub`."""
        return {
            "HF_ENDPOINT": self.endpoint,
            "HF_HOME": str(home),
            "HF_HUB_CACHE": str(home / "hub"),
            "HF_HUB_DISABLE_XET": "1",
            "HF_HUB_DISABLE_TELEMETRY": "1",
            "HF_HUB_DISABLE_PROGRESS_BARS": "1",
            "HF_HUB_DISABLE_IMPLICIT_TOKEN": "1",
            "NO_PROXY": "127.0.0.1,localhost",
            "no_proxy": "127.0.0.1,localhost",
            "PATH": os.environ.get("PATH", ""),
        }

    def paths(self, method: str | None = None) -> list[str]:
        """The paths that were asked for, in order."""
        return [request.path for request in self.requests if method in (None, request.method)]

    def _answer(self, handler: BaseHTTPRequestHandler) -> None:
        path = unquote(urlsplit(handler.path).path)
        self.requests.append(
            Request(handler.command, path, handler.headers.get("Authorization"), handler.headers.get("Host", ""))
        )
        time.sleep(self.delay)
        if self.portal:
            _send(
                handler,
                200,
                {"Content-Type": "text/html"},
                b"<!DOCTYPE html><title>Sign in to this network</title>",
            )
        elif self.status is not None:
            _send(handler, self.status, {}, b"out of order")
        elif path.startswith("/other-host/"):
            self._send_large(handler, path)
        elif file := re.fullmatch(
            r"/(?P<name>[^/]+(?:/[^/]+)?)/resolve/(?P<revision>refs/pr/\d+|[^/]+)/(?P<file>.+)", path
        ):
            self._send_file(handler, file["name"], file["revision"], file["file"])
        elif api := re.fullmatch(
            r"/api/models/(?P<name>[^/]+(?:/[^/]+)??)(/(?P<what>revision|tree)/(?P<revision>.+?))?/?", path
        ):
            self._send_description(handler, api["name"], api["revision"] or "main", api["what"] == "tree")
        else:
            _send(handler, 404, {}, b"not found")

    def _allowed(self, handler: BaseHTTPRequestHandler, name: str) -> FakeRepository | None:
        repository = self.repositories.get(name)
        given = (handler.headers.get("Authorization") or "").removeprefix("Bearer ")
        if given and not any(known.token == given for known in self.repositories.values()):
            _send(handler, 401, {"X-Error-Message": "Invalid credentials in Authorization header"})
        elif repository is None or (
            repository.token is not None and not repository.gated and repository.token != given
        ):
            message = {"X-Error-Code": "RepoNotFound", "X-Error-Message": "Repository not found"}
            _send(handler, 404 if given else 401, message)
        elif repository.gated and repository.token != given:
            _send(
                handler,
                403 if given else 401,
                {"X-Error-Code": "GatedRepo", "X-Error-Message": "Access is restricted"},
            )
        else:
            return repository
        return None

    def _send_file(self, handler: BaseHTTPRequestHandler, name: str, revision: str, file: str) -> None:
        if name in self.moved:
            _send(handler, 307, {"Location": f"/{self.moved[name]}/resolve/{revision}/{file}"})
            return
        repository = self._allowed(handler, name)
        if repository is None:
            return
        commit = repository.references.get(revision, revision)
        files = repository.commits.get(commit)
        if files is None:
            _send(handler, 404, {"X-Error-Code": "RevisionNotFound", "X-Error-Message": "Invalid rev id"})
        elif file not in files:
            headers = {
                "X-Error-Code": "EntryNotFound",
                "X-Error-Message": "Entry not found",
                "X-Repo-Commit": commit,
            }
            _send(handler, 404, headers)
        elif len(files[file]) >= self.large:
            digest = hashlib.sha256(files[file]).hexdigest()
            headers = {
                "Location": f"{self._other_host}/other-host/{name}/{commit}/{file}",
                "X-Repo-Commit": commit,
                "X-Linked-ETag": f'"{digest}"',
                "X-Linked-Size": str(len(files[file])),
                "ETag": '"of-the-redirect"',
            }
            _send(handler, 302, headers)
        else:
            headers = {"X-Repo-Commit": commit, "ETag": f'"{hashlib.sha1(files[file]).hexdigest()}"'}
            _send(handler, 200, headers, files[file], self.cut_after)

    def _send_large(self, handler: BaseHTTPRequestHandler, path: str) -> None:
        for name, repository in self.repositories.items():
            for commit, files in repository.commits.items():
                for file, content in files.items():
                    if path == f"/other-host/{name}/{commit}/{file}":
                        headers = {"ETag": f'"{hashlib.sha256(content).hexdigest()}"'}
                        _send(handler, 200, headers, content, self.cut_after)
                        return
        _send(handler, 404, {}, b"not found")

    def _send_description(self, handler: BaseHTTPRequestHandler, name: str, revision: str, tree: bool) -> None:
        if name in self.moved:
            _send(handler, 307, {"Location": handler.path.replace(name, self.moved[name])})
            return
        repository = self._allowed(handler, name)
        if repository is None:
            return
        commit = repository.references.get(revision, revision)
        files = repository.commits.get(commit)
        if files is None:
            _send(handler, 404, {"X-Error-Code": "RevisionNotFound", "X-Error-Message": "Invalid rev id"})
            return
        entries: Any = {
            "_id": commit[:24],
            "id": name,
            "modelId": name,
            "sha": commit,
            "private": repository.token is not None,
            "gated": "auto" if repository.gated else False,
            "tags": [],
            "downloads": 0,
            "siblings": [{"rfilename": file} for file in files],
        }
        if tree:
            entries = [
                {"type": "file", "path": file, "size": len(content), "oid": hashlib.sha1(content).hexdigest()}
                for file, content in files.items()
            ]
        _send(
            handler,
            200,
            {"Content-Type": "application/json", "X-Repo-Commit": commit},
            json.dumps(entries).encode(),
        )


def _send(
    handler: BaseHTTPRequestHandler,
    status: int,
    headers: Mapping[str, str],
    content: bytes = b"",
    cut_after: int | None = None,
) -> None:
    total = len(content)
    asked = re.fullmatch(r"bytes=(\d+)-(\d*)", handler.headers.get("Range") or "")
    if asked and status == 200 and total:
        first, last = int(asked[1]), min(int(asked[2] or total - 1), total - 1)
        if first >= total:
            status, headers, content = 416, {**headers, "Content-Range": f"bytes */{total}"}, b""
        else:
            status = 206
            headers = {**headers, "Content-Range": f"bytes {first}-{last}/{total}"}
            content = content[first : last + 1]
    handler.send_response(status)
    for name, value in headers.items():
        handler.send_header(name, value)
    handler.send_header("Content-Length", str(len(content)))
    handler.end_headers()
    if handler.command != "HEAD":
        handler.wfile.write(content if cut_after is None else content[:cut_after])
        if cut_after is not None and cut_after < len(content):
            handler.close_connection = True
