"""How each library loads a checkpoint and answers texts, a function each; a library is imported when it is loaded.

Those that have no loop of their own are given the best one that their users write: texts sorted by length, padded to
the longest of their batch, the batch size chosen by a trial beforehand.

A function takes the checkpoint, the task, how many threads, and a folder for scratch files. It returns how texts are
answered, and how they are tokenised.
"""

from __future__ import annotations

import json
import os
import shutil
from collections.abc import Callable, Sequence
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from peers.precisions import has_unit, refuse_slow_bfloat16

Values = npt.NDArray[np.float32]
"""For each text the probability of each label, or its vector."""

Answer = Callable[[Sequence[str], int], Values]
"""Texts and a batch size → their values."""

LONGEST = 512
CALIBRATION = "calibration.json"
"""Texts that none of the measured ones is among, in the folder for scratch files."""


def softmax(logits: Values) -> Values:
    """Probabilities of labels."""
    exponentials = np.exp(logits - logits.max(-1, keepdims=True))
    return np.asarray(exponentials / exponentials.sum(-1, keepdims=True), np.float32)


def pooled(hidden: Values, mask: npt.NDArray[Any]) -> Values:
    """The mean of the real tokens' vectors, of length 1, as all-MiniLM-L6-v2 wants it."""
    total = (hidden * mask[..., None]).sum(1) / mask.sum(1, keepdims=True)
    return np.asarray(total / np.linalg.norm(total, axis=-1, keepdims=True), np.float32)


def by_length(tokenizer: Any, forward: Callable[[dict[str, Any]], Values]) -> Answer:
    """The loop of an engineer: encode all, sort by length, pad each batch to its longest text, restore the order."""
    names = tokenizer.model_input_names

    def answer(texts: Sequence[str], batch_size: int) -> Values:
        rows = tokenizer(list(texts), truncation=True, max_length=LONGEST)
        rows = {name: rows[name] for name in rows if name in names}
        lengths = [len(ids) for ids in rows["input_ids"]]
        order = np.argsort([-length for length in lengths], kind="stable")
        values: list[Any] = [None] * len(order)
        for start in range(0, len(order), batch_size):
            part = order[start : start + batch_size]
            batch = tokenizer.pad({key: [rows[key][i] for i in part] for key in rows}, return_tensors="np")
            for place, value in zip(part, forward(dict(batch)), strict=True):
                values[place] = value
        return np.stack(values)

    return answer


def pellucid(checkpoint: str, task: str, threads: int, scratch: Path, *, dtype: str, engine: str = "openvino") -> Any:
    """`pipeline()`, as it comes; for int8 on what `pellucid quantize` made of the checkpoint."""
    from pellucid import pipeline

    checkpoint = f"{checkpoint}-int8" if dtype == "int8" else checkpoint
    name = {"classification": "text-classification", "embedding": "sentence-embedding"}[task]
    pipe = pipeline(name, checkpoint, dtype=dtype, engine=engine)

    def answer(texts: Sequence[str], batch_size: int) -> Values:
        if task == "embedding":
            return np.asarray(pipe(list(texts)), np.float32)
        return scores(pipe(list(texts), truncation=True, top_k=None))

    return answer, lambda texts: pipe.tokenizer.encode_ragged(list(texts), truncation=True, max_length=LONGEST).ids


def scores(answers: Sequence[Any]) -> Values:
    """Lists of `{"label", "score"}` as an array, labels in the order of their names."""
    return np.asarray(
        [[one["score"] for one in sorted(labels, key=lambda one: str(one["label"]))] for labels in answers], np.float32
    )


def transformers_pipeline(checkpoint: str, task: str, threads: int, scratch: Path, *, dtype: str, sizes: str) -> Any:
    """`pipeline()` of transformers: one text after the other, as it comes, or in batches."""
    import torch
    import transformers

    refuse_slow_bfloat16(dtype, by="torch")
    torch.set_num_threads(threads)
    pipe = transformers.pipeline("text-classification", checkpoint, dtype=getattr(torch, dtype), device="cpu")

    def answer(texts: Sequence[str], batch_size: int) -> Values:
        size = batch_size if sizes == "batches" else 1
        return scores(pipe(list(texts), truncation=True, max_length=LONGEST, top_k=None, batch_size=size))

    return answer, lambda texts: pipe.tokenizer(list(texts), truncation=True, max_length=LONGEST)["input_ids"]


