"""`pellucid inspect`: what a checkpoint is, and which heads it has."""

from __future__ import annotations

import argparse
from typing import Any

from pellucid.machine_readable import as_json

SUMMARY = "tell what a checkpoint is, and which heads it has"


def parser() -> argparse.ArgumentParser:
    """The sub-command's arguments."""
    command = argparse.ArgumentParser(
        prog="pellucid inspect",
        description="Tell what a checkpoint is: family, heads, parameters, precision, size, tokenizer, and what of its "
        "weights each head would not use or would miss. No weight is read. The exit status is 1 where its config "
        "cannot be computed, or its tokenizer does not fit.",
    )
    command.add_argument("checkpoint", metavar="CHECKPOINT", help="a folder, a repository on the Hub, or builtin")
    command.add_argument("--revision", metavar="R", help="branch, tag or commit on the Hub")
    command.add_argument("--json", action="store_true", help="print one JSON object")
    return command


def execute(given: argparse.Namespace) -> int:
    """Run the sub-command."""
    from pellucid import inspect_checkpoint

    found = inspect_checkpoint(given.checkpoint, revision=given.revision)
    if given.json:
        print(as_json(found.to_dict(), indent=2))
    else:
        print("\n".join(_described(found)))
    return 1 if found.problem else 0


def _described(found: Any) -> list[str]:
    config = found.config
    counts = sorted(found.dtypes.items(), key=lambda pair: -pair[1])
    precision = ", ".join(f"{dtype} ({count} tensors)" for dtype, count in counts)
    rows = [
        ("checkpoint", found.name + (f" at {found.commit}" if found.commit else "")),
        ("family", found.family),
        ("made as", ", ".join(config.architectures or ["unknown"])),
        ("parameters", f"{found.parameters:,}" if counts else "not fetched"),
        ("stored", f"{found.size / 1e6:,.1f} MB in {precision}" if counts else "not fetched"),
        (
            "size",
            f"{config.num_hidden_layers} layers of {config.hidden_size}, {config.num_attention_heads} heads",
        ),
        ("texts", f"{config.vocab_size:,} token ids, at most {config.max_position_embeddings} tokens"),
        ("tokenizer", f"{found.tokenizer}, {found.tokens:,} tokens" if found.tokenizer else "none"),
        ("labels", ", ".join(f"{number} {label}" for number, label in config.id2label.items())),
    ]
    if config.unread:
        rows.append(("not read", ", ".join(sorted(config.unread))))
    rows += [("problem", problem) for problem in found.problems]
    lines = [f"{name:<12}{value}" for name, value in rows]
    complete = [head for head in found.heads if head not in found.untrained]
    for head in complete or found.heads:
        report = found.heads[head]
        facts = report.to_dict()
        lines += ["", f"head {head} ({report.model}): {'complete' if head in complete else 'incomplete'}"]
        lines += [f"  missing      {name}" for name in facts["missing"]]
        lines += [f"  wrong shape  {wrong}" for wrong in report.wrong_shape]
        lines += [f"  not used     {name}" for name in facts["unused"]]
    if complete and found.untrained:
        lines += ["", f"heads without weights of their own: {', '.join(found.untrained)}"]
    return lines
