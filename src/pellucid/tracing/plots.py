"""Pictures of a trace: attention, lengths, probabilities, norms, and tokens in two dimensions."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from pellucid.errors import InputError
from pellucid.tracing.figures import axes_for, inches_of, labelled, new_figure, written
from pellucid.tracing.projection import named_apart, projected

if TYPE_CHECKING:
    from pellucid.tracing.parts import Token
    from pellucid.tracing.trace import Trace

DARK_IS_MORE = "Blues"
"""From white to dark of one colour: read alike by eyes of every kind, and in grey."""

MOST_OF_IT = 0.995
"""The part of the weights that the colours of attention tell apart; the few above are as dark as they can be."""

BAR = "#2b7bba"

TICKS_AND_BAR = 1.9
"""Inches around a map."""

MOST_BARS = 40
"""How many labels are drawn, the likeliest first."""

THUMBNAIL = 40
"""Cells along a side of one head's map, where all heads are drawn."""


def plotted(trace: Trace, kind: str, layer: Any, head: Any, sequence: int, ax: Any) -> Any:
    """One picture of a trace; see `Trace.plot`."""
    if kind not in KINDS:
        raise InputError(f"`kind={kind!r}` is not one of {', '.join(KINDS)}.", name="kind")
    if type(sequence) is not int or not 0 <= sequence < len(trace.sequences):
        raise InputError(
            f"`sequence={sequence!r}` must be a whole number from 0 to {len(trace.sequences) - 1}: the trace has "
            f"{len(trace.sequences)}.",
            name="sequence",
        )
    if kind != "attention" and head is not None:
        raise InputError(f"`head` means nothing to {kind!r}. Leave it out.", name="head")
    if kind not in ("attention", "projection") and layer is not None:
        raise InputError(f"`layer` means nothing to {kind!r}. Leave it out.", name="layer")
    return KINDS[kind](trace, layer, head, sequence, ax)


def _checked(name: str, value: Any, count: int, first: str) -> int:
    """A layer or a head by its number, counted from the end where it is below 0."""
    if type(value) is not int or not -count <= value < count:
        raise InputError(
            f"`{name}={value!r}` must be a whole number from 0 to {count - 1}, or from -{count} to -1 counted from the "
            f"end; {first}.",
            name=name,
        )
    return value % count


def _attention(trace: Trace, layer: Any, head: Any, sequence: int, ax: Any) -> Any:
    """Each token's row says how it weighs the others; all layers and heads where one of them is "all"."""
    maps = trace.attentions_of(sequence)
    if not maps:
        raise InputError("The model has no layer, so nothing attends. Plot another kind.", name="kind")
    if "all" in (layer, head):
        return _all_heads(maps, layer, head, ax)
    number = _checked("layer", -1 if layer is None else layer, len(maps), "or 'all'")
    heads = maps[number]
    if head is None or head == "mean":
        shown, which = heads.mean(axis=0), f"the mean of {len(heads)} heads"
    else:
        place = _checked("head", head, len(heads), "or 'mean', or 'all'")
        shown, which = heads[place], f"head {place}"
    names = [one.token for one in trace.sequences[sequence].tokens]
    side = min(9.0, max(3.4, TICKS_AND_BAR + 0.2 * len(names)))
    ax = axes_for(ax, side + 0.5, side)
    highest = max(float(np.quantile(shown, MOST_OF_IT)), 1e-12)
    image = ax.imshow(shown, cmap=DARK_IS_MORE, vmin=0, vmax=highest, interpolation="nearest", aspect="auto")
    width, height = inches_of(ax)
    labelled(ax.xaxis, names, width, rotation=90)
    labelled(ax.yaxis, names, height)
    ax.set_xlabel("looks at")
    ax.set_ylabel("token")
    ax.set_title(f"attention of layer {number}, {which}", fontsize=10)
    ax.figure.colorbar(image, ax=ax, label="weight; each row sums to 1", extend="max")
    return ax.figure


