"""Models with the face of `transformers`, on any engine: `from_pretrained`, a call with rectangles, `save_pretrained`.

On the engine "torch" a model is a `torch.nn.Module` as well (`models/torch/module.py`).
"""

from __future__ import annotations

from collections.abc import Mapping
from functools import cached_property
from typing import Any, TypeVar

import numpy as np

from pellucid.checkpoints.roundings import Roundings
from pellucid.checkpoints.stored import StoredTensor
from pellucid.config import Config
from pellucid.engines import device_name, dtype_name, load_engine, usual_engine
from pellucid.engines.numpy import LOSSES
from pellucid.models.arguments import LoadingArguments
from pellucid.models.arrays import packed_inputs, unpacked_outputs
from pellucid.models.loading import Loaded
from pellucid.models.losses import checked_labels, labels_by_name, loss_of
from pellucid.models.pretrained import Pretrained
from pellucid.models.runner import Runner
from pellucid.tensors import as_numpy, common_kind

AnyModel = TypeVar("AnyModel", bound="PreTrainedModel")


class PreTrainedModel(Pretrained):
    """A checkpoint's encoder and head on an engine. May be called from any number of threads at once.

    Args:
        config: of the class's family; the weights are random, and the same for the same seed.
        engine: "openvino", "torch", "tensorflow" or "numpy"; where left out "torch" if it is installed, else the
            fastest.
        dtype: the precision to compute in: "float32", or one that the engine offers.
        device: where to compute: "cpu", or with the engine "torch" any device of the installed PyTorch.
        seed: of the random weights.

    Raises:
        UnsupportedConfigError: the config holds values that cannot be computed.
        EngineError: no such engine, not installed, or it does not compute in that precision.
    """

    _roundings: Roundings | None = None

    def __new__(cls: type[AnyModel], *arguments: Any, engine: str | None = None, **named: Any) -> AnyModel:
        """On PyTorch, an object of the class that is a `torch.nn.Module` too."""
        if (engine or usual_engine()) != "torch":
            return super().__new__(cls)
        load_engine("torch")
        from pellucid.models.torch.module import module_class

        made: AnyModel = object.__new__(module_class(cls))
        return made

    def __init__(
        self,
        config: Config,
        *,
        engine: str | None = None,
        dtype: Any = "float32",
        device: Any = None,
        seed: int = 0,
    ) -> None:
        self.check_config(config)
        self._prepare(
            config, None, engine=engine, dtype=dtype_name(dtype), device=device_name(device), seed=seed
        )  # fmt: skip

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
        self.config = config
        self._loaded_tensors = parameters
        self._seed = seed
        self.runner = Runner(
            self.family, config, self.head_name, lambda: self.tensors, engine=engine or usual_engine(), dtype=dtype,
            device=device, name=config.name_or_path or type(self).__name__, roundings=self._roundings,
        )  # fmt: skip

    @classmethod
    def from_parameters(cls: type[AnyModel], config: Config, loaded: Loaded, given: LoadingArguments) -> AnyModel:
        """A model of this class around parameters that are loaded."""
        engine = cls.engine_of(given) or usual_engine()
        model = cls.__new__(cls, engine=engine)
        if engine == "openvino":
            # The graph is made of them: what was written to them afterwards would be lost.
            for tensor in loaded.parameters.values():
                tensor.data.flags.writeable = False
        # Past the frameworks, which look into what is set on their models.
        model.__dict__["_roundings"] = loaded.roundings
        model._prepare(
            config, loaded.parameters, engine=engine, dtype=given.dtype_for(loaded, engine),
            device=given.device_name, seed=given.seed,
        )  # fmt: skip
        model.eval()
        return model

    def in_precision(self: AnyModel, dtype: str, roundings: Roundings | None = None) -> AnyModel:
        """The same model in another precision, of the same weights in memory.

        Args:
            dtype: one that the engine computes in.
            roundings: for int8, how inputs are rounded.
        """
        other = type(self).__new__(type(self), engine=self.engine)
        other.__dict__.update(self.__dict__, _roundings=roundings)
        other._prepare(
            self.config, self.tensors, engine=self.engine, dtype=dtype, device=self.device, seed=self._seed
        )  # fmt: skip
        return other

    @cached_property
    def tensors(self) -> Mapping[str, StoredTensor]:
        """Every parameter by its canonical name, as it is stored; random ones are made when first needed."""
        if self._loaded_tensors is not None:
            return self._loaded_tensors
        return self.random_tensors(self.config, self._seed)

    @property
    def engine(self) -> str:
        """The name of the engine."""
        return self.runner.engine

    @property
    def dtype(self) -> Any:
        """The precision that is computed in: a word, or a `torch.dtype` on the engine "torch"."""
        return self.runner.dtype

    @property
    def device(self) -> Any:
        """Where it is computed: a word, or a `torch.device` on the engine "torch"."""
        return self.runner.device

    def forward(
        self,
        input_ids: Any = None,
        attention_mask: Any = None,
        token_type_ids: Any = None,
        position_ids: Any = None,
        labels: Any = None,
        *,
        start_positions: Any = None,
        end_positions: Any = None,
        output_attentions: bool | None = None,
        output_hidden_states: bool | None = None,
        return_dict: bool | None = None,
    ) -> Any:
        """Run the model on a rectangle of token ids.

        Args:
            input_ids: whole numbers `[B, L]`, or `[L]` for a batch of one; nested lists or an array. Also a
                `BatchEncoding` or dictionary that holds these arguments. A model that chooses takes
                `[B, choices, L]`, as for the next three.
            attention_mask: `[B, L]`, 1 for tokens and 0 for padding; where left out every cell counts, padding too.
            token_type_ids: `[B, L]`, 0 for the first text of a pair and 1 for the second; 0 where left out.
            position_ids: `[B, L]`; the columns where left out.
            labels: what the head should answer, for the loss: whole numbers `[B]` for one label of several, numbers
                `[B, C]` for several labels at once, numbers `[B]` for regression, whole numbers `[B, L]` for tokens,
                of which those with -100 and those of padding take no part.
            start_positions: the columns `[B]` where answers begin, for a head that finds them.
            end_positions: the columns `[B]` of their last tokens.
            output_attentions: also give the attention probabilities of every layer.
            output_hidden_states: also give the embeddings and the output of every layer.
            return_dict: False for a tuple instead of a `ModelOutput`.

        Returns:
            A `ModelOutput` of arrays of the kind that was given, NumPy's for lists; zeros where there is padding. Only
            PyTorch's tensors, on the engine "torch", carry gradients.

        Raises:
            InputError: arrays of two kinds, or that do not fit each other; ids outside the vocabulary; more tokens
                than positions; labels that the head does not have.
        """
        options = {
            "output_attentions": output_attentions,
            "output_hidden_states": output_hidden_states,
            "return_dict": return_dict,
        }
        if isinstance(input_ids, Mapping):
            wanted = {"labels": labels, "start_positions": start_positions, "end_positions": end_positions}
            also = {name: value for name, value in wanted.items() if value is not None}
            return self.forward(**input_ids, **also, **options)
        labels = self._labels(labels, start_positions, end_positions)
        given, count = self._given(input_ids, attention_mask, token_type_ids, position_ids)
        values = self._compute(given, count, labels, self._taps(output_hidden_states, output_attentions))
        return self._output(values, return_dict)

    def __call__(self, *arguments: Any, **named: Any) -> Any:
        """The same as `forward`."""
        return self.forward(*arguments, **named)

    def _compute(
        self, given: Mapping[str, Any], count: int | None, labels: Any, taps: tuple[str, ...]
    ) -> dict[str, Any]:
        """The outputs by name, in the caller's kind of array."""
        kind, like = common_kind({**given, **labels_by_name(labels)}, self.usual_kind)
        arrays = {name: as_numpy(value) for name, value in given.items()}
        packed, is_token = packed_inputs(**arrays, padding_id=self.runner.padding_id)
        self._diagnose(arrays, is_token, kind=kind.name, is_learning=labels is not None)
        values = self._shaped(unpacked_outputs(self.runner.run(packed, taps=taps), is_token), count, np.reshape)
        if labels is not None:
            word = str(self.loss_kind)
            problem, told = checked_labels(word, self.config, labels, next(iter(values.values())).shape, is_token)
            loss = loss_of(word, problem, values, told, is_token.astype(np.int64), LOSSES, np.reshape)
            values = {"loss": loss, **values}
        return {name: kind.give(value, like) for name, value in values.items()}

    def eval(self: AnyModel) -> AnyModel:
        """The model itself: on an engine that only predicts nothing is ever dropped out."""
        return self

    def __repr__(self) -> str:
        return (
            f"{type(self).__name__}({self.name_or_path or 'random weights'!r}, engine={self.engine!r}, "
            f"dtype={self.dtype!r}, {self.num_parameters():,} parameters)"
        )
