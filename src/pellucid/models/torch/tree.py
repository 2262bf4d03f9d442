"""The tree of modules that owns a model's parameters, under the names that the Hub has for them."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator, Mapping
from typing import Any

import torch
from torch import nn

from pellucid.engines.shapes import Use
from pellucid.errors import InputError

NO_HOOKS = (
    "{name} only holds parts, and is never called itself: a hook on it would not run. Register it on the model, or on "
    "one of the parts that compute: {parts}."
)


class Parts(nn.Module):
    """A module that only holds others."""

    def forward(self, *arguments: Any, **named: Any) -> Any:
        """Not computed with: the model's own function is.

        Raises:
            InputError: always.
        """
        raise InputError(
            f"A part of a model ({', '.join(dict(self.named_children()))}) is not called by itself. Call the model; "
            "`output_hidden_states=True` gives what its layers made."
        )

    def _refuse_hook(self, *arguments: Any, **named: Any) -> Any:
        leaves = [
            name for name, module in self.named_modules() if name and not isinstance(module, Parts | nn.ModuleList)
        ]
        raise InputError(NO_HOOKS.format(name="This module", parts=", ".join(leaves)))

    register_forward_hook = register_forward_pre_hook = _refuse_hook
    register_full_backward_hook = register_full_backward_pre_hook = _refuse_hook


def module_tree(
    tensors: Mapping[str, torch.Tensor],
    hub_names: Mapping[str, str],
    uses: Mapping[str, Use],
    padding: Mapping[str, int | None],
) -> dict[str, nn.Module]:
    """Modules around tensors, by the first word of their names.

    Args:
        tensors: by canonical name.
        hub_names: the Hub's name of each, such as "bert.encoder.layer.0.output.dense.weight".
        uses: what is computed with the parameters of each module, by canonical path.
        padding: the row that learns nothing, by the canonical path of its table.

    Returns:
        The modules that a model has as its children.
    """
    leaves: dict[str, dict[str, torch.Tensor]] = {}
    canonical: dict[str, str] = {}
    for name, tensor in tensors.items():
        path, _, leaf = hub_names[name].rpartition(".")
        leaves.setdefault(path, {})[leaf] = tensor
        if leaf == "weight":
            canonical[path] = name.rpartition(".")[0]
    tree: dict[str, Any] = {}
    for path, held in leaves.items():
        *above, last = path.split(".")
        branch = tree
        for word in above:
            branch = branch.setdefault(word, {})
        use = uses.get(canonical.get(path, ""))
        if use is None:
            # What no module of PyTorch computes with; it may stand beside modules, as `cls.predictions.bias` does.
            own = branch.setdefault(last, {})
            own.update({leaf: nn.Parameter(tensor) for leaf, tensor in held.items()})
            continue
        branch[last] = _leaf(use, held, padding.get(canonical[path]))
    return {name: _branch(branch) for name, branch in tree.items()}


def _branch(branch: Any) -> nn.Module:
    if isinstance(branch, nn.Module):
        return branch
    if all(name.isdigit() for name in branch):
        return nn.ModuleList(_branch(child) for child in branch.values())
    parts = Parts()
    for name, child in branch.items():
        if isinstance(child, nn.Parameter):
            parts.register_parameter(name, child)
        else:
            parts.add_module(name, _branch(child))
    return parts


def _leaf(use: Use, held: Mapping[str, torch.Tensor], padding: int | None) -> nn.Module:
    """The module of PyTorch that computes with these tensors, owning them."""
    weight, has_bias = held["weight"], "bias" in held
    module: nn.Module
    with torch.device("meta"):
        if use.operation == "embedding":
            module = nn.Embedding(*weight.shape, padding_idx=padding)
        elif use.operation == "linear":
            module = nn.Linear(weight.shape[1], weight.shape[0], bias=has_bias)
        elif use.operation == "layer_norm":
            module = nn.LayerNorm(weight.shape[0], eps=use.eps, bias=has_bias)
        else:
            module = nn.RMSNorm(weight.shape[0], eps=use.eps)
    for name, tensor in held.items():
        setattr(module, name, nn.Parameter(tensor))
    return module


class Live(Mapping[str, Any]):
    """A model's parameters by their canonical names, as they are when they are asked for.

    Args:
        parameter: gives one by its name.
        names: of all of them.
    """

    def __init__(self, parameter: Callable[[str], Any], names: Collection[str]) -> None:
        self._parameter = parameter
        self._names = names

    def __getitem__(self, name: str) -> Any:
        return self._parameter(name)

    def __iter__(self) -> Iterator[str]:
        return iter(self._names)

    def __len__(self) -> int:
        return len(self._names)