def _all_heads(maps: list[Any], layer: Any, head: Any, ax: Any) -> Any:
    """A small map for each head, layers from above to below; each has its own scale."""
    layers = list(range(len(maps)))
    if layer is not None and layer != "all":
        layers = [_checked("layer", layer, len(maps), "or 'all'")]
    count = maps[0].shape[0]
    heads: list[int | None] = list(range(count))
    if head == "mean":
        heads = [None]
    elif head is not None and head != "all":
        heads = [_checked("head", head, count, "or 'mean', or 'all'")]
    tiles = [[_thumbnail(maps[n].mean(0) if one is None else maps[n][one]) for one in heads] for n in layers]
    size = tiles[0][0].shape[0]
    mosaic = np.full((len(layers) * (size + 1) - 1, len(heads) * (size + 1) - 1), np.nan)
    for row, own in enumerate(tiles):
        for column, tile in enumerate(own):
            top, left = row * (size + 1), column * (size + 1)
            mosaic[top : top + size, left : left + size] = tile / max(float(tile.max()), 1e-12)
    cell = max(0.35, min(1.6, 8.0 / max(len(layers), len(heads))))
    ax = axes_for(ax, cell * len(heads) + 1.2, cell * len(layers) + 1.0)
    image = ax.imshow(mosaic, cmap=DARK_IS_MORE, vmin=0, vmax=1, interpolation="nearest", aspect="auto")
    image.set_cmap(image.get_cmap().with_extremes(bad="#b0b0b0"))  # between the maps
    middles = [number * (size + 1) + (size - 1) / 2 for number in range(max(len(layers), len(heads)))]
    ax.set_xticks(middles[: len(heads)], ["mean" if one is None else str(one) for one in heads], fontsize=7.5)
    ax.set_yticks(middles[: len(layers)], [str(one) for one in layers], fontsize=7.5)
    ax.tick_params(length=0)
    for side in ax.spines.values():
        side.set_visible(False)
    ax.set_xlabel("head")
    ax.set_ylabel("layer")
    ax.set_title("attention: a row for each token, dark where it looks", fontsize=10)
    return ax.figure


def _thumbnail(weights: Any) -> Any:
    """A map of at most so many cells a side: of each block of tokens the largest weight, so that no line is lost."""
    length = weights.shape[0]
    if length <= THUMBNAIL:
        return weights
    edges = np.linspace(0, length, THUMBNAIL + 1).astype(int)[:-1]
    return np.maximum.reduceat(np.maximum.reduceat(weights, edges, axis=0), edges, axis=1)


def _token_lengths(trace: Trace, layer: Any, head: Any, sequence: int, ax: Any) -> Any:
    """How many tokens have so many characters; and how many tokens each sequence has, where there are several."""
    own: list[Token] = [one for one in trace.sequences[sequence].tokens if not one.is_special]
    lengths = np.array([one.end - one.start for one in own], int)
    is_alone = ax is not None or len(trace.sequences) == 1
    if is_alone:
        first, second = axes_for(ax, 5.5, 3.2), None
    else:
        first, second = new_figure(9.5, 3.2).subplots(1, 2)
    counts = np.bincount(lengths, minlength=2)
    first.bar(range(len(counts)), counts, color=BAR)
    mean = f", {lengths.mean():.1f} characters in the mean" if len(lengths) else ""
    first.set_title(f"{_count(len(own), 'token')} of the text{mean}", fontsize=10)
    first.set_xlabel("characters of the text that a token stands for")
    first.set_ylabel("tokens")
    _in_whole_numbers(first)
    if second is not None:
        sizes = [len(one.tokens) for one in trace.sequences]
        second.bar(range(len(sizes)), sizes, color=BAR, width=0.8 if len(sizes) <= 60 else 1.0)
        second.set_title(f"{len(sizes)} sequences, {sum(sizes):,} tokens", fontsize=10)
        second.set_xlabel("sequence")
        second.set_ylabel("tokens, special ones included")
        _in_whole_numbers(second)
    return first.figure


def _in_whole_numbers(ax: Any) -> None:
    for axis in (ax.xaxis, ax.yaxis):
        axis.get_major_locator().set_params(integer=True)


def _count(number: int, word: str) -> str:
    return f"{number:,} {word}{'' if number == 1 else 's'}"


