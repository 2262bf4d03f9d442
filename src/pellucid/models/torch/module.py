"""On PyTorch a model is a `torch.nn.Module`: parameters under the Hub's names, gradients, dropout, devices.

The modules only own the weights; what is computed with them is the architecture's one function, over packed rows. While
PyTorch traces the model (`torch.compile`, `torch.export`) it computes on the caller's rectangle instead, padding
included, since a graph cannot hold rows that depend on the values of a mask.
"""

from __future__ import annotations

from collections.abc import Mapping
from functools import reduce
from typing import Any, ClassVar, TypeAlias

import numpy as np
import numpy.typing as npt
import torch
from torch import nn
from torch.utils import _pytree as pytree

from pellucid.checkpoints.stored import StoredTensor
from pellucid.config import Config
from pellucid.engines import check_dtype, device_name, dtype_name, shapes
from pellucid.engines.torch import LOSSES, TorchOps, inputs_of, usable_device
from pellucid.engines.torch_layout import RectangleLayout
from pellucid.engines.torch_weights import laid_side_by_side, tensor_of
from pellucid.models.arrays import packed_inputs
from pellucid.models.losses import IGNORED, checked_labels, labels_by_name, loss_of, problem_of
from pellucid.models.pretrained import Pretrained
from pellucid.models.runner import Runner
from pellucid.models.torch.arrays import attentions_in_columns, host_arrays, in_cells, positions_in, stored
from pellucid.models.torch.tree import Live, module_tree
from pellucid.outputs import OUTPUT_CLASSES, ModelOutput
from pellucid.packing import MAX_TOKENS, Inputs, Packed, micro_batches
from pellucid.tensors import as_numpy as numpy_of
from pellucid.tensors import common_kind
from pellucid.weights import Weights

Array: TypeAlias = Any
"""A `torch.Tensor`."""

SIDE_BY_SIDE = ("query", "key", "value")
"""Parameters that lie in one memory, so that one product computes them all."""


