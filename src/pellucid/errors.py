"""Everything that Pellucid raises on purpose, in one tree.

    PellucidError
    ├── CheckpointError
    │   ├── CheckpointNotFoundError (OSError)       no such folder, repository, revision or file
    │   ├── OfflineError (OSError)                  not in the cache, and the network is off or unreachable
    │   ├── CorruptCheckpointError (OSError)        a file is cut short, overlaps itself, is not what its name says
    │   ├── UnsafeCheckpointError (ValueError)      a file that would run code or lead out of its folder
    │   ├── CheckpointMismatchError (RuntimeError)  tensors missing, or of a shape the config does not describe
    │   │   └── VocabularyMismatchError             a tokenizer with ids that the model has no rows for
    │   └── MissingHeadError (ValueError)           the task needs a head that the checkpoint does not have
    ├── ConfigError (ValueError)
    │   ├── UnknownModelTypeError                   a family that Pellucid does not run
    │   └── UnsupportedConfigError                  a value that is impossible, or not computed by this version
    ├── TokenizerError (ValueError)                 tokenizer files that cannot be read
    │   └── TokenizerNotFoundError (OSError)        no tokenizer files at all
    ├── InputError (ValueError)                     text or arrays that cannot be computed on
    │   ├── InputTypeError (TypeError)              of the wrong type: bytes, None, a number
    │   ├── TextTooLongError                        more tokens than the model has positions for
    │   ├── RaggedBatchError                        rows of unequal length asked for as one array
    │   ├── IdsOutOfRangeError (IndexError)         token ids outside the vocabulary
    │   └── UnknownKeyError (KeyError)              a key that an encoding or an output does not have
    ├── EngineError (ValueError)
    │   ├── UnknownEngineError                      a name that is no engine
    │   ├── EngineNotInstalledError (ImportError)   its package is missing; the message names the extra
    │   └── UnsupportedDtypeError                   a precision that the engine does not compute in
    ├── ShapeError (ValueError)                     operands of an operation do not fit each other
    ├── AutoClassError (OSError)                    an Auto class was called like a class
    ├── TrainingError (RuntimeError)                fine-tuning cannot go on: another run's folder, no finite loss
    ├── NotInstalledError (ImportError)             an optional package is missing; the message names the extra
    ├── UnknownTaskError (KeyError)                 a name that is no task
    └── PipelineError (RuntimeError)                a pipeline that cannot be put together

Each message says what happened, what was expected, and what to do. Each error carries a stable `code` and, where they
exist, the facts in the message as attributes (`path`, `tensor`, `index` …), and can be pickled across processes.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any


class PellucidError(Exception):
    """The root: `except PellucidError` catches everything that Pellucid raises on purpose.

    Args:
        message: one or more sentences for the reader: what happened, what was expected, what to do.
        details: the facts in the message, kept as attributes of the error (`error.path`, `error.index` …).
    """

    code = "pellucid"

    def __init__(self, message: str, **details: Any) -> None:
        super().__init__(message)
        self.message = message
        self.details = details
        for name, value in details.items():
            setattr(self, name, value)

    if TYPE_CHECKING:

        def __getattr__(self, name: str) -> Any:
            """The facts in the message."""

    def __str__(self) -> str:
        # KeyError would show the message in quotes.
        return self.message

    def __reduce__(self) -> tuple[Any, ...]:
        # The builtin bases rebuild from `args` alone and would lose the details.
        return _rebuild, (type(self), self.message, self.details)


def _rebuild(kind: type[PellucidError], message: str, details: dict[str, Any]) -> PellucidError:
    return kind(message, **details)


class CheckpointError(PellucidError):
    """Something is wrong with the files of a checkpoint."""

    code = "checkpoint"


class CheckpointNotFoundError(CheckpointError, OSError):
    """There is no such folder, repository, revision or file."""

    code = "checkpoint.not_found"


class OfflineError(CheckpointError, OSError):
    """A file is not in the cache and the network is off or unreachable."""

    code = "checkpoint.offline"


class CorruptCheckpointError(CheckpointError, OSError):
    """A file is cut short, contradicts itself, or is not what its name says."""

    code = "checkpoint.corrupt"


class UnsafeCheckpointError(CheckpointError, ValueError):
    """A file would run code when read, or names a file outside its folder."""

    code = "checkpoint.unsafe"


class CheckpointMismatchError(CheckpointError, RuntimeError):
    """The tensors of a checkpoint are not those that its config describes."""

    code = "checkpoint.mismatch"


class VocabularyMismatchError(CheckpointMismatchError):
    """The tokenizer gives ids that the model's embeddings have no rows for."""

    code = "checkpoint.vocab_mismatch"


class MissingHeadError(CheckpointError, ValueError):
    """The task needs a head that the checkpoint does not have."""

    code = "checkpoint.missing_head"


class ConfigError(PellucidError, ValueError):
    """config.json cannot be read or asks for something that cannot be."""

    code = "config"


class UnknownModelTypeError(ConfigError):
    """The checkpoint belongs to a family that Pellucid does not run."""

    code = "config.model_type"


class UnsupportedConfigError(ConfigError):
    """The config holds a value that is impossible, or that this version does not compute."""

    code = "config.unsupported"


class TokenizerError(PellucidError, ValueError):
    """The tokenizer files cannot be read or contradict each other."""

    code = "tokenizer"


class TokenizerNotFoundError(TokenizerError, OSError):
    """The checkpoint has no tokenizer files."""

    code = "tokenizer.not_found"


class InputError(PellucidError, ValueError):
    """The text, the arrays or the arguments cannot be computed on."""

    code = "input"


class InputTypeError(InputError, TypeError):
    """An input is of the wrong type."""

    code = "input.type"


class TextTooLongError(InputError):
    """A text has more tokens than the model has positions for."""

    code = "input.too_long"


class RaggedBatchError(InputError):
    """Rows of unequal length were asked for as one array."""

    code = "input.ragged"


class IdsOutOfRangeError(InputError, IndexError):
    """Token ids lie outside the vocabulary."""

    code = "input.ids"


class UnknownKeyError(InputError, KeyError):
    """An encoding or an output does not have this key."""

    code = "input.key"


class EngineError(PellucidError, ValueError):
    """The engine cannot do what was asked."""

    code = "engine"


class UnknownEngineError(EngineError):
    """No engine has this name."""

    code = "engine.unknown"


class EngineNotInstalledError(EngineError, ImportError):
    """The engine's package is not installed."""

    code = "engine.not_installed"


class UnsupportedDtypeError(EngineError):
    """The engine does not compute in this precision."""

    code = "engine.dtype"


class ShapeError(PellucidError, ValueError):
    """The operands of an operation do not fit each other."""

    code = "shape"


class AutoClassError(PellucidError, OSError):
    """An Auto class was called like a class, in place of its `from_pretrained`."""

    code = "auto_class"


class TrainingError(PellucidError, RuntimeError):
    """Fine-tuning cannot begin or go on: the folder holds another run, or the loss is no longer a number."""

    code = "training"


class NotInstalledError(PellucidError, ImportError):
    """An optional package that is no engine is not installed."""

    code = "not_installed"


class UnknownTaskError(PellucidError, KeyError):
    """No task has this name."""

    code = "task.unknown"


class PipelineError(PellucidError, RuntimeError):
    """A pipeline cannot be put together from what was given."""

    code = "pipeline"