def _probabilities(trace: Trace, layer: Any, head: Any, sequence: int, ax: Any) -> Any:
    """A bar for each label, the likeliest above."""
    found = trace.probabilities
    if found is None or np.ndim(found) != 1:
        raise InputError(
            f"A trace of {trace.task!r} has no probabilities of labels. Plot another kind: "
            f"{', '.join(kind for kind in KINDS if kind != 'probabilities')}.",
            name="kind",
        )
    if sequence:
        raise InputError("A trace keeps the probabilities of the first sequence alone. Leave `sequence` out.")
    names = list(trace.labels) if len(trace.labels) == len(found) else [f"label {n}" for n in range(len(found))]
    order = np.argsort(-found, kind="stable")[:MOST_BARS]
    ax = axes_for(ax, 6.5, 1.0 + 0.24 * len(order))
    ax.barh(range(len(order)), found[order], color=BAR)
    for place, number in enumerate(order):
        ax.text(float(found[number]), place, f" {found[number]:.3f}", va="center", fontsize=8)
    _, height = inches_of(ax)
    labelled(ax.yaxis, [names[number] for number in order], height, columns=32, size=8.5)
    ax.set_ylim(len(order) - 0.4, -0.6)
    ax.set_xlim(0, 1.12)
    ax.set_xticks([0, 0.25, 0.5, 0.75, 1])
    left = len(found) - len(order)
    ax.set_title("probabilities" + (f", and {_count(left, 'label')} more" if left else ""), fontsize=10)
    for side in ("top", "right"):
        ax.spines[side].set_visible(False)
    return ax.figure


def _norms(trace: Trace, layer: Any, head: Any, sequence: int, ax: Any) -> Any:
    """The length of each token's vector: a row for the embeddings and for each layer."""
    rows = trace.rows_of(sequence)
    norms = np.array([layer_norms[rows] for layer_norms in trace.norms])
    names = [one.token for one in trace.sequences[sequence].tokens]
    ax = axes_for(ax, min(12.0, max(4.5, TICKS_AND_BAR + 0.2 * len(names))), min(9.0, max(2.6, 1.7 + 0.2 * len(norms))))
    image = ax.imshow(norms, cmap=DARK_IS_MORE, vmin=0, interpolation="nearest", aspect="auto")
    width, height = inches_of(ax)
    labelled(ax.xaxis, names, width, rotation=90)
    labelled(ax.yaxis, ["embeddings", *(f"layer {n}" for n in range(len(norms) - 1))], height)
    ax.set_title("length of the hidden states' vectors", fontsize=10)
    ax.figure.colorbar(image, ax=ax)
    return ax.figure


def _projection(trace: Trace, layer: Any, head: Any, sequence: int, ax: Any) -> Any:
    """The tokens in the two directions in which their vectors differ most."""
    states = trace.hidden_states
    number = _checked("layer", -1 if layer is None else layer, len(states), "0 is the embeddings")
    tokens = trace.sequences[sequence].tokens
    points, shares = projected(states[number][trace.rows_of(sequence)])
    ax = axes_for(ax, 7.2, 5.6)
    is_special = np.array([one.is_special for one in tokens])
    for chosen, mark, what in ((~is_special, "o", "of the text"), (is_special, "s", "special")):
        if chosen.any():
            shades = np.flatnonzero(chosen)
            ax.scatter(
                *points[chosen].T, s=28, c=shades, cmap="viridis", vmin=0, vmax=max(len(tokens) - 1, 1), marker=mark,
                label=what, edgecolors="#444444", linewidths=0.5,
            )  # fmt: skip
    ax.margins(0.12)
    width, height = inches_of(ax)
    for place in named_apart(points, [one.token for one in tokens], width, height):
        label = written(tokens[place].token, 16)
        ax.annotate(label.pop("s"), points[place], xytext=(4, 3), textcoords="offset points", fontsize=8, **label)
    ax.set_xlabel(f"first direction, {shares[0]:.1%} of the variance")
    ax.set_ylabel(f"second direction, {shares[1]:.1%}")
    where = "the embeddings" if number == 0 else f"layer {number - 1}"
    ax.set_title(f"tokens behind {where}, from dark (first) to light (last)", fontsize=10)
    ax.legend(fontsize=8, loc="best")
    return ax.figure


KINDS = {
    "attention": _attention,
    "token_lengths": _token_lengths,
    "probabilities": _probabilities,
    "norms": _norms,
    "projection": _projection,
}
