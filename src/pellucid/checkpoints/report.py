"""The loading report: how the tensors of a checkpoint fit the model that was asked for."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from pellucid.checkpoints.names import folded
from pellucid.machine_readable import as_json


@dataclass(frozen=True)
class WrongShape:
    """A tensor whose shape is not the one that the config describes."""

    name: str
    stored: tuple[int, ...]
    expected: tuple[int, ...]

    def __str__(self) -> str:
        return f"{self.name}: {self.stored} in the checkpoint, {self.expected} by the config"


@dataclass(frozen=True)
class WrongDtype:
    """A tensor that is not stored in float32; it is widened or narrowed on reading."""

    name: str
    stored: str


@dataclass(frozen=True, repr=False)
class LoadingReport(Mapping[str, Any]):
    """What of a checkpoint was used, and what of the model is new. All names are the checkpoint's.

    It also answers to the keys that `transformers` uses: `report["missing_keys"]`, `["unexpected_keys"]`,
    `["mismatched_keys"]` and `["error_msgs"]`.

    Attributes:
        checkpoint: the name or folder.
        model: the class that was loaded.
        unused: tensors of the checkpoint that the model does not have.
        missing: parameters of the model that the checkpoint does not have; they are newly initialised.
        wrong_shape: tensors of another shape than the config describes; newly initialised where that was allowed.
        wrong_dtype: tensors that are not stored in float32.
        unread_config: keys of config.json that no code of the reference implementation looks at.
    """

    checkpoint: str
    model: str
    unused: Sequence[str] = ()
    missing: Sequence[str] = ()
    wrong_shape: Sequence[WrongShape] = ()
    wrong_dtype: Sequence[WrongDtype] = ()
    unread_config: Mapping[str, Any] = field(default_factory=dict)

    @property
    def newly_initialised(self) -> list[str]:
        """Parameters whose values are random."""
        return [*self.missing, *(wrong.name for wrong in self.wrong_shape)]

    def words(self) -> str:
        """The report as sentences; empty where every tensor fits and is used."""
        parts = []
        if self.unused:
            parts.append(
                f"Some weights of the model checkpoint at {self.checkpoint} were not used when initializing "
                f"{self.model}: {folded(self.unused)}\n"
                f"- This IS expected if you are initializing {self.model} from the checkpoint of a model trained on "
                "another task or with another architecture.\n"
                f"- This IS NOT expected if you are initializing {self.model} from a checkpoint that you expect to be "
                "exactly identical."
            )
        if self.newly_initialised:
            shapes = "".join(f"\n- {wrong}" for wrong in self.wrong_shape)
            parts.append(
                f"Some weights of {self.model} were not initialized from the model checkpoint at {self.checkpoint} "
                f"and are newly initialized: {folded(self.newly_initialised)}{shapes}\n"
                "You should probably TRAIN this model on a down-stream task to be able to use it for predictions and "
                "inference."
            )
        return "\n".join(parts)

    def to_dict(self) -> dict[str, Any]:
        """The report as plain lists and dictionaries, layer numbers folded."""
        return {
            "checkpoint": self.checkpoint,
            "model": self.model,
            "unused": folded(self.unused),
            "missing": folded(self.missing),
            "wrong_shape": [
                {"name": w.name, "stored": list(w.stored), "expected": list(w.expected)} for w in self.wrong_shape
            ],
            "wrong_dtype": self._folded_dtypes(),
            "unread_config": sorted(self.unread_config),
        }

    def _folded_dtypes(self) -> list[dict[str, Any]]:
        by_dtype: dict[str, list[str]] = {}
        for wrong in self.wrong_dtype:
            by_dtype.setdefault(wrong.stored, []).append(wrong.name)
        return [{"names": folded(names), "stored": stored} for stored, names in by_dtype.items()]

    def to_json(self) -> str:
        """The report as JSON."""
        return as_json(self.to_dict(), indent=2)

    def _as_transformers(self) -> dict[str, Any]:
        return {
            "missing_keys": list(self.missing),
            "unexpected_keys": list(self.unused),
            "mismatched_keys": [(w.name, w.stored, w.expected) for w in self.wrong_shape],
            "error_msgs": [],
        }

    def __getitem__(self, key: str) -> Any:
        return self._as_transformers()[key]

    def __iter__(self) -> Iterator[str]:
        return iter(self._as_transformers())

    def __len__(self) -> int:
        return len(self._as_transformers())

    def __repr__(self) -> str:
        counts = {
            "unused": self.unused,
            "missing": self.missing,
            "wrong_shape": self.wrong_shape,
            "wrong_dtype": self.wrong_dtype,
            "unread_config": self.unread_config,
        }
        told = ", ".join(f"{len(found)} {name}" for name, found in counts.items())
        return f"LoadingReport({self.model} from {self.checkpoint!r}: {told})"

    def __str__(self) -> str:
        return self.words() or f"Every weight of {self.checkpoint} was used, and {self.model} has no other."