def torch_by_hand(checkpoint: str, task: str, threads: int, scratch: Path, *, dtype: str) -> Any:
    """The model of transformers under `torch.inference_mode`, and the loop of an engineer."""
    import torch
    from transformers import AutoModel, AutoModelForSequenceClassification, AutoTokenizer

    refuse_slow_bfloat16(dtype, by="torch")
    torch.set_num_threads(threads)
    kind = AutoModelForSequenceClassification if task == "classification" else AutoModel
    model, tokenizer = (
        kind.from_pretrained(checkpoint, dtype=getattr(torch, dtype)),
        tokens_of(AutoTokenizer, checkpoint),
    )
    model.eval()

    def forward(batch: dict[str, Any]) -> Values:
        with torch.inference_mode():
            found = model(**{key: torch.from_numpy(value) for key, value in batch.items()})
        if task == "classification":
            return softmax(found.logits.float().numpy())
        return pooled(found.last_hidden_state.float().numpy(), batch["attention_mask"])

    return by_length(tokenizer, forward), partial(encoded, tokenizer)


def sentence_transformers(checkpoint: str, task: str, threads: int, scratch: Path, *, backend: str, dtype: str) -> Any:
    """`SentenceTransformer.encode`, which sorts by length itself."""
    import torch
    from sentence_transformers import SentenceTransformer

    torch.set_num_threads(threads)
    folder = scratch / "checkpoint"
    shutil.copytree(checkpoint, folder)
    more = {}
    if backend == "openvino":
        refuse_slow_bfloat16(dtype, by="openvino")
        # Left out, it would be bfloat16 where the processor has it.
        more = {"ov_config": {"INFERENCE_PRECISION_HINT": HINTS[dtype], "INFERENCE_NUM_THREADS": str(threads)}}
    model = SentenceTransformer(str(folder), backend=backend, device="cpu", model_kwargs=more)
    return lambda texts, batch_size: model.encode(list(texts), batch_size=batch_size), model.tokenize


def onnxruntime(checkpoint: str, task: str, threads: int, scratch: Path, *, dtype: str) -> Any:
    """Optimum's export on ONNX Runtime: float32, or its dynamic int8."""
    import onnxruntime as ort
    from optimum.onnxruntime import (
        ORTModelForFeatureExtraction,
        ORTModelForSequenceClassification,
        ORTQuantizer,
    )
    from optimum.onnxruntime.configuration import AutoQuantizationConfig
    from transformers import AutoTokenizer

    kind = ORTModelForSequenceClassification if task == "classification" else ORTModelForFeatureExtraction
    options = ort.SessionOptions()
    options.intra_op_num_threads = threads
    kind.from_pretrained(checkpoint, export=True).save_pretrained(scratch / "float32")
    folder = scratch / "float32"
    if dtype == "int8":
        units = AutoQuantizationConfig
        instructions = units.avx512_vnni if has_unit("avx512_vnni") else units.avx2
        quantizer = ORTQuantizer.from_pretrained(folder)
        quantizer.quantize(
            save_dir=scratch / "int8",
            quantization_config=instructions(is_static=False, per_channel=True),
        )
        folder = scratch / "int8"
    model, tokenizer = kind.from_pretrained(folder, session_options=options), tokens_of(AutoTokenizer, checkpoint)

    def forward(batch: dict[str, Any]) -> Values:
        found = model(**batch)
        return (
            softmax(found.logits)
            if task == "classification"
            else pooled(found.last_hidden_state, batch["attention_mask"])
        )

    return by_length(tokenizer, forward), partial(encoded, tokenizer)


HINTS = {"float32": "f32", "bfloat16": "bf16", "int8": "bf16"}
"""What OpenVINO is told of precision; in int8 what lies between the products."""


def openvino(checkpoint: str, task: str, threads: int, scratch: Path, *, dtype: str) -> Any:
    """optimum-intel's export on OpenVINO: float32, bfloat16, or NNCF's static int8, calibrated on texts like these."""
    from optimum.intel import OVModelForFeatureExtraction, OVModelForSequenceClassification
    from transformers import AutoTokenizer

    refuse_slow_bfloat16(dtype, by="openvino")
    tokenizer = tokens_of(AutoTokenizer, checkpoint)
    kind = OVModelForSequenceClassification if task == "classification" else OVModelForFeatureExtraction
    settings = {
        "INFERENCE_PRECISION_HINT": HINTS[dtype],
        "PERFORMANCE_HINT": "LATENCY",
        "INFERENCE_NUM_THREADS": str(threads),
    }
    model = kind.from_pretrained(checkpoint, export=True, compile=False, ov_config=settings)
    if dtype == "int8":
        import nncf

        names = {one.get_any_name() for one in model.model.inputs}

        def inputs(text: str) -> dict[str, Any]:
            row = tokenizer(text, truncation=True, max_length=LONGEST, return_tensors="np")
            return {name: row[name] for name in row if name in names}

        model.model = nncf.quantize(
            model.model,
            nncf.Dataset(json.loads((scratch / CALIBRATION).read_text()), inputs),
            subset_size=128,
            model_type=nncf.ModelType.TRANSFORMER,
            preset=nncf.QuantizationPreset.MIXED,
            advanced_parameters=nncf.AdvancedQuantizationParameters(
                smooth_quant_alphas=nncf.AdvancedSmoothQuantParameters(matmul=-1)
            ),
        )
    model.compile()

    def forward(batch: dict[str, Any]) -> Values:
        found = model(**batch)
        if task == "classification":
            return softmax(np.asarray(found.logits))
        return pooled(np.asarray(found.last_hidden_state), batch["attention_mask"])

    return by_length(tokenizer, forward), partial(encoded, tokenizer)


