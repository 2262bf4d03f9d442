"""A run's own files in its output folder: what was asked for, how far it is, and all that it goes on from.

    training.json                    the configuration, whether it is finished, and the progress
    metrics.json                     one object for each finished epoch
    checkpoint/state.safetensors     weights, the optimizer's moments, the state of the random numbers
    checkpoint/best.safetensors      the weights of the best epoch so far

Those in `checkpoint/` are gone when the run is finished: the model's own files stand in the folder then.
"""

from __future__ import annotations

import contextlib
import json
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from pellucid.checkpoints.safetensors_writing import safetensors_files
from pellucid.checkpoints.saving import Content, finish_interrupted_save, write_folder
from pellucid.checkpoints.stored import StoredTensor
from pellucid.errors import TrainingError

STATE, BEST = "checkpoint/state.safetensors", "checkpoint/best.safetensors"
RUN, METRICS = "training.json", "metrics.json"
FORMAT = 1


class RunFolder:
    """The output folder of a run.

    Args:
        folder: made when something is written.
        configuration: all that decides which weights come out, as JSON.
    """

    def __init__(self, folder: Path, configuration: Mapping[str, Any]) -> None:
        self.folder = folder
        self._configuration = json.loads(json.dumps(configuration))

    def read(self) -> dict[str, Any] | None:
        """What an earlier run with the same configuration left; None where there is none.

        Raises:
            TrainingError: the folder holds another run, or a model that no run made.
        """
        if self.folder.is_dir():
            finish_interrupted_save(self.folder)
        try:
            found = json.loads((self.folder / RUN).read_text(encoding="utf-8"))
            there = found["configuration"]
            is_known = found["format"] == FORMAT and isinstance(there, dict)
        except FileNotFoundError:
            if (self.folder / "config.json").exists():
                raise TrainingError(
                    f"{self.folder} holds a model that no run of fine-tuning wrote there, and it would be replaced. "
                    "Name another output folder.",
                    path=str(self.folder),
                ) from None
            return None
        except (ValueError, KeyError, TypeError):
            is_known = False
        if not is_known:
            raise TrainingError(
                f"{self.folder / RUN} cannot be read as the record of a run. Name another output folder, or start anew "
                "with `resume=False`.",
                path=str(self.folder / RUN),
            )
        differing = [
            f"{name} ({there.get(name)!r} there, {self._configuration.get(name)!r} now)"
            for name in sorted({*there, *self._configuration})
            if there.get(name) != self._configuration.get(name)
        ]
        if differing:
            raise TrainingError(
                f"{self.folder} holds another run. What differs: {', '.join(differing)}. Name another output folder, "
                "go back to the arguments of that run, or start anew with `resume=False`.",
                path=str(self.folder),
                differing=differing,
            )
        record: dict[str, Any] = found
        return record

    def tensors(self, name: str) -> dict[str, Any]:
        """The tensors of one of the checkpoint's files, on the CPU.

        Raises:
            TrainingError: the file is gone or damaged.
        """
        from safetensors import SafetensorError
        from safetensors.torch import load_file

        path = self.folder / name
        try:
            loaded: dict[str, Any] = load_file(path)
        except (OSError, SafetensorError) as error:
            raise TrainingError(
                f"{path} cannot be read, so the run cannot go on: {error}. Start anew with `resume=False`.",
                path=str(path),
            ) from error
        return loaded

    def write(
        self,
        progress: Mapping[str, Any],
        tensors: Mapping[str, StoredTensor],
        best: Mapping[str, StoredTensor] | None,
    ) -> None:
        """Write how far the run is.

        Args:
            progress: as JSON.
            tensors: of the state.
            best: the weights of the best epoch, if they are new.
        """
        files: dict[str, Content] = {STATE: _file_of(tensors)}
        if best is not None:
            files[BEST] = _file_of(best)
        self._write(files, progress, is_finished=False)

    def finish(self, progress: Mapping[str, Any], files: Mapping[str, Content], stale: list[str]) -> None:
        """Write the trained model, and take the checkpoint away, in one step."""
        self._write(dict(files), progress, is_finished=True, remove=[*stale, STATE, BEST])
        with contextlib.suppress(OSError):
            (self.folder / "checkpoint").rmdir()

    def _write(
        self,
        files: dict[str, Content],
        progress: Mapping[str, Any],
        *,
        is_finished: bool,
        remove: list[str] | None = None,
    ) -> None:
        record = {
            "format": FORMAT,
            "configuration": self._configuration,
            "finished": is_finished,
            "progress": progress,
        }
        files[RUN], files[METRICS] = _json(record), _json(progress["metrics"])
        write_folder(self.folder, files, remove=remove or [])


def _json(value: Any) -> bytes:
    return (json.dumps(value, indent=2, ensure_ascii=False) + "\n").encode()


def _file_of(tensors: Mapping[str, StoredTensor]) -> Content:
    """One file, however large."""
    writer: bytes | Callable[[Path], None] = safetensors_files(tensors, max_shard_size=2**62)["model.safetensors"]
    return writer
