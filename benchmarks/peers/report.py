"""From the results of a run to the page, its tables and its charts.

    python report.py RESULTS.json FOLDER

Writes `results.json`, `results.md` and `results.svg` into FOLDER.
"""

from __future__ import annotations

import json
import statistics
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

KINDS = {
    "short": "short texts (27 tokens on average)",
    "mixed": "mixed lengths, a long tail up to 512 tokens",
    "long": "long texts",
}
AGREES = 0.995
DTYPES = ("float32", "bfloat16", "int8")
DEFAULT, BATCHES = "transformers 4.57 float32, as it comes", "transformers 4.57 float32, batches"


def median(values: Sequence[float]) -> float:
    """The median."""
    return statistics.median(values)


def dtype_of(name: str) -> str:
    """What a contestant computes in."""
    return next(dtype for dtype in DTYPES if dtype in name)


def is_ours(name: str) -> bool:
    """Whether it is Pellucid."""
    return name.startswith("Pellucid")


def fastest(times: Mapping[str, float], *, ours: bool, dtype: str | None = None, agreement: Any = None) -> str | None:
    """The quickest of ours or of the peers, in one precision or in any that agrees."""
    fitting = [
        name
        for name in times
        if is_ours(name) == ours
        and (dtype is None or dtype_of(name) == dtype)
        and (agreement is None or agreement.get(name, {}).get("agreement", 0) >= AGREES)
    ]
    return min(fitting, key=lambda name: times[name], default=None)


def ratios(part: Mapping[str, Any]) -> list[tuple[str, str]]:
    """What is asked first: how many times as fast, and as what."""
    times = {name: median(values) for name, values in part["seconds"].items()}
    own = times.get("Pellucid float32")
    lines = []
    for peer, words in ((DEFAULT, "`transformers` as it comes"), (BATCHES, "`transformers` in batches")):
        if own and peer in times:
            lines.append((f"float32 against {words}", f"{times[peer] / own:.2f}×"))
    peer_name = fastest(times, ours=False, dtype="float32")
    if own and peer_name:
        lines.append((f"float32 against the best float32 peer ({peer_name})", f"{times[peer_name] / own:.2f}×"))
    near = part["agreement"]
    pairs = {
        "best that agrees to 99.5 % ({}) against the fastest peer ({})": (near, None),
        "best that agrees to 99.5 % ({}) against the best peer that does ({})": (near, near),
        "fastest ({}) against the fastest peer ({})": (None, None),
    }
    told = set()
    for words, (own_bar, peers_bar) in pairs.items():
        best = fastest(times, ours=True, agreement=own_bar)
        peer_name = fastest(times, ours=False, agreement=peers_bar)
        if best and peer_name and (best, peer_name) not in told:
            told.add((best, peer_name))
            both = ((best, best.removeprefix("Pellucid ")), (peer_name, peer_name))
            names = (f"{shown}, {near[name]['agreement']:.1%}" if name in near else shown for name, shown in both)
            lines.append((words.format(*names), f"{times[peer_name] / times[best]:.2f}×"))
    return lines


def table(part: Mapping[str, Any], rates: Mapping[str, float]) -> list[str]:
    """All contestants on one kind of work, the fastest first."""
    lines = [
        "| | texts/s | spread | × Pellucid float32 | batch size | agreement | largest difference | of the ceiling |",
        "| --- | ---: | ---: | ---: | ---: | ---: | ---: | ---: |",
    ]
    times = {name: median(values) for name, values in part["seconds"].items()}
    own = times.get("Pellucid float32", min(times.values()))
    for name in sorted(times, key=lambda name: times[name]):
        values, near = part["seconds"][name], part["agreement"].get(name, {})
        spread = (max(values) - min(values)) / times[name]
        size = part["batch_size"].get(name, "")
        ceiling = part.get("products", 0) / (rates[dtype_of(name)] * 1e9) / times[name]
        shown = f"**{name}**" if is_ours(name) else name
        # Nothing is known of it where PyTorch was not asked.
        agreement = f"{near['agreement']:.2%} | {near['difference']:.4f}" if near else " | "
        lines.append(
            f"| {shown} | {part['texts'] / times[name]:.1f} | {spread:.0%} | {own / times[name]:.2f}× | {size} | "
            f"{agreement} | {ceiling:.2f} |"
        )
    return lines


def latency(found: Mapping[str, Any], results: Mapping[str, Any]) -> list[str]:
    """One text at a time, beside the floor: its products, or all weights read once, whichever takes longer."""
    each: Mapping[str, Sequence[float]] = found["one"]
    floors = {
        dtype: 1e3 * max(results["reading"][str(count)], found["one_products"] / (results["rates"][dtype] * 1e9))
        for dtype, count in found.get("weights", {}).items()
    }
    lines = ["| one short text | p50 ms | p99 ms |", "| --- | ---: | ---: |"]
    if floors:
        lines = [f"{line} {more} |" for line, more in zip(lines, ("floor ms", "---:"), strict=True)]
    for name in sorted(each, key=lambda name: median(each[name])):
        values = sorted(each[name])
        shown = f"**{name}**" if is_ours(name) else name
        floor = f" {floors[dtype_of(name)]:.2f} |" if floors else ""
        p99 = values[int(0.99 * (len(values) - 1))]
        lines.append(f"| {shown} | {1e3 * median(values):.2f} | {1e3 * p99:.2f} |{floor}")
    return lines


