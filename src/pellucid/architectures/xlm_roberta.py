"""XLM-RoBERTa: RoBERTa on a hundred languages.

Source: Conneau et al., 2019, https://arxiv.org/abs/1911.02116. Checked against `transformers` in
tests/parity/test_encoders.py.
"""

from __future__ import annotations

from pellucid.architectures.roberta import RobertaConfig, roberta_family


class XLMRobertaConfig(RobertaConfig):
    """The config of an XLM-RoBERTa checkpoint; the defaults are those of `transformers`."""

    model_type = "xlm-roberta"
    defaults = {**RobertaConfig.defaults, "vocab_size": 30522}


FAMILY = roberta_family("xlm-roberta", "XLM-RoBERTa", "XLMRoberta", XLMRobertaConfig)
