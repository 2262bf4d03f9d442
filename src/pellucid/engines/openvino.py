"""The default engine on CPUs: OpenVINO, and kernels of our own where they are faster.

OpenVINO is imported when it first computes: its import takes longer than the first answer of a small model.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping

from pellucid.engines import kernels
from pellucid.engines.int8 import Roundings
from pellucid.engines.program import Forward, Program
from pellucid.weights import Tensor


def build(
    forward: Forward,
    parameters: Mapping[str, Tensor],
    *,
    dtype: str = "float32",
    taps: Collection[str] = (),
    device: str = "cpu",
    roundings: Roundings | None = None,
) -> Program:
    """Join a forward function to its weights.

    Args:
        forward: the architecture with its config and head.
        parameters: the checkpoint's tensors, by canonical name.
        dtype: the precision to compute in.
        taps: what else to keep: "hidden_states", "attentions".
        device: "cpu".
        roundings: of the inputs of linear maps that are computed in int8, where that is the precision.
    """

    def graph() -> Program:
        from pellucid.engines.openvino_program import OpenvinoProgram

        return OpenvinoProgram(forward, parameters, dtype, taps, roundings or {})

    return graph() if taps else kernels.build(forward, parameters, dtype, roundings or {}, graph)
