"""Between the names of tensors in checkpoints and the canonical names that architectures read.

Each family has one `NameTable`. A row joins the canonical path of a module to its path on the Hub, and stands for the
module's weight and bias; a parameter that is neither has a row of its own. `{n}` is the number of a layer, and `{m}`
that of one of several parts of the layer. Read forwards, the table finds a model's tensors in a checkpoint; read
backwards, it gives the names under which the model is saved.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass, field

from pellucid.errors import CheckpointMismatchError

# The first releases of BERT called the weight and bias of a layer norm so.
OLD_SUFFIXES = {"gamma": "weight", "beta": "bias"}

DECODER = "head.decoder"
VOCABULARY_BIAS = "head.vocabulary.bias"

LAYER = re.compile(r"(?<=\.)\d+(?=\.)")

NUMBERS = ("{n}", "{m}")


@dataclass(frozen=True)
class Match:
    """Where a model's parameters stand in a checkpoint.

    Attributes:
        found: the stored name of each parameter that is there, by its canonical name.
        missing: the canonical names of those that are not.
        unused: stored names that no parameter asks for, in the checkpoint's order; old names as they are today.
    """

    found: dict[str, str]
    missing: list[str]
    unused: list[str]


@dataclass(frozen=True)
class NameTable:
    """The names of one family.

    Attributes:
        prefix: what stands before the encoder's names in a checkpoint that also has a head, such as "bert.".
        body: canonical path → Hub path of the encoder's modules, the prefix left out.
        heads: canonical path → Hub path of the heads' modules, which never have the prefix.
        parameters: canonical name → Hub name of the encoder's parameters that are no module's weight or bias, the
            prefix left out.
        ignored: patterns of stored names that hold nothing to compute with, such as the numbers 0 to 511.
        other_prefixes: what stands there in checkpoints that were written under another name of the family.
    """

    prefix: str
    body: Mapping[str, str]
    heads: Mapping[str, str]
    parameters: Mapping[str, str] = field(default_factory=dict)
    ignored: tuple[str, ...] = ()
    other_prefixes: tuple[str, ...] = ()
    _hub_paths: dict[str, tuple[str, bool]] = field(init=False, repr=False, default_factory=dict)

    def __post_init__(self) -> None:
        self._hub_paths.update({path: (hub, True) for path, hub in self.body.items()})
        self._hub_paths.update({path: (hub, False) for path, hub in self.heads.items()})

    def hub_name(self, canonical: str, has_prefix: bool = True) -> str:
        """The name of a parameter on the Hub.

        Args:
            canonical: such as "layers.3.attention.query.weight".
            has_prefix: whether the encoder's names have the family's prefix, as in a checkpoint with a head.
        """
        found = dict(zip(NUMBERS, LAYER.findall(canonical), strict=False))
        name = canonical
        for place in found:
            name = LAYER.sub(place, name, count=1)
        if name in self.parameters:
            hub, is_body = self.parameters[name], True
        else:
            path, _, suffix = name.rpartition(".")
            module, is_body = self._hub_paths[path]
            hub = f"{module}.{suffix}"
        for place, number in found.items():
            hub = hub.replace(place, number)
        return f"{self.prefix if has_prefix and is_body else ''}{hub}"

    def _possible_names(self, canonical: str, has_prefix: bool, wanted: Collection[str]) -> list[str]:
        """The names on the Hub under which a parameter may stand, the one that counts first.

        The bias of the map to the vocabulary may stand with the map itself. Where the map is the embeddings' own table,
        the two are one. Where it is not, transformers 5 trains two of them, and computes with the map's.
        """
        own = self.hub_name(canonical, has_prefix)
        if canonical != VOCABULARY_BIAS or DECODER not in self._hub_paths:
            return [own]
        decoder = self.hub_name(f"{DECODER}.bias", has_prefix)
        return [decoder, own] if f"{DECODER}.weight" in wanted else [own, decoder]

    def has_prefix(self, stored: Iterable[str]) -> bool:
        """Whether the encoder's names stand with the family's prefix in a checkpoint."""
        return any(name.startswith((self.prefix, *self.other_prefixes)) for name in stored)

    def _modern(self, name: str) -> str:
        """A stored name as it would be today."""
        path, _, suffix = name.rpartition(".")
        modern = f"{path}.{OLD_SUFFIXES.get(suffix, suffix)}"
        other = next((prefix for prefix in self.other_prefixes if modern.startswith(prefix)), None)
        return modern if other is None else self.prefix + modern.removeprefix(other)

    def match(self, wanted: Iterable[str], stored: Collection[str], twice: Collection[str] = ()) -> Match:
        """Find a model's parameters among the tensors of a checkpoint.

        Args:
            wanted: canonical names.
            stored: the checkpoint's names; the encoder's may stand with or without the prefix.
            twice: patterns of names that hold a parameter once more.

        Raises:
            CheckpointMismatchError: one parameter stands under two names.
        """
        has_prefix = self.has_prefix(stored)
        plain: dict[str, str] = {}
        for name in stored:
            modern = self._modern(name)
            if modern in plain:
                raise CheckpointMismatchError(
                    f"The checkpoint holds one tensor under two names, {plain[modern]!r} and {name!r}, and it cannot "
                    "be known which is meant. Remove one.",
                    tensors=(plain[modern], name),
                )
            plain[modern] = name
        wanted = list(wanted)
        found, missing = {}, []
        used: set[str] = set()
        for canonical in wanted:
            names = self._possible_names(canonical, has_prefix, wanted)
            stored_name = next((plain[name] for name in names if name in plain), None)
            if stored_name is None:
                missing.append(canonical)
            else:
                found[canonical] = stored_name
                used.update(plain[name] for name in names if name in plain)
        ignored = (*self.ignored, *twice)
        unused = [
            modern
            for modern, name in plain.items()
            if name not in used and not any(re.search(pattern, name) for pattern in ignored)
        ]
        return Match(found, missing, unused)


def folded(names: Iterable[str]) -> list[str]:
    """Names that differ only in the number of their layer, as one: `encoder.layer.{0…11}.output.dense.bias`."""
    numbers: dict[str, list[int]] = {}
    for name in names:
        number = LAYER.search(name)
        numbers.setdefault(LAYER.sub("{}", name, count=1), []).extend([int(number.group())] if number else [])
    return [pattern.replace("{}", _ranges(found)) if found else pattern for pattern, found in numbers.items()]


def _ranges(numbers: list[int]) -> str:
    """Runs of numbers in few words: `3`, `{0…11}`, `{0, 2…4}`."""
    runs: list[list[int]] = []
    for number in sorted(numbers):
        if runs and number == runs[-1][-1] + 1:
            runs[-1].append(number)
        else:
            runs.append([number])
    words = [f"{run[0]}…{run[-1]}" if len(run) > 1 else f"{run[0]}" for run in runs]
    return words[0] if len(numbers) == 1 else "{" + ", ".join(words) + "}"
