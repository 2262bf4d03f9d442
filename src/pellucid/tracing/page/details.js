// All that is known of one token.

import { bar, element, isolated, number, weight } from "./dom.js";
import { attentions, expression, lengthsExtent, sequence, state, watch } from "./state.js";

const STRONGEST = 8;

export function showDetails(place) {
  const panel = element("aside", { class: "details", role: "region", "aria-label": "the token that is looked at" });
  place.append(panel);
  function show() {
    const own = sequence();
    const at = state.token;
    panel.replaceChildren(
      element("p", { class: "which" }, `token ${at} of ${own.tokens.length}`),
      element("h2", { class: "name" }, isolated(own.tokens[at] || " ")),
      facts(own, at),
      ...chosen(own, at),
      ...looks(own, at),
      ...lengths(own, at),
    );
  }
  watch(show);
  show();
}

function facts(own, at) {
  const list = element("dl", {});
  const add = (name, ...value) => list.append(element("dt", {}, name), element("dd", {}, ...value));
  add("id", String(own.ids[at]));
  const span = own.spans[at];
  if (span) add("characters", `${span[0]}–${span[1]} `, isolated(own.pieces[at], "q"));
  if (own.words[at] !== null) add("word", String(own.words[at]));
  if (own.types.some((type) => type !== own.types[0])) add("type", String(own.types[at]));
  if (own.notes[at]) add("note", own.notes[at]);
  for (const [name, values] of Object.entries(own.values)) add(name.replaceAll("_", " "), number(values[at]));
  if (own.contributions) {
    const most = Math.max(...own.contributions.map(Math.abs), 1e-12);
    const value = own.contributions[at];
    const beside = element("span", { class: "beside" }, bar(value / most, true), element("span", {}, number(value, 4)));
    add("contribution", beside);
  }
  return list;
}

function chosen(own, at) {
  const found = own.choices.find((choice) => choice.place === at);
  if (!found) return [];
  const list = element("ol", { class: "bars" });
  for (const [name, , share] of found.best) list.append(line(isolated(name), share ?? 0, number(share)));
  return [element("h3", {}, "chosen for it, with probability"), list];
}

function line(name, share, words) {
  return element("li", {}, name, bar(share), element("span", { class: "number" }, words));
}

function looks(own, at) {
  const found = attentions();
  if (!found) return [];
  const row = found.row(state.layer, state.head, at);
  const best = [...row].sort((one, other) => other[1] - one[1]).slice(0, STRONGEST);
  const most = Math.max(best[0][1], 1e-9);
  const list = element("ol", { class: "bars" });
  for (const [place, value] of best) {
    const name = element("span", {}, isolated(own.tokens[place] || " "), element("small", {}, ` ${place}`));
    list.append(line(name, value / most, weight(value)));
  }
  const rest = Math.max(1 - best.reduce((sum, [, value]) => sum + value, 0), 0);
  const others = found.length - best.length;
  const head = state.head === null ? "mean of all heads" : `head ${state.head}`;
  return [
    element("h3", {}, `looks at, in layer ${state.layer}, ${head}`),
    list,
    others ? element("p", { class: "rest" }, `${number(rest)} on ${others === 1 ? "the other one" : `the ${others} others`}`) : null,
    element("code", { class: "python" }, expression(at)),
  ].filter((part) => part !== null);
}

function lengths(own, at) {
  if (!own.norms) return [];
  const values = own.norms.map((layer) => layer[at]);
  const most = Math.max(lengthsExtent()[1], 1e-9);
  const list = element("ol", { class: "columns" });
  values.forEach((value, n) => {
    const name = n === 0 ? "embeddings" : `layer ${n - 1}`;
    const item = element("li", { title: `${name}: ${number(value, 2)}` });
    item.style.setProperty("--share", `${Math.round((100 * (value ?? 0)) / most)}%`);
    item.append(element("span", { class: "hidden" }, `${name}: ${number(value, 2)}`));
    list.append(item);
  });
  const last = values.length - 1;
  const words = `${number(values[0], 2)} as an embedding, ${number(values[last], 2)} after layer ${last - 1}`;
  return [element("h3", {}, "length of its vector, by layer"), list, element("p", { class: "rest" }, words)];
}
