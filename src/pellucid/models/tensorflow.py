"""The TensorFlow classes of `transformers` 4: `TFBertModel`, `TFBertForSequenceClassification` and their kin.

They compute on the engine "tensorflow", answer with its tensors, and report the weights in the words that the course's
notebooks show.
"""

from __future__ import annotations

import re
from typing import Any

from pellucid.checkpoints.report import LoadingReport
from pellucid.config import Config
from pellucid.errors import InputError
from pellucid.models.arguments import LoadingArguments
from pellucid.models.base import PreTrainedModel

PRETRAINING_HEADS = re.compile(r"cls\.(predictions|seq_relationship)\.")


class TFPreTrainedModel(PreTrainedModel):
    """A checkpoint's encoder and head on TensorFlow; called with tensors, arrays, lists or a `BatchEncoding`.

    Args:
        config: of the class's family; the weights are random, and the same for the same seed.
        dtype: the precision to compute in.
        seed: of the random weights.
    """

    usual_kind = "tf"
    output_prefix = "TF"

    def __new__(cls, *arguments: Any, **named: Any) -> Any:
        """An object of this very class, whatever else is installed."""
        return object.__new__(cls)

    def __init__(self, config: Config, *, dtype: Any = "float32", seed: int = 0) -> None:
        super().__init__(config, engine="tensorflow", dtype=dtype, seed=seed)

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
        name = cls.__name__
        # A head is put in the place of those of pretraining, which then are not missed.
        unused = [key for key in report.unused if cls.head == "base" or not PRETRAINING_HEADS.match(key)]
        if unused:
            used = (
                f"Some weights of the PyTorch model were not used when initializing the TF 2.0 model {name}: "
                f"{unused}\n"
                f"- This IS expected if you are initializing {name} from a PyTorch model trained on another task or "
                "with another architecture (e.g. initializing a TFBertForSequenceClassification model from a "
                "BertForPreTraining model).\n"
                f"- This IS NOT expected if you are initializing {name} from a PyTorch model that you expect to be "
                "exactly identical (e.g. initializing a TFBertForSequenceClassification model from a "
                "BertForSequenceClassification model)."
            )
        else:
            used = f"All PyTorch model weights were used when initializing {name}.\n"
        if report.newly_initialised:
            new = (
                f"Some weights or buffers of the TF 2.0 model {name} were not initialized from the PyTorch model and "
                f"are newly initialized: {report.newly_initialised}\n"
                "You should probably TRAIN this model on a down-stream task to be able to use it for predictions and "
                "inference."
            )
        else:
            new = (
                f"All the weights of {name} were initialized from the PyTorch model.\n"
                "If your task is similar to the task the model of the checkpoint was trained on, you can already use "
                f"{name} for predictions without further training."
            )
        return f"{used}\n{new}"
