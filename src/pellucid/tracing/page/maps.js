// Pictures of many numbers: lengths of vectors by layer, and who looks at whom. What they show is also in the details.

import { element, isolated, number, weight } from "./dom.js";
import { attentions, change, lengthsExtent, sequence, state, watch } from "./state.js";

const CELL = 26;
const WIDEST = 620;

// More names than this would be too small to read.
const NAMED = 44;

// The same on a narrow screen.
const FEW = 20;

// Of tokens, beyond which a picture of all pairs would take more memory than it is worth.
const LONGEST = 2048;

function colour(name) {
  const hex = getComputedStyle(document.documentElement).getPropertyValue(name).trim().slice(1);
  return [0, 2, 4].map((at) => parseInt(hex.slice(at, at + 2), 16));
}

// A canvas of cells with shares 0 to 1, drawn cell by cell and stretched, so that 512 columns cost no more than ten.
function drawn(canvas, columns, rows, shareOf) {
  canvas.width = columns;
  canvas.height = rows;
  const context = canvas.getContext("2d");
  const image = context.createImageData(columns, rows);
  const low = colour("--low");
  const high = colour("--deep");
  for (let row = 0; row < rows; row += 1) {
    for (let column = 0; column < columns; column += 1) {
      const share = shareOf(row, column);
      for (let n = 0; n < 3; n += 1) image.data[4 * (row * columns + column) + n] = low[n] + share * (high[n] - low[n]);
      image.data[4 * (row * columns + column) + 3] = 255;
    }
  }
  context.putImageData(image, 0, 0);
}

// Calls back with row and column, as shares of the picture, where a pointer is.
function pointed(canvas, told) {
  const tell = (event) => {
    const box = canvas.getBoundingClientRect();
    told((event.clientY - box.top) / box.height, (event.clientX - box.left) / box.width);
  };
  canvas.addEventListener("pointermove", (event) => event.pointerType === "mouse" && tell(event));
  canvas.addEventListener("pointerleave", () => change({ token: state.chosen }));
  canvas.addEventListener("click", (event) => {
    tell(event);
    change({ chosen: state.token });
  });
}

function place(share, count) {
  return Math.min(Math.max(Math.floor(share * count), 0), count - 1);
}

function frame(words) {
  const canvas = element("canvas", { role: "img" });
  const marker = element("div", { class: "marker", "aria-hidden": "true" });
  const inner = element("div", { class: "inner" }, canvas, marker);
  return { canvas, marker, inner, scroll: element("div", { class: "scroll", tabindex: 0, role: "region", "aria-label": words }, inner) };
}

function redrawn(draw) {
  watch(draw);
  matchMedia("(prefers-color-scheme: dark)").addEventListener("change", () => draw(new Set(["sequence"])));
  draw(new Set(["sequence"]));
}

export function showLengths(target) {
  if (!sequence().norms) return;
  const names = element("ol", { class: "names", "aria-hidden": "true" });
  const { canvas, marker, inner, scroll } = frame("lengths of vectors, by layer and token");
  const caption = element("p", { class: "legend" });
  const map = element("div", { class: "map" }, names, scroll);
  target.replaceChildren(
    element("p", {}, "The length of each token’s vector: a column a token, a row a layer, the embeddings above."), map, caption,
  );
  pointed(canvas, (_, column) => change({ token: place(column, sequence().tokens.length) }));
  redrawn((changed) => {
    const { norms, tokens } = sequence();
    if (changed.has("sequence")) {
      const [low, high] = lengthsExtent();
      drawn(canvas, tokens.length, norms.length, (row, column) => {
        const value = norms[row][column];
        if (value === null) return 0;
        return high > low ? (value - low) / (high - low) : 0.5;
      });
      map.style.setProperty("--columns", tokens.length);
      map.style.setProperty("--rows", norms.length);
      inner.style.maxWidth = `${tokens.length * CELL}px`;
      canvas.setAttribute(
        "aria-label", `Lengths of ${tokens.length} vectors at ${norms.length} places, from ${number(low, 2)} to ${number(high, 2)}`,
      );
      names.replaceChildren(...norms.map((_, n) => element("li", {}, n === 0 ? "embeddings" : `layer ${n - 1}`)));
      caption.replaceChildren(
        element("span", {}, number(low, 2)), element("span", { class: "scale deep", "aria-hidden": "true" }),
        element("span", {}, number(high, 2)), element("span", { class: "looked-at" }),
      );
    }
    marker.style.outlineOffset = tokens.length > NAMED ? "0" : "-2px";
    marker.style.left = `${(100 * state.token) / tokens.length}%`;
    marker.style.width = `${100 / tokens.length}%`;
    caption.lastChild.replaceChildren("outlined: ", isolated(tokens[state.token]));
  });
}

