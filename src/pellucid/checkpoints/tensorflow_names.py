"""The names that TensorFlow models of `transformers` gave their weights, as names of the Hub.

A name is the way through Keras' scopes, `tf_bert_model/bert/encoder/layer_._0/output/dense/kernel:0`; the Hub's name
of the same weight is `bert.encoder.layer.0.output.dense.weight`. The rules are those by which `transformers` 4 loaded
one framework's checkpoints into the other's models (`convert_tf_weight_name_to_pt_weight_name`).
"""

from __future__ import annotations

# Keras' words for what PyTorch calls weight and bias; what stands for a weight in `add_weight` has either name.
_SUFFIXES = {"kernel": "weight", "gamma": "weight", "embeddings": "weight", "beta": "bias"}


def hub_name_of(name: str, *, scoped: bool) -> str:
    """The name on the Hub of a weight of Keras.

    Args:
        name: such as `tf_bert_model/bert/pooler/dense/kernel:0`.
        scoped: whether the name starts with the scope of the whole model, which the Hub's names do not have. A name
            of one part has none.
    """
    scopes = [scope for scope in name.removesuffix(":0").split("/") if scope]
    if scoped and len(scopes) > 1:
        del scopes[0]
    # `nsp___cls` is a layer of its own in Keras, and `cls` in PyTorch; `layer_._0` is one of a list of layers.
    parts = ".".join(scope.rpartition("___")[2].replace("_._", ".") for scope in scopes).split(".")
    parts[-1] = _SUFFIXES.get(parts[-1], parts[-1])
    return ".".join(parts)


def is_kernel(name: str) -> bool:
    """Whether a weight of Keras is a kernel, which Keras keeps as `[in, out]` and PyTorch as `[out, in]`."""
    return name.removesuffix(":0").rpartition("/")[2] == "kernel"