class TorchModel(nn.Module, Pretrained):
    """What makes a model a `torch.nn.Module`; `module_class` joins it to a class such as `BertModel`."""

    _face: ClassVar[type]
    """The class that it was joined to."""

    # Its parameters are its own, and trained in the precision that they are in.
    in_precision = Pretrained.in_precision

    def _prepare(
        self,
        config: Config,
        parameters: Mapping[str, StoredTensor] | None,
        *,
        engine: str | None,
        dtype: str,
        device: str,
        seed: int,
    ) -> None:
        nn.Module.__init__(self)
        self.config = config
        check_dtype("torch", dtype)
        place = usable_device(device)
        stored = self.random_tensors(config, seed) if parameters is None else parameters
        tensors = {name: tensor_of(one).to(place, getattr(torch, dtype)) for name, one in stored.items()}
        has_prefix = self.head_name != "base"
        hub_names = {name: self.family.names.hub_name(name, has_prefix) for name in tensors}
        self._paths = {name: tuple(hub.rsplit(".", 1)) for name, hub in hub_names.items()}
        forward = self.family.forward(config, self.head_name)
        # Told by the family and the head, whatever is changed of the config later.
        self._per_token = shapes.outputs_per_token(forward)
        uses = shapes.uses(forward)
        positions = self.family.read_config(config).padding_id
        padding = {"embeddings.tokens": config.pad_token_id, "embeddings.positions": positions}
        for name, module in module_tree(tensors, hub_names, uses, padding).items():
            self.add_module(name, module)
        self._lay_side_by_side()

    # Where the weights are.

    def _owner(self, name: str) -> tuple[Any, str]:
        """The module that owns a parameter, and what it calls it, by the parameter's canonical name."""
        path, leaf = self._paths[name]
        return reduce(getattr, path.split("."), self), leaf

    def parameter(self, name: str) -> Array:
        """A parameter by its canonical name."""
        owner, leaf = self._owner(name)
        return getattr(owner, leaf)

    def _lay_side_by_side(self) -> None:
        for name in self._paths:
            path, _, suffix = name.rpartition(".")
            above, _, last = path.rpartition(".")
            if last != SIDE_BY_SIDE[0]:
                continue
            parameters = [self.parameter(f"{above}.{one}.{suffix}") for one in SIDE_BY_SIDE]
            if len({parameter.shape[1:] for parameter in parameters}) > 1:
                continue  # maps of inputs of different widths
            for parameter, data in zip(parameters, laid_side_by_side(parameters), strict=True):
                parameter.data = data

    def _apply(self, fn: Any, recurse: bool = True) -> Any:
        applied = super()._apply(fn, recurse)
        self._lay_side_by_side()
        return applied

    @property
    def tensors(self) -> Mapping[str, StoredTensor]:
        """Every parameter by its canonical name, as it is now."""
        return {name: stored(name, self.parameter(name)) for name in self._paths}

    @property
    def engine(self) -> str:
        """The name of the engine."""
        return "torch"

    @property
    def _first(self) -> Array:
        # Not by `parameters()`, which are none in a replica of `DataParallel`.
        return self.parameter(next(iter(self._paths)))

    @property
    def dtype(self) -> torch.dtype:
        """The precision of the parameters."""
        return self._first.dtype

    @property
    def device(self) -> torch.device:
        """Where the parameters lie."""
        return self._first.device

    @property
    def base_model(self) -> nn.Module:
        """The encoder without its head."""
        return getattr(self, self.base_model_prefix, self)

    def get_input_embeddings(self) -> nn.Module:
        """The table of the tokens' vectors."""
        module: nn.Module = self._owner("embeddings.tokens.weight")[0]
        return module

    @property
    def runner(self) -> Runner:  # type: ignore[override]
        """Runs any number of texts for a pipeline, on the parameters as they are."""
        dtype, device = dtype_name(self.dtype), device_name(self.device)
        runner: Runner | None = self.__dict__.get("_runner")
        if runner is None or (runner.dtype, runner.device) != (dtype, device):
            runner = Runner(
                self.family, self.config, self.head_name, lambda: Live(self.parameter, self._paths), engine="torch",
                dtype=dtype, device=device, name=self.config.name_or_path or type(self).__name__,
            )  # fmt: skip
            self.__dict__["_runner"] = runner
        return runner

    # What is computed with them.

    def _run(
        self, inputs: Inputs, taps: tuple[str, ...], *, narrow: bool = False
    ) -> tuple[dict[str, Array], dict[str, list[Array]]]:
        modules: dict[int, nn.Module] = {}

        def get(name: str, shape: tuple[int, ...]) -> Array:
            owner, leaf = self._owner(name)
            weight = getattr(owner, leaf)
            modules[id(weight)] = owner
            return weight

        ops = TorchOps(taps, is_training=self.training, modules=modules)
        outputs = self.family.forward(self.config, self.head_name, narrow=narrow)(ops, Weights(get), inputs)
        return outputs, ops.kept

    def run_packed(self, packed: Packed) -> dict[str, Array]:
        """Run a packed batch as it is, gradients and dropout included, without any rectangle.

        Args:
            packed: the batch, its longest texts next to each other; `runner.check` says whether it can be computed.

        Returns:
            The outputs by name: per token `[T, …]`, per text `[B, …]`.
        """
        return self._run(inputs_of(packed, self.device), (), narrow=True)[0]

    def _compute(
        self, given: Mapping[str, Any], count: int | None, labels: Any, taps: tuple[str, ...]
    ) -> dict[str, Any]:
        if torch.compiler.is_compiling():
            values, cells = self._of_rectangle(taps, **given)
            values = self._shaped(values, count, torch.reshape)
            if labels is None:
                return values
            told = labels if isinstance(labels, tuple) else (labels,)
            are_whole = not any(one.is_floating_point() for one in told)
            return {"loss": self._loss(values, labels, cells, problem_of(self.config, are_whole)), **values}
        kind, like = common_kind({**given, **labels_by_name(labels)}, self.usual_kind)
        arrays = {name: numpy_of(value) for name, value in given.items()}
        packed, is_token = packed_inputs(**arrays, padding_id=self.runner.padding_id)
        self.runner.check(packed)
        self._diagnose(arrays, is_token, kind=kind.name, is_learning=labels is not None or self.training)
        # NumPy's arrays carry no gradients.
        with torch.set_grad_enabled(torch.is_grad_enabled() and kind.name == "pt"):
            values = self._shaped(self._of_packed(packed, is_token, taps), count, torch.reshape)
        if labels is not None:
            shape = next(iter(values.values())).shape
            problem, told = checked_labels(str(self.loss_kind), self.config, labels, shape, is_token)
            given_labels = tuple(map(torch.as_tensor, told)) if isinstance(told, tuple) else torch.as_tensor(told)
            loss = self._loss(values, given_labels, torch.from_numpy(is_token), problem)
            values = {"loss": loss, **values}
        if kind.name == "pt":
            return values
        return {name: kind.give(host_arrays(value), like) for name, value in values.items()}

    def _loss(self, values: Mapping[str, Array], labels: Any, is_token: Array, problem: str) -> Array:
        logits = next(iter(values.values()))
        if isinstance(labels, tuple):
            # What lies beyond the last column takes no part.
            length = logits.shape[1]
            on_columns = (one.to(logits.device) for one in labels)
            told: Any = tuple(torch.where(one < length, one, IGNORED) for one in on_columns)
            cells = is_token.to(logits.device, logits.dtype)
        else:
            told = labels.to(logits.device)
            cells = is_token.to(logits.device, told.dtype)
        return loss_of(str(self.loss_kind), problem, values, told, cells, LOSSES, torch.reshape)

    def _of_packed(self, packed: Packed, is_token: npt.NDArray[np.bool_], taps: tuple[str, ...]) -> dict[str, Any]:
        """Run a packed batch, and put the answers back into the caller's rectangle."""
        device = self.device
        is_learning = torch.is_grad_enabled() and any(self.parameter(name).requires_grad for name in self._paths)
        # Small batches stay in a CPU's cache. A gradient is taken through one run, and a GPU is filled by one.
        is_cut = device.type == "cpu" and not is_learning
        rectangle = packed.lengths.size * int(packed.lengths.max())
        batches = list(micro_batches(packed.lengths, MAX_TOKENS if is_cut else rectangle))
        runs = [self._run(inputs_of(packed.take(batch), device), taps) for batch in batches]
        cells = np.flatnonzero(is_token)
        cell_of = torch.from_numpy(np.concatenate([cells[packed.rows_of(batch)] for batch in batches])).to(device)
        row_of = torch.from_numpy(np.argsort(np.concatenate(batches))).to(device)
        values: dict[str, Any] = {}
        for name in runs[0][0]:
            whole = torch.cat([outputs[name] for outputs, _ in runs])
            values[name] = in_cells(whole, cell_of, is_token.shape) if name in self._per_token else whole[row_of]
        for name in taps:
            layers = zip(*(kept[name] for _, kept in runs), strict=True)
            if name == "attentions":
                columns = [np.flatnonzero(row) for row in is_token]
                values[name] = tuple(attentions_in_columns(layer, batches, columns, is_token.shape) for layer in layers)
            else:
                values[name] = tuple(in_cells(torch.cat(layer), cell_of, is_token.shape) for layer in layers)
        return values

    def _of_rectangle(
        self, taps: tuple[str, ...], input_ids: Array, attention_mask: Array, token_type_ids: Array, position_ids: Array
    ) -> tuple[dict[str, Any], Array]:
        """Run every cell of a rectangle, with tensors alone; also give which cells are tokens."""
        ids = input_ids if input_ids.dim() == 2 else input_ids[None]
        batch, length = ids.shape
        is_token = torch.ones_like(ids) if attention_mask is None else attention_mask.view(batch, length)
        types = torch.zeros_like(ids) if token_type_ids is None else token_type_ids.view(batch, length)
        padding_id = self.family.read_config(self.config).padding_id
        positions = positions_in(ids, padding_id) if position_ids is None else position_ids
        layout: Any = RectangleLayout(is_token.bool())
        flat_ids, flat_positions, flat_types = (x.expand(batch, length).reshape(-1) for x in (ids, positions, types))
        outputs, kept = self._run(Inputs(flat_ids, flat_positions, flat_types, layout.cell_of_row, layout), taps)

        def back(rows: Array) -> Array:
            return rows.view(batch, length, -1) * layout.is_token[..., None]

        values: dict[str, Any] = {
            name: back(value) if name in self._per_token else value for name, value in outputs.items()
        }
        for name in taps:
            values[name] = tuple(
                layer * layout.is_token[:, None, :, None] if name == "attentions" else back(layer)
                for layer in kept[name]
            )
        return values, layout.is_token

    def __getstate__(self) -> dict[str, Any]:
        return {name: value for name, value in self.__dict__.items() if name != "_runner"}

    def __reduce_ex__(self, protocol: Any) -> Any:
        # The class is made when it is needed, so it is named by the class that it was made from.
        return _restored, (self._face,), self.__getstate__()


