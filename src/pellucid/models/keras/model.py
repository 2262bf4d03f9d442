"""The TensorFlow classes of `transformers` 4 as Keras models: `TFBertModel`, `TFBertForSequenceClassification`, …

Keras' layers only own the weights; what is computed with them is the architecture's one function, over packed rows that
the graph makes of the caller's rectangle. A call outside of graphs is checked on the host first, and then runs a graph
that was traced once for batches of any size.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import keras
import optree
import tensorflow as tf

from pellucid.checkpoints.report import LoadingReport
from pellucid.checkpoints.stored import StoredTensor
from pellucid.config import Config
from pellucid.engines import check_dtype, dtype_name, shapes
from pellucid.engines.tensorflow import LOSSES, TensorflowOps
from pellucid.engines.tensorflow_layout import Rectangle
from pellucid.errors import EngineError, InputError
from pellucid.models.arguments import LoadingArguments
from pellucid.models.arrays import packed_inputs
from pellucid.models.choices import flattened
from pellucid.models.keras.arrays import arguments_of, beyond_ignored, given_back, in_cells, in_graphs
from pellucid.models.keras.graphs import Graphs
from pellucid.models.keras.layers import Held, Owner, as_stored, in_graph, layer_tree
from pellucid.models.keras.saving import KerasSaving
from pellucid.models.keras.training import KerasTraining
from pellucid.models.keras.words import words_of
from pellucid.models.loading import Loaded
from pellucid.models.losses import IGNORED, checked_labels, labels_by_name, loss_of, problem_of
from pellucid.models.runner import Runner
from pellucid.outputs import OUTPUT_CLASSES, ModelOutput
from pellucid.tensors import as_numpy, common_kind
from pellucid.weights import Weights


class TFPreTrainedModel(KerasTraining, KerasSaving, Owner):
    """A checkpoint's encoder and head as a Keras model; called with tensors, arrays, lists or a `BatchEncoding`.

    Args:
        config: of the class's family; the weights are random, and the same for the same seed.
        dtype: the precision to compute in; where left out, a mixed one if Keras' global policy is one, else float32.
        seed: of the random weights.
        name: what Keras calls the model.
    """

    usual_kind = "tf"
    output_prefix = "TF"

    def __init_subclass__(cls, **arguments: Any) -> None:
        super().__init_subclass__(**arguments)
        # So that `keras.models.load_model` knows the classes that were imported.
        keras.saving.register_keras_serializable(package=cls.__module__.partition(".")[0])(cls)

    def __init__(self, config: Config, *, dtype: Any = None, seed: int = 0, name: str | None = None) -> None:
        self.check_config(config)
        self._prepare(config, None, engine="tensorflow", dtype=dtype, device="cpu", seed=seed, name=name)

    def _prepare(
        self,
        config: Config,
        parameters: Mapping[str, StoredTensor] | None,
        *,
        engine: str | None,
        dtype: Any,
        device: str,
        seed: int,
        name: str | None = None,
    ) -> None:
        if keras.backend.backend() != "tensorflow":
            raise EngineError(
                f"{type(self).__name__} is a Keras model on TensorFlow, and Keras runs on {keras.backend.backend()!r}. "
                "Set KERAS_BACKEND=tensorflow before Keras is imported."
            )
        policy = policy_for(dtype)
        keras.Model.__init__(self, name=name, dtype=policy)
        # The shapes of packed rows are known only when they are computed, and XLA needs them before.
        self.supports_jit = False
        self.config = config
        tensors = self.random_tensors(config, seed) if parameters is None else parameters
        hub_names = {one: self.family.names.hub_name(one) for one in tensors}
        variables = layer_tree(self, tensors, hub_names, policy)
        self._held = Held(variables, in_graph)
        self._stored = Held(variables, as_stored)
        self._graphs = Graphs()
        self.runner = Runner(
            self.family, config, self.head_name, lambda: self._held, engine="tensorflow", dtype=self.variable_dtype,
            device=device, name=config.name_or_path or type(self).__name__,
        )  # fmt: skip
        self.built = True

    @classmethod
    def from_parameters(cls, config: Config, loaded: Loaded, given: LoadingArguments) -> Any:
        """A model of this class around parameters that are loaded."""
        is_asked = given.dtype is not None or given.torch_dtype is not None
        model = cls.__new__(cls)
        model._prepare(
            config, loaded.parameters, engine=cls.engine_of(given), seed=given.seed, device=given.device_name,
            dtype=given.dtype_for(loaded, "tensorflow") if is_asked else None,
        )  # fmt: skip
        return model

    @classmethod
    def engine_of(cls, given: LoadingArguments) -> str:
        """Always TensorFlow.

        Raises:
            InputError: another engine is asked for.
        """
        if given.engine_name not in (None, "tensorflow"):
            raise InputError(
                f"{cls.__name__} computes on TensorFlow, and engine={given.engine_name!r} was asked for. "
                f"Use {cls.__name__.removeprefix('TF')}, which computes on every engine."
            )
        return "tensorflow"

    @classmethod
    def words_of(cls, report: LoadingReport) -> str:
        """Which weights were not used, and which are new, as `transformers` 4 says it of a TensorFlow model."""
        return words_of(report, cls.__name__, cls.head_name != "base")

    @property
    def tensors(self) -> Mapping[str, StoredTensor]:
        """Every parameter by its canonical name, as it is now."""
        return self._stored

    @property
    def engine(self) -> str:
        """The name of the engine."""
        return "tensorflow"

    # A call.

    # AutoGraph has nothing to convert here.
    @tf.autograph.experimental.do_not_convert  # type: ignore[untyped-decorator]
    def __call__(
        self,
        input_ids: Any = None,
        attention_mask: Any = None,
        token_type_ids: Any = None,
        position_ids: Any = None,
        labels: Any = None,
        *,
        start_positions: Any = None,
        end_positions: Any = None,
        training: bool | None = None,
        output_attentions: bool | None = None,
        output_hidden_states: bool | None = None,
        return_dict: bool | None = None,
    ) -> Any:
        """Run the model on a rectangle of token ids.

        Args:
            input_ids: whole numbers `[B, L]`, or `[L]` for a batch of one; nested lists or an array. Also a
                `BatchEncoding` or dictionary of these arguments, or a list of tensors in their order.
            attention_mask: `[B, L]`, 1 for tokens and 0 for padding; where left out every cell counts, padding too.
            token_type_ids: `[B, L]`, 0 for the first text of a pair and 1 for the second; 0 where left out.
            position_ids: `[B, L]`; the columns where left out.
            labels: what the head should answer, for the loss: whole numbers `[B]` for one label of several, numbers
                `[B, C]` for several labels at once, numbers `[B]` for regression, whole numbers `[B, L]` for tokens,
                of which those with -100 and those of padding take no part.
            start_positions: the columns `[B]` where answers begin, for a head that finds them.
            end_positions: the columns `[B]` of their last tokens.
            training: True drops out what the config says.
            output_attentions: also give the attention probabilities of every layer.
            output_hidden_states: also give the embeddings and the output of every layer.
            return_dict: False for a tuple instead of a `ModelOutput`.

        Returns:
            A `ModelOutput` of TensorFlow's tensors, or of the kind of array that was given; zeros where there is
            padding. The loss has one number for each text, as in `transformers`.

        Raises:
            InputError: arrays of two kinds, or that do not fit each other; ids outside the vocabulary; more tokens
                than positions; labels that the head does not have. In graphs TensorFlow's `InvalidArgumentError`,
                when they are run.
        """
        options: dict[str, Any] = {
            "training": training,
            "output_attentions": output_attentions,
            "output_hidden_states": output_hidden_states,
            "return_dict": return_dict,
        }
        named = arguments_of(input_ids, ("input_ids", "attention_mask", *self.family.inputs))
        if named is not None:
            wanted = {"labels": labels, "start_positions": start_positions, "end_positions": end_positions}
            return self(**named, **{name: one for name, one in wanted.items() if one is not None}, **options)
        labels = self._labels(labels, start_positions, end_positions)
        given, count = self._given(input_ids, attention_mask, token_type_ids, position_ids)
        if count is not None:
            options["choices"] = count
        arrays = {name: value for name, value in given.items() if value is not None}
        if not tf.executing_eagerly() or any(keras.utils.is_keras_tensor(value) for value in arrays.values()):
            tensors = {name: in_graphs(value) for name, value in arrays.items()}
            return super().__call__(tensors, labels=None if labels is None else in_graphs(labels), **options)
        kind, like = common_kind({**arrays, **labels_by_name(labels)}, self.usual_kind)
        on_host = {name: as_numpy(value) for name, value in given.items()}
        packed, is_token = packed_inputs(**on_host, padding_id=self.runner.padding_id)
        self.runner.check(packed)
        steps = getattr(getattr(self, "optimizer", None), "iterations", 0)
        self._diagnose(on_host, is_token, kind=kind.name, is_learning=labels is not None or int(steps) > 0)
        if labels is not None:
            shape = self._logits_shape(is_token.shape, count)
            _, told = checked_labels(str(self.loss_kind), self.config, labels, shape, is_token)
            labels = in_graphs(told)
        return given_back(super().__call__(in_cells(packed, is_token), labels=labels, **options), kind, like)

    def call(
        self,
        inputs: Any,
        labels: Any = None,
        training: bool = False,
        output_attentions: bool | None = None,
        output_hidden_states: bool | None = None,
        return_dict: bool | None = None,
        choices: int | None = None,
    ) -> Any:
        """What Keras runs; arguments as for the call of the model, in a dictionary `inputs`, one row for a choice."""
        taps = self._taps(output_hidden_states, output_attentions)
        given = dict(inputs) if isinstance(inputs, Mapping) else {"input_ids": inputs}
        if self.loss_kind == "choices" and choices is None:
            given, choices = flattened(given)
        rectangle = Rectangle.of(given, self.runner.padding_id)
        if tf.executing_eagerly():
            values = self._graphs.run(self._computed, rectangle, taps, bool(training))
        else:
            settings = self.family.read_config(self.config)
            limits = {"ids": settings.vocabulary, "positions": settings.positions}
            if settings.types:
                limits["types"] = settings.types
            with tf.control_dependencies(rectangle.checks(limits)):
                values = self._computed(rectangle, taps, bool(training))
        values = self._shaped(values, choices, tf.reshape)
        if labels is not None:
            values = {"loss": self.loss_of(values, labels, rectangle.is_token), **values}
        return self._output(values, return_dict)

    def _computed(self, rectangle: Rectangle, taps: tuple[str, ...], is_training: bool) -> dict[str, Any]:
        """The outputs by name, in the caller's cells."""
        ops = TensorflowOps(taps, is_training=is_training)
        forward = self.family.forward(self.config, self.head_name)
        per_token = shapes.outputs_per_token(forward)
        inputs = rectangle.packed(in_columns="attentions" in taps)
        outputs = forward(ops, Weights(lambda name, shape: self._held[name]), inputs)
        values: dict[str, Any] = {
            name: rectangle.unpacked(value) if name in per_token else value for name, value in outputs.items()
        }
        put_back = {"hidden_states": rectangle.unpacked, "attentions": rectangle.attentions}
        return values | {name: tuple(put_back[name](layer) for layer in ops.kept[name]) for name in taps}

    def _logits_shape(self, shape: tuple[int, int], choices: int | None) -> tuple[int, ...]:
        """The shape of the logits for a rectangle, which labels must fit."""
        settings = self.family.read_config(self.config)
        sizes = {"choices": choices, "pair": 2, "texts": self.config.num_labels, "replaced": shape[1]}
        if self.loss_kind == "tokens":
            return (
                *shape,
                settings.vocabulary if self.head_name == "masked-language-model" else self.config.num_labels,
            )
        return (shape[0] // (choices or 1), int(sizes.get(str(self.loss_kind)) or shape[1]))

    def loss_of(self, values: Mapping[str, Any], labels: Any, is_token: Any) -> Any:
        """How far the outputs are from the labels: one number for each text, or one `[1]` for all tokens."""
        kind = str(self.loss_kind)
        labels = in_graphs(labels)
        logits = next(iter(values.values()))
        if kind == "span":
            labels = tuple(beyond_ignored(one, tf.shape(logits)[1]) for one in labels)
            return loss_of(kind, "", values, labels, tf.cast(is_token, logits.dtype), LOSSES, tf.reshape)
        problem = problem_of(self.config, labels.dtype.is_integer) if kind == "texts" else ""
        losses = loss_of(kind, problem, values, labels, tf.cast(is_token, labels.dtype), LOSSES, tf.reshape)
        if kind != "tokens":
            return losses
        counted = tf.math.count_nonzero(tf.cast(is_token, tf.bool) & (labels != IGNORED), dtype=losses.dtype)
        return tf.reshape(tf.math.divide_no_nan(tf.reduce_sum(losses), counted), [1])


def policy_for(dtype: Any) -> Any:
    """Keras' policy for a precision; where none is asked for, a mixed one if that is the global policy.

    Raises:
        UnsupportedDtypeError: TensorFlow does not compute in it.
    """
    usual = keras.config.dtype_policy()
    if dtype is None and usual.name.startswith("mixed"):
        return usual
    name = "float32" if dtype is None else dtype_name(dtype)
    check_dtype("tensorflow", name)
    return keras.DTypePolicy(name)


def _register(output_class: type[ModelOutput]) -> None:
    """Tell Keras how an output is taken apart and put together, which `fit` and `predict` need."""
    optree.register_pytree_node(
        output_class,
        lambda output: (list(output.values()), tuple(output), tuple(output)),
        lambda names, values: output_class(**dict(zip(names, values, strict=True))),
        namespace="keras",
    )


for _output_class in OUTPUT_CLASSES:
    _register(_output_class)