def page(results: Mapping[str, Any]) -> str:
    """All tables."""
    machine, rates = results["machine"], results["rates"]
    lines = [
        "# Pellucid beside every peer",
        "",
        "<!-- Written by benchmarks/peers/report.py. -->",
        "",
        f"{machine['cores']} cores of {machine['processor']} ({', '.join(machine['units'])}), Python "
        f"{machine['python']}, {results['threads']} threads; texts: {results['texts']}. All contestants are asked in "
        "turn in one run; medians. The spread is from the least to the largest time, as a part of the median. "
        "Agreement is with PyTorch in float32: the share of equal labels, or the mean cosine of vectors. The ceiling "
        "is the same matrix products at the best rate that was measured for the precision: "
        + ", ".join(f"{dtype} {rate:.0f} GFLOP/s" for dtype, rate in rates.items())
        + ".",
        "",
        *(
            f"- environment with transformers {name}: " + ", ".join(f"{lib} {v}" for lib, v in own.items())
            for name, own in results["versions"].items()
        ),
    ]
    for checkpoint, found in results["checkpoints"].items():
        lines += ["", f"## {checkpoint}"]
        for kind, words in KINDS.items():
            if kind in found:
                lines += [
                    "",
                    f"### {words}",
                    "",
                    *(f"- {what}: **{ratio}**" for what, ratio in ratios(found[kind])),
                    "",
                ]
                lines += table(found[kind], rates)
                if "compared" in found[kind]:
                    lines += ["", f"The agreement of bfloat16 and int8 is that of {found[kind]['compared']:,} texts."]
        lines += ["", "### One text at a time, and memory", "", *latency(found, results), ""]
        lines += ["| after the short texts | peak MiB |", "| --- | ---: |"]
        lines += [f"| {name} | {peak:.0f} |" for name, peak in sorted(found["peak"].items(), key=lambda one: one[1])]
    lines += others(results)
    if results["failed"]:
        lines += ["", "## Not measured", "", *(f"- {name}: {why}" for name, why in results["failed"].items())]
    return "\n".join(lines) + "\n"


def others(results: Mapping[str, Any]) -> list[str]:
    """Cold start, tokenisation, requests, growth."""
    lines: list[str] = []
    if "cold" in results:
        lines += ["", "## Cold start: process start to first answer, DistilBERT-base size", ""]
        lines += ["| | seconds | of which until loaded | peak MiB |", "| --- | ---: | ---: | ---: |"]
        for name, runs in sorted(results["cold"].items(), key=lambda one: median([run["seconds"] for run in one[1]])):
            seconds, loaded, peak = (median([run[key] for run in runs]) for key in ("seconds", "loaded", "peak"))
            lines.append(f"| {name} | {seconds:.2f} | {loaded:.2f} | {peak:.0f} |")
    if "tokenize" in results:
        lines += ["", "## Tokenising alone", "", "| | texts/s |", "| --- | ---: |"]
        lines += [f"| {name} | {results['tokenized'] / median(own):.0f} |" for name, own in results["tokenize"].items()]
    if "requests" in results:
        lines += ["", "## Threads, and several callers at once: short texts/s", ""]
        lines += ["| | a list | 1 caller | 2 callers | 4 callers |", "| --- | ---: | ---: | ---: | ---: |"]
        for name, own in results["requests"].items():
            cells = [own.get(what) for what in ("all at once", "1 callers", "2 callers", "4 callers")]
            lines.append(
                f"| {name} | " + " | ".join("" if cell is None else f"{median(cell):.1f}" for cell in cells) + " |"
            )
    if "growth" in results:
        lines += ["", f"## Growth: the builtin checkpoint in {results['growth'][0].get('dtype', 'bfloat16')}", ""]
        lines += ["| texts | microseconds a text | peak MiB |", "| ---: | ---: | ---: |"]
        for one in results["growth"]:
            lines.append(f"| {one['texts']:,} | {1e6 * one['seconds'] / one['texts']:.0f} | {one['peak']:.0f} |")
    return lines


def chart(results: Mapping[str, Any], target: Path) -> None:
    """Texts a second of everyone, by checkpoint and kind of work."""
    import matplotlib

    matplotlib.use("svg")
    from matplotlib import pyplot

    matplotlib.rcParams["svg.hashsalt"] = "pellucid"
    panels = [(name, kind) for name, found in results["checkpoints"].items() for kind in KINDS if kind in found]
    rows = [len(results["checkpoints"][name][kind]["seconds"]) for name, kind in panels]
    figure, axes = pyplot.subplots(len(panels), 1, figsize=(9, 0.27 * sum(rows) + 0.9 * len(panels)), squeeze=False,
                                   height_ratios=rows, layout="constrained")  # fmt: skip
    for axis, (name, kind) in zip(axes[:, 0], panels, strict=True):
        part = results["checkpoints"][name][kind]
        speeds = {one: part["texts"] / median(times) for one, times in part["seconds"].items()}
        order = sorted(speeds, key=lambda one: speeds[one])
        colours = ["#0b6e4f" if is_ours(one) else "#b8bec4" for one in order]
        bars = axis.barh(order, [speeds[one] for one in order], color=colours)
        axis.bar_label(bars, fmt=lambda rate: f"{rate:.0f}" if rate >= 10 else f"{rate:.1f}", padding=3, fontsize=8)
        axis.set_title(f"{name}: {KINDS[kind]}, texts a second", loc="left", fontsize=10)
        axis.tick_params(labelsize=8)
        axis.spines[["top", "right"]].set_visible(False)
        axis.margins(x=0.1)
    figure.savefig(target, metadata={"Date": None})


def main() -> None:
    """Write the page's parts."""
    source, folder = Path(sys.argv[1]), Path(sys.argv[2])
    results = json.loads(source.read_text(encoding="utf-8"))
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "results.json").write_text(json.dumps(results, indent=1) + "\n", encoding="utf-8")
    (folder / "results.md").write_text(page(results), encoding="utf-8")
    chart(results, folder / "results.svg")


if __name__ == "__main__":
    main()
