"""The processes of contestants, started once for a checkpoint and asked in turn."""

from __future__ import annotations

import json
import os
import subprocess
import tempfile
import time
from pathlib import Path
from typing import IO, Any

from peers.contestants import Contestant

HERE = Path(__file__).parent


class WorkerError(Exception):
    """A contestant failed; the message is the end of what it printed."""


class Worker:
    """One contestant under way.

    Args:
        contestant: who.
        python: the interpreter of its environment.
        checkpoint: the folder.
        task: what it does.
        threads: how many it may use; its processors are limited to as many.
        calibration: the file of texts that int8 is made from.

    Raises:
        WorkerError: it does not start, or cannot load the checkpoint.
    """

    def __init__(
        self, contestant: Contestant, python: str, checkpoint: Path, task: str, threads: int, calibration: Path
    ) -> None:
        self.contestant = contestant
        self.batch_size = 32
        self._errors: IO[str] = tempfile.TemporaryFile("w+")  # noqa: SIM115 - closed by stop()
        environment = {
            **os.environ,
            "PYTHONPATH": str(HERE.parent),
            "HF_HUB_OFFLINE": "1",
            "TRANSFORMERS_VERBOSITY": "error",
            "TOKENIZERS_PARALLELISM": "true",
            "OMP_NUM_THREADS": str(threads),
        }
        processors = sorted(os.sched_getaffinity(0))[:threads]
        start = time.perf_counter()
        self._process = subprocess.Popen(
            [python, str(HERE / "worker.py"), contestant.name, str(checkpoint), task, str(threads), str(calibration)],
            stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=self._errors, text=True, env=environment,
            preexec_fn=lambda: os.sched_setaffinity(0, processors),
        )  # fmt: skip
        self.ready = self._read()
        self.start_seconds = time.perf_counter() - start

    def ask(self, do: str, texts: list[str] | None = None, **more: Any) -> dict[str, Any]:
        """One command and what it gave."""
        assert self._process.stdin is not None
        command = {"do": do, "texts": texts or [], "batch_size": self.batch_size, **more}
        self._process.stdin.write(json.dumps(command) + "\n")
        self._process.stdin.flush()
        return self._read()

    def _read(self) -> dict[str, Any]:
        assert self._process.stdout is not None
        line = self._process.stdout.readline()
        if not line:
            self._process.wait()
            self._errors.seek(0)
            last = [one for one in self._errors.read().splitlines() if one.strip()][-1:]
            raise WorkerError(f"{self.contestant.name}: {last[0] if last else 'ended'}")
        found: dict[str, Any] = json.loads(line)
        return found

    def stop(self) -> None:
        """End the process."""
        assert self._process.stdin is not None
        self._process.stdin.close()
        self._process.wait()
        self._errors.close()
