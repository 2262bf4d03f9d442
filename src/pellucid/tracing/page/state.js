// What is chosen, and who is told of it.

import { attentionsOf } from "./weights.js";

export const page = JSON.parse(document.getElementById("data").textContent);

export const state = { sequence: 0, chosen: 0, token: 0, colour: "none", layer: 0, head: null };

const views = [];

// A view is called with the names of what changed.
export function watch(view) {
  views.push(view);
}

export function change(what) {
  const names = Object.keys(what).filter((name) => state[name] !== what[name]);
  if (!names.length) return;
  Object.assign(state, what);
  for (const view of views) view(new Set(names));
}

const decodedSequences = new Map();

export function sequence(at = state.sequence) {
  return page.sequences[at];
}

export function attentions(at = state.sequence) {
  if (!decodedSequences.has(at)) decodedSequences.set(at, attentionsOf(sequence(at).attentions));
  return decodedSequences.get(at);
}

const extents = new Map();

// The shortest and the longest vector of the sequence.
export function lengthsExtent() {
  if (!extents.has(state.sequence)) {
    let [low, high] = [Infinity, 0];
    for (const layer of sequence().norms) {
      for (const value of layer) {
        if (value === null) continue;
        low = Math.min(low, value);
        high = Math.max(high, value);
      }
    }
    extents.set(state.sequence, [Math.min(low, high), high]);
  }
  return extents.get(state.sequence);
}

// Where Python has the attentions of this sequence, layer by layer.
export function whereInPython() {
  return state.sequence === 0
    ? "trace.attentions"
    : `trace.looked_into(${state.sequence}, "attentions")["attentions"]`;
}

// The expression of Python that gives the weights that are shown.
export function expression(token) {
  const head = state.head === null ? ".mean(0)" : `[${state.head}]`;
  return `${whereInPython()}[${state.layer}]${head}[${token}]`;
}