_CLASSES: dict[type, type] = {}


def module_class(face: type) -> type:
    """The class of a model on PyTorch: a subclass of `face`, under its name, and of `torch.nn.Module`."""
    if issubclass(face, nn.Module):
        return face
    if face not in _CLASSES:
        _CLASSES[face] = _joined_class(face)
    return _CLASSES[face]


def _joined_class(face: Any) -> type:
    own = {
        # Of these a face's own, or a user's, go before those of `torch.nn.Module`.
        "__init__": face.__init__,
        "forward": face.forward,
        "_face": face,
        "__doc__": face.__doc__,
        "__module__": face.__module__,
        "__qualname__": face.__qualname__,
    }
    return type(face.__name__, (TorchModel, face), own)


def _restored(face: type) -> Any:
    return object.__new__(module_class(face))


def _register(output_class: type[ModelOutput]) -> None:
    """Tell PyTorch how an output is taken apart and put together, which exporting needs."""
    pytree.register_pytree_node(
        output_class,
        lambda output: (list(output.values()), list(output)),
        lambda values, names: output_class(**dict(zip(names, values, strict=True))),
        serialized_type_name=f"pellucid.outputs.{output_class.__name__}",
    )


for _output_class in OUTPUT_CLASSES:
    _register(_output_class)