export function showMatrix(section, target) {
  if (!attentions()) return;
  section.hidden = false;
  const names = element("ol", { class: "names", "aria-hidden": "true" });
  const { canvas, marker, scroll } = frame("attention, by tokens that look and tokens that are looked at");
  const caption = element("p", { class: "legend" });
  const cell = element("span", { "aria-hidden": "true" });
  const told = element("p", { class: "note" });
  const map = element("div", { class: "map matrix" }, names, scroll);
  const words = "A row a token that looks, a column a token that is looked at; a row sums to 1.";
  target.replaceChildren(element("p", {}, words), map, caption, told);
  // A name has the height of its row, however small the picture becomes.
  new ResizeObserver(() => {
    names.style.height = `${canvas.clientHeight}px`;
  }).observe(canvas);
  let cells = new Float32Array(0);
  pointed(canvas, (row, column) => {
    const { tokens } = sequence();
    const from = place(row, tokens.length);
    const to = place(column, tokens.length);
    change({ token: from });
    cell.replaceChildren(isolated(tokens[from]), " → ", isolated(tokens[to]), ` ${weight(cells[from * tokens.length + to])}`);
  });
  canvas.addEventListener("pointerleave", () => cell.replaceChildren());
  redrawn((changed) => {
    const found = attentions();
    section.hidden = !found || found.length > LONGEST;
    if (section.hidden) return;
    const { length } = found;
    if (["sequence", "layer", "head"].some((name) => changed.has(name))) {
      cells = new Float32Array(length * length);
      let most = 0;
      for (let token = 0; token < length; token += 1) {
        for (const [column, value] of found.row(state.layer, state.head, token)) {
          cells[token * length + column] = value;
          most = Math.max(most, value);
        }
      }
      // The square root, so that weak weights are seen at all.
      drawn(canvas, length, length, (row, column) => Math.sqrt(cells[row * length + column] / (most || 1)));
      map.style.setProperty("--size", `${Math.max(Math.min(length * CELL, WIDEST), 64)}px`);
      const head = state.head === null ? "mean of all heads" : `head ${state.head}`;
      canvas.setAttribute(
        "aria-label",
        `Attention of ${length} tokens in layer ${state.layer}, ${head}; the strongest weight is ${weight(most)}`,
      );
      const scale = element("span", { class: "scale deep", "aria-hidden": "true" });
      caption.replaceChildren(element("span", {}, "0"), scale, element("span", {}, weight(most)), cell);
      told.textContent = `layer ${state.layer}, ${head}; shades are square roots, so that weak weights are seen`;
    }
    if (changed.has("sequence")) {
      const shown = length <= NAMED ? sequence().tokens : [];
      map.classList.toggle("unnamed", !shown.length);
      map.classList.toggle("many", shown.length > FEW);
      names.replaceChildren(...shown.map((token) => element("li", {}, isolated(token))));
    }
    marker.style.outlineOffset = length > NAMED ? "0" : "-2px";
    marker.style.top = `${(100 * state.token) / length}%`;
    marker.style.height = `${100 / length}%`;
  });
}
