"""What is said of the weights of a TensorFlow model after loading, word for word as the course's notebooks show it."""

from __future__ import annotations

import re

from pellucid.checkpoints.report import LoadingReport

PRETRAINING_HEADS = re.compile(r"cls\.(predictions|seq_relationship)\.")


def words_of(report: LoadingReport, name: str, has_head: bool) -> str:
    """Which weights were not used, and which are new, as `transformers` 4 says it.

    Args:
        report: of the loading.
        name: the model's class.
        has_head: whether the model has one, which is put in the place of those of pretraining: these are not missed.
    """
    unused = [key for key in report.unused if not (has_head and PRETRAINING_HEADS.match(key))]
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
