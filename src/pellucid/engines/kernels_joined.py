"""Steps that are done while the numbers are at hand, such as what follows a product in its kernel."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from dataclasses import replace

from pellucid.engines.kernels_library import FUNCTIONS, LANES
from pellucid.engines.kernels_ops import Step, Value

EXACT, ROUGH = FUNCTIONS.index("gelu_erf"), FUNCTIONS.index("gelu_roughly")


def joined(steps: Iterable[Step], results: Iterable[Value]) -> list[Step]:
    """The same program in fewer steps.

    An activation is done by the product whose outputs nothing else reads, and a sum that only a norm reads by the norm.
    Laying out for the next product is done by the product or attention whose outputs nothing else reads, and by a norm
    beside its outputs.

    Args:
        steps: in the order in which they are computed.
        results: what is read afterwards.
    """
    steps = list(steps)
    reads = Counter(value for step in steps for value in step.inputs)
    reads.update(results)
    kept: dict[Value, Step] = {}
    for step in steps:
        before = kept.get(step.inputs[0]) if step.inputs else None
        if before is not None and step.kind == "pack" and before.kind == "layer_norm" and before.packed is None:
            settings = {**before.settings, **step.settings}
            kept[before.output] = replace(before, packed=step.output, settings=settings, factors=step.factors)
            continue
        if before is not None and reads[before.output] == 1 and (both := _both(before, step)) is not None:
            del kept[before.output]
            step = both
        kept[step.output] = step
    return list(kept.values())


def _both(before: Step, step: Step) -> Step | None:
    """One step that does two; None where no kernel does."""
    # A vector of attention must not reach into the next head, which another thread may compute.
    is_whole = before.kind == "attention" and before.output.columns // before.settings["inner"] % LANES == 0
    done_by = {"activation": before.kind == "product", "pack": before.kind == "product" or is_whole}
    if done_by.get(step.kind):
        settings = {**before.settings, **step.settings}
        if step.kind == "pack" and step.output.packed != "float32" and settings.get("function") == EXACT:
            # Rounding hides the difference.
            settings["function"] = ROUGH
        return replace(before, output=step.output, settings=settings, factors=step.factors)
    if before.kind == "add" and step.kind == "layer_norm" and len(before.inputs) == 2:
        return replace(step, inputs=before.inputs)
    return None
