// The tokens in a row: one of them is looked at, by pointer, by touch or by keys.

import { colourings, coloured, isMany, leftOut, usualColouring } from "./colours.js";
import { element, field, isolated } from "./dom.js";
import { attentions, change, page, sequence, state, watch } from "./state.js";

let options = [];

export function showStrip(place) {
  const controls = element("div", { class: "controls" });
  const legend = element("p", { class: "legend" });
  const list = element("div", {
    class: "strip", role: "listbox", "aria-label": "tokens in their order", "aria-orientation": "horizontal",
    onkeydown: pressed, onpointerleave: () => change({ token: state.chosen }),
  });
  const note = element("p", { class: "note" });
  place.append(controls, list, legend, note);

  function build() {
    const { tokens, pieces, words, ids, spans, choices } = sequence();
    const named = new Map(choices.map(({ place: at, best }) => [at, best[0][0]]));
    options = tokens.map((token, at) => {
      const isOfOneWord = (one, other) => words[one] !== null && words[one] === words[other];
      const kinds = ["token"];
      if (isOfOneWord(at, at - 1)) kinds.push("joins");
      if (isOfOneWord(at, at + 1)) kinds.push("joined");
      if (!spans[at]) kinds.push("special");
      const span = spans[at] ? `, characters ${spans[at][0]} to ${spans[at][1]}` : "";
      const chosen = named.has(at) && named.get(at) !== "O" ? named.get(at) : null;
      return element(
        "div",
        {
          class: kinds.join(" "), role: "option", tabindex: -1,
          "data-place": at, "aria-selected": "false",
          "aria-label": `${token}, id ${ids[at]}${span}${chosen === null ? "" : `, ${chosen}`}`,
          onfocus: () => change({ chosen: at, token: at }),
          onclick: () => options[at].focus(),
          onpointerenter: (event) => event.pointerType === "mouse" && change({ token: at }),
        },
        isolated(token || " "),
        isHidden(token, pieces[at]) ? isolated(pieces[at], "small") : null,
        chosen === null ? null : isolated(chosen, "small"),
      );
    });
    list.replaceChildren(...options);
  }

  function controlled() {
    const parts = [];
    if (isMany) {
      const titles = page.sequences.map((one, n) => [n, `${n}: ${one.title || "no text"}`]);
      parts.push(field("sequence", titles, state.sequence, (value) => choose(Number(value))));
    }
    parts.push(field("colour by", colourings(), state.colour, (value) => change({ colour: value })));
    const found = attentions();
    const layers = found ? found.layers : sequence().norms ? sequence().norms.length - 1 : 0;
    if (state.colour === "attention" || state.colour === "norm") {
      const each = Array.from({ length: layers }, (_, n) => [n, String(n)]);
      parts.push(field("layer", each, state.layer, (value) => change({ layer: Number(value) })));
    }
    if (state.colour === "attention") {
      const heads = found.hasMeans ? [["mean", "mean of all"]] : [];
      for (let n = 0; found.hasHeads && n < found.heads; n += 1) heads.push([n, String(n)]);
      const value = state.head === null ? "mean" : state.head;
      parts.push(field("head", heads, value, (one) => change({ head: one === "mean" ? null : Number(one) })));
    }
    // The one that has the focus goes on to have it.
    const at = [...controls.querySelectorAll("select")].indexOf(document.activeElement);
    controls.replaceChildren(...parts);
    if (at >= 0) controls.querySelectorAll("select")[at]?.focus();
  }

  function paint() {
    const { shares, low, high, isSigned, words } = coloured();
    shares.forEach((share, at) => {
      options[at].style.setProperty("--share", `${(100 * Math.abs(share ?? 0)).toFixed(1)}%`);
      options[at].classList.toggle("against", share !== null && share < 0);
    });
    legend.replaceChildren();
    if (words) {
      const scale = element("span", { class: isSigned ? "scale signed" : "scale", "aria-hidden": "true" });
      const token = isolated(sequence().tokens[state.token] || " ", "q");
      const told = state.colour === "attention" ? ["how much ", token, " looks at each"] : [words];
      legend.append(element("span", {}, low), scale, element("span", {}, high), element("span", {}, ...told));
    }
    note.textContent = state.colour === "attention" || !attentions() ? leftOut() : "";
    note.hidden = !note.textContent;
  }

  function mark() {
    options.forEach((option, at) => {
      option.classList.toggle("looked", at === state.token);
      option.setAttribute("aria-selected", String(at === state.chosen));
      option.tabIndex = at === state.chosen ? 0 : -1;
    });
  }

  watch((names) => {
    if (names.has("sequence")) build();
    if (["sequence", "colour", "layer", "head"].some((name) => names.has(name))) controlled();
    if (!(names.size === 1 && names.has("chosen"))) paint();
    mark();
  });
  build();
  controlled();
  paint();
  mark();
}

// Another sequence, with what it can be coloured by.
function choose(at) {
  const isThere = colourings(at).some(([name]) => name === state.colour);
  const found = attentions(at);
  const canKeep = found && (state.head === null ? found.hasMeans : found.hasHeads);
  const head = canKeep ? state.head : found && !found.hasMeans ? 0 : null;
  const first = Math.max(sequence(at).spans.findIndex((span) => span !== null), 0);
  change({ sequence: at, chosen: first, token: first, head, colour: isThere ? state.colour : usualColouring(at) });
}

// Whether a token does not show what it stands for: an unknown one, or bytes.
function isHidden(token, piece) {
  return piece.trim() !== "" && !token.toLowerCase().includes(piece.trim().toLowerCase());
}

// The token above or below, by where they lie on the screen.
function besides(at, isBelow) {
  const own = options[at].getBoundingClientRect();
  const middle = own.left + own.width / 2;
  let best = at;
  let nearest = Infinity;
  options.forEach((option, other) => {
    const box = option.getBoundingClientRect();
    const rows = isBelow ? box.top - own.top : own.top - box.top;
    if (rows < own.height / 2) return;
    const away = rows * 1000 + Math.abs(box.left + box.width / 2 - middle);
    if (away < nearest) [nearest, best] = [away, other];
  });
  return best;
}

function pressed(event) {
  const last = options.length - 1;
  const moves = {
    ArrowRight: () => Math.min(state.chosen + 1, last),
    ArrowLeft: () => Math.max(state.chosen - 1, 0),
    ArrowDown: () => besides(state.chosen, true),
    ArrowUp: () => besides(state.chosen, false),
    Home: () => 0,
    End: () => last,
  };
  if (!(event.key in moves) || event.ctrlKey || event.metaKey || event.altKey) return;
  event.preventDefault();
  options[moves[event.key]()].focus();
}
