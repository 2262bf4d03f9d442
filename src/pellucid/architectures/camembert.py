"""CamemBERT: RoBERTa on French.

Source: Martin et al., 2019, https://arxiv.org/abs/1911.03894. Checked against `transformers` in
tests/parity/test_encoders.py.
"""

from __future__ import annotations

from pellucid.architectures.roberta import RobertaConfig, roberta_family


class CamembertConfig(RobertaConfig):
    """The config of a CamemBERT checkpoint; the defaults are those of `transformers`."""

    model_type = "camembert"
    defaults = {**RobertaConfig.defaults, "vocab_size": 30522}


FAMILY = roberta_family("camembert", "CamemBERT", "Camembert", CamembertConfig)
