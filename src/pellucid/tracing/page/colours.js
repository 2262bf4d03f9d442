// Series by which tokens are coloured: a number for each, and how they are read.

import { attentions, page, sequence, state, whereInPython } from "./state.js";
import { number, weight } from "./dom.js";

// The names that can be chosen for a sequence, with their words.
export function colourings(at = state.sequence) {
  const found = [["none", "nothing"]];
  if (sequence(at).contributions) found.unshift(["contribution", "contribution"]);
  if (attentions(at)) found.unshift(["attention", "attention"]);
  if (sequence(at).norms) found.push(["norm", "length of its vector"]);
  for (const name of Object.keys(sequence(at).values)) found.push([`value:${name}`, name.replaceAll("_", " ")]);
  return found;
}

export function usualColouring(at = state.sequence) {
  const names = colourings(at).map(([name]) => name);
  return names.includes("contribution") ? "contribution" : names[0];
}

// Shares −1 to 1 for each token, null where nothing is known, and what they mean.
export function coloured() {
  if (state.colour === "attention") {
    const shares = new Array(sequence().tokens.length).fill(null);
    const row = attentions().row(state.layer, state.head, state.token);
    const most = Math.max(...row.map(([, value]) => value), 1e-9);
    for (const [place, value] of row) shares[place] = value / most;
    return { shares, low: "0", high: weight(most), words: "attention" };
  }
  if (state.colour === "contribution") {
    const values = sequence().contributions;
    const most = Math.max(...values.map(Math.abs), 1e-12);
    return {
      shares: values.map((value) => value / most),
      low: number(-most), high: number(most), isSigned: true, words: "against the answer, and for it",
    };
  }
  if (state.colour === "norm") return between(sequence().norms[state.layer + 1], `length after layer ${state.layer}`);
  if (state.colour.startsWith("value:")) {
    const name = state.colour.slice("value:".length);
    return between(sequence().values[name], name.replaceAll("_", " "));
  }
  return { shares: sequence().tokens.map(() => null) };
}

function between(values, words) {
  const known = values.filter((value) => value !== null);
  const low = Math.min(...known);
  const high = Math.max(...known);
  const shares = values.map((value) => (value === null ? null : high > low ? (value - low) / (high - low) : 0));
  return { shares, low: number(low, 2), high: number(high, 2), words };
}

// What of the attentions is not on the page.
export function leftOut() {
  const found = attentions();
  const asked = sequence().attentions;
  if (!asked) return "";
  if (!found) {
    return `Attentions would make this page too large, and are left out. They are in ${whereInPython()}.`;
  }
  const parts = [];
  if (found.hasMeans && found.keptInMean < found.length) {
    parts.push(`of the mean over heads the ${found.keptInMean} strongest weights of each token`);
  }
  if (!found.hasHeads) parts.push("no single head");
  else if (found.keptInHead < found.length) {
    parts.push(`of each head the ${found.keptInHead} strongest weights of each token`);
  }
  if (!parts.length) return "";
  return `So that the page stays small, it holds ${parts.join(", and ")}. All are in ${whereInPython()}.`;
}

export const isMany = page.sequences.length > 1;
