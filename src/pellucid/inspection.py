"""What a checkpoint is, told from its config, its tokenizer and the headers of its weights: no weight is read."""

from __future__ import annotations

import math
import os
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from pellucid.architectures import family_of
from pellucid.checkpoints.hub import Checkpoint
from pellucid.checkpoints.json_file import config_dict_of
from pellucid.checkpoints.reading import tensor_headers
from pellucid.checkpoints.report import LoadingReport
from pellucid.config import Config
from pellucid.errors import (
    ConfigError,
    OfflineError,
    TokenizerError,
    TokenizerNotFoundError,
    VocabularyMismatchError,
)
from pellucid.models.arguments import LoadingArguments
from pellucid.models.loading import compare, heads_of_others
from pellucid.models.table import CLASSES
from pellucid.tokenizers import AutoTokenizer


@dataclass(frozen=True)
class Inspection:
    """What a checkpoint is, and how it fits each head that Pellucid has for its family.

    Attributes:
        name: the name or folder.
        commit: the commit on the Hub; None for a folder.
        family: `model_type`.
        config: its config.
        parameters: how many numbers it holds; 0 where its weights were not worth fetching.
        size: bytes of its weights.
        dtypes: how many tensors are stored in each precision.
        heads: for each head the report of what would be unused, missing, or of another shape.
        tokenizer: the class of its tokenizer; None where it has none.
        tokens: how many tokens that knows, added ones too; 0 where there is none.
        problems: why its config cannot be computed, or its tokenizer not used, in words.
    """

    name: str
    commit: str | None
    family: str
    config: Config
    parameters: int
    size: int
    dtypes: Mapping[str, int]
    heads: Mapping[str, LoadingReport]
    tokenizer: str | None
    tokens: int
    problems: tuple[str, ...]

    @property
    def problem(self) -> str | None:
        """The problems in one; None where there are none."""
        return " ".join(self.problems) or None

    @property
    def untrained(self) -> list[str]:
        """Heads that have no weights of their own: some are missing, or are another head's."""
        others = heads_of_others(self.config, family_of(self.family, self.name))
        return [head for head, report in self.heads.items() if report.newly_initialised or head in others]

    def to_dict(self) -> dict[str, Any]:
        """The same as plain lists and dictionaries."""
        return {
            "name": self.name,
            "commit": self.commit,
            "family": self.family,
            "architectures": self.config.architectures,
            "parameters": self.parameters,
            "bytes": self.size,
            "dtypes": dict(self.dtypes),
            "tokenizer": self.tokenizer,
            "tokens": self.tokens,
            "labels": {str(number): label for number, label in self.config.id2label.items()},
            "unread_config": sorted(self.config.unread),
            "problem": self.problem,
            "untrained_heads": self.untrained,
            "heads": {name: report.to_dict() for name, report in self.heads.items()},
        }


BYTES = {"float64": 8, "int64": 8, "uint64": 8, "float32": 4, "int32": 4, "uint32": 4}
BYTES |= {"float16": 2, "bfloat16": 2, "int16": 2, "uint16": 2, "int8": 1, "uint8": 1, "bool": 1}


def inspect_checkpoint(name_or_folder: str | os.PathLike[str], **arguments: Any) -> Inspection:
    """Tell what a checkpoint is, before any weight is read, and what cannot be computed before any is fetched.

    Args:
        name_or_folder: a folder, a repository on the Hub, or "builtin".
        arguments: where to look: `revision`, `cache_dir`, `token`, `local_files_only`, `subfolder` …

    Raises:
        CheckpointError: no such checkpoint, or damaged files.
        UnknownModelTypeError: a family that this version does not run.
    """
    given, _ = LoadingArguments.split(arguments)
    checkpoint = given.locate(name_or_folder)
    config_dict = config_dict_of(checkpoint)
    family = family_of(config_dict.get("model_type"), checkpoint.name)
    config = family.config.from_dict(config_dict)
    problems = []
    try:
        config.check()
    except ConfigError as error:
        problems.append(str(error))
    is_computed = not problems
    tokenizer = None
    try:
        tokenizer = _tokenizer(checkpoint, given)
        # A config that is refused may say no number.
        if tokenizer is not None and is_computed:
            tokenizer.check_fits(config.vocab_size, checkpoint.name)
    except (TokenizerError, VocabularyMismatchError) as error:
        problems.append(str(error))
    # From the Hub the headers come with all weights, which are not worth fetching for what cannot be computed.
    is_fetched = checkpoint.folder is not None or not problems
    headers = tensor_headers(checkpoint, **given.reading()) if is_fetched else {}
    dtypes: dict[str, int] = {}
    for header in headers.values():
        dtypes[header.dtype] = dtypes.get(header.dtype, 0) + 1
    return Inspection(
        name=checkpoint.name,
        commit=checkpoint.commit,
        family=family.model_type,
        config=config,
        parameters=sum(math.prod(header.shape) for header in headers.values()),
        size=sum(math.prod(header.shape) * BYTES[header.dtype] for header in headers.values()),
        dtypes=dtypes,
        heads={}
        if not is_computed or not is_fetched
        else {
            head: compare(
                headers,
                family,
                config,
                head,
                checkpoint=checkpoint.name,
                model=CLASSES[family.model_type, head].__name__,
            ).report
            for head in family.heads
        },
        tokenizer=None if tokenizer is None else type(tokenizer).__name__,
        tokens=0 if tokenizer is None else len(tokenizer),
        problems=tuple(problems),
    )


def _tokenizer(checkpoint: Checkpoint, given: LoadingArguments) -> Any:
    """The checkpoint's tokenizer; None where it has none, or none in the cache while the Hub is out of reach."""
    try:
        return AutoTokenizer.from_pretrained(
            checkpoint.name,
            revision=checkpoint.commit or given.revision,
            cache_dir=given.cache_dir,
            token=given.token,
            local_files_only=given.local_files_only,
            subfolder=given.subfolder,
        )
    except (TokenizerNotFoundError, OfflineError):
        return None