def ctranslate2(checkpoint: str, task: str, threads: int, scratch: Path, *, dtype: str) -> Any:
    """CTranslate2's encoder, which batches by length and pads nothing; the head, which it lacks, in NumPy."""
    import ctranslate2 as library
    from transformers import AutoModel, AutoModelForSequenceClassification, AutoTokenizer

    tokenizer = tokens_of(AutoTokenizer, checkpoint)
    kind = AutoModelForSequenceClassification if task == "classification" else AutoModel
    whole = kind.from_pretrained(checkpoint)
    body = whole.base_model
    body.save_pretrained(scratch / "body")
    tokenizer.save_pretrained(scratch / "body")
    library.converters.TransformersConverter(str(scratch / "body")).convert(
        str(scratch / "converted"), quantization=dtype
    )
    encoder = library.Encoder(
        str(scratch / "converted"), device="cpu", compute_type=dtype, inter_threads=1, intra_threads=threads
    )
    tensors = {name: value.detach().numpy() for name, value in whole.state_dict().items()}

    def forward(batch: dict[str, Any]) -> Values:
        lengths = batch["attention_mask"].sum(1)
        found = encoder.forward_batch(
            [row[:length].tolist() for row, length in zip(batch["input_ids"], lengths, strict=True)]
        )
        hidden = np.asarray(found.last_hidden_state)
        if task == "embedding":
            return pooled(hidden, batch["attention_mask"])
        first = hidden[:, 0]
        if "pre_classifier.weight" in tensors:
            first = np.maximum(first @ tensors["pre_classifier.weight"].T + tensors["pre_classifier.bias"], 0)
        else:
            first = np.tanh(first @ tensors["bert.pooler.dense.weight"].T + tensors["bert.pooler.dense.bias"])
        return softmax(first @ tensors["classifier.weight"].T + tensors["classifier.bias"])

    return by_length(tokenizer, forward), partial(encoded, tokenizer)


def fastembed(checkpoint: str, task: str, threads: int, scratch: Path) -> Any:
    """Fastembed on a local export of the checkpoint."""
    from optimum.onnxruntime import ORTModelForFeatureExtraction

    ORTModelForFeatureExtraction.from_pretrained(checkpoint, export=True).save_pretrained(scratch)
    for file in Path(checkpoint).glob("*.json"):
        if not (scratch / file.name).exists():
            shutil.copy(file, scratch)
    import fastembed as library

    model = library.TextEmbedding(
        "sentence-transformers/all-MiniLM-L6-v2", specific_model_path=str(scratch), threads=threads
    )
    return lambda texts, batch_size: np.stack(list(model.embed(list(texts), batch_size=batch_size))), None


KJARNI = {
    "classification": ("distilbert-sentiment", "distilbert_distilbert-base-uncased-finetuned-sst-2-english"),
    "embedding": ("minilm-l6-v2", "sentence-transformers_all-MiniLM-L6-v2"),
}


def kjarni(checkpoint: str, task: str, threads: int, scratch: Path) -> Any:
    """The Rust engine kjarni, whose cache is filled with the local checkpoint."""
    # Its cache, wherever the class that is used looks for it; it is read when the library is loaded.
    os.environ["XDG_CACHE_HOME"] = str(scratch)
    import kjarni as library

    name, folder = KJARNI[task]
    shutil.copytree(checkpoint, scratch / "kjarni" / folder)
    if task == "embedding":
        embedder = library.Embedder(name, cache_dir=str(scratch / "kjarni"), quiet=True)
        return lambda texts, batch_size: np.asarray(embedder.encode_batch(list(texts)), np.float32), None
    classifier = library.Classifier(name, quiet=True)

    def answer(texts: Sequence[str], batch_size: int) -> Values:
        found = [classifier.classify(text).all_scores for text in texts]
        return scores([[{"label": label, "score": score} for label, score in labels] for labels in found])

    return answer, None


def tokens_of(kind: Any, checkpoint: str) -> Any:
    """A checkpoint's tokenizer, which pads without telling that it could be called otherwise."""
    tokenizer = kind.from_pretrained(checkpoint)
    tokenizer.deprecation_warnings["Asking-to-pad-a-fast-tokenizer"] = True
    return tokenizer


def encoded(tokenizer: Any, texts: Sequence[str]) -> Any:
    """The ids of texts."""
    return tokenizer(list(texts), truncation=True, max_length=LONGEST)["input_ids"]
