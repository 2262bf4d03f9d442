// Attentions as tracing/page/weights.py wrote them: weights as 255ths of the strongest of their row.

function decoded(part, layers, heads, length) {
  if (!part) return null;
  const text = atob(part.bytes);
  const bytes = Uint8Array.from(text, (sign) => sign.charCodeAt(0));
  const rows = layers * heads * length;
  const view = new DataView(bytes.buffer);
  const isWhole = part.kept === length;
  const columns = 2 * rows;
  const weights = columns + (isWhole ? 0 : 2 * rows * part.kept);
  return {
    kept: part.kept,
    isWhole,
    // Pairs of place and weight, of a row.
    row(index) {
      const scale = view.getUint16(2 * index, true) / 65535 / 255;
      const found = [];
      for (let n = 0; n < part.kept; n += 1) {
        const cell = index * part.kept + n;
        const place = isWhole ? n : view.getUint16(columns + 2 * cell, true);
        found.push([place, bytes[weights + cell] * scale]);
      }
      return found;
    },
  };
}

// What a sequence's layers attend to; null where it has none.
export function attentionsOf(written) {
  if (!written || !(written.each || written.means)) return null;
  const { layers, heads, length } = written;
  const each = decoded(written.each, layers, heads, length);
  const means = decoded(written.means, layers, 1, length);
  function mean(layer, token) {
    if (means) return means.row(layer * length + token);
    const sums = new Float64Array(length);
    for (let head = 0; head < heads; head += 1) {
      for (const [place, weight] of each.row((layer * heads + head) * length + token)) sums[place] += weight / heads;
    }
    return Array.from(sums, (weight, place) => [place, weight]);
  }
  return {
    layers,
    heads,
    length,
    hasHeads: each !== null,
    hasMeans: means !== null || (each !== null && each.isWhole),
    keptInMean: means ? means.kept : length,
    keptInHead: each ? each.kept : 0,
    // How a token weighs the others, as pairs of place and weight; `head` is null for the mean.
    row(layer, head, token) {
      return head === null ? mean(layer, token) : each.row((layer * heads + head) * length + token);
    },
  };
}
