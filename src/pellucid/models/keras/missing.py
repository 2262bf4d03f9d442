"""What stands for the TensorFlow classes where TensorFlow is not installed: it can be imported, and says what to do."""

from __future__ import annotations

import os
from typing import Any

from pellucid.engines import load_engine
from pellucid.models.pretrained import Pretrained


class TFPreTrainedModel(Pretrained):
    """Not to be had without TensorFlow."""

    def __init__(self, *arguments: Any, **named: Any) -> None:
        load_engine("tensorflow")

    @classmethod
    def from_pretrained(cls, pretrained_model_name_or_path: str | os.PathLike[str], **arguments: Any) -> Any:
        """Nothing is loaded.

        Raises:
            EngineNotInstalledError: always.
        """
        load_engine("tensorflow")
