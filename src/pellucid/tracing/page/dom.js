// Elements, and numbers in words. Text is always set as text, so nothing in it is read as markup.

const SVG = "http://www.w3.org/2000/svg";

export function element(name, properties = {}, ...children) {
  const made = document.createElement(name);
  for (const [key, value] of Object.entries(properties)) {
    if (value === null || value === undefined || value === false) continue;
    if (key === "class") made.className = value;
    else if (key.startsWith("on")) made.addEventListener(key.slice(2), value);
    else made.setAttribute(key, value === true ? "" : value);
  }
  made.append(...children.filter((child) => child !== null));
  return made;
}

// Text of any direction, which does not turn what stands around it.
export function isolated(text, name = "bdi") {
  const made = document.createElement(name);
  made.dir = "auto";
  made.textContent = text;
  return made;
}

export function number(value, digits = 3) {
  if (value === null || value === undefined) return "–";
  return value.toFixed(digits).replace("-", "−");
}

// A share in 0–1, with more digits where it is small.
export function weight(value) {
  return number(value, value > 0 && value < 0.01 ? 5 : 3);
}

// A bar from the left, or, where it is signed, from the middle; its number stands beside it.
export function bar(share, isSigned = false) {
  const svg = document.createElementNS(SVG, "svg");
  svg.setAttribute("class", isSigned ? "bar signed" : "bar");
  svg.setAttribute("viewBox", "0 0 100 8");
  svg.setAttribute("preserveAspectRatio", "none");
  svg.setAttribute("aria-hidden", "true");
  const rect = document.createElementNS(SVG, "rect");
  const width = Math.min(Math.abs(share), 1) * (isSigned ? 50 : 100);
  rect.setAttribute("x", isSigned ? (share < 0 ? 50 - width : 50) : 0);
  rect.setAttribute("width", width);
  rect.setAttribute("height", 8);
  if (isSigned) rect.setAttribute("class", share < 0 ? "against" : "for");
  svg.append(rect);
  return svg;
}

// A field to choose from, with its name; `options` are pairs of value and words.
export function field(name, options, value, change) {
  const id = `field-${name.replaceAll(" ", "-")}`;
  const select = element("select", { id, onchange: (event) => change(event.target.value) });
  for (const [each, words] of options) select.append(element("option", { value: each }, words));
  select.value = value;
  return element("div", { class: "field" }, element("label", { for: id }, name), select);
}
