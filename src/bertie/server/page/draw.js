// Answers as elements: every picture is also text, so that nothing is told by colour alone.

export function element(name, attributes = {}, ...children) {
  const made = document.createElement(name);
  for (const [key, value] of Object.entries(attributes)) {
    if (key === "style") for (const [property, set] of Object.entries(value)) made.style.setProperty(property, set);
    else if (value !== false && value != null) made.setAttribute(key, value === true ? "" : value);
  }
  made.append(...children);
  return made;
}

export const number = (value, digits = 3) => value.toFixed(digits).replace("-", "−");

// Each word for a kind of entity keeps its colour, on every page and in every session.
function hue(word) {
  let hash = 7;
  for (const letter of word) hash = (hash * 31 + letter.codePointAt(0)) % 360;
  return (hash * 47) % 360;
}

export function bars(rows, { digits = 3, most = 1 } = {}) {
  const list = element("ol", { class: "bars" });
  for (const { name, value, note } of rows) {
    const share = Math.max(0, Math.min(1, value / most));
    list.append(
      element(
        "li",
        {},
        element("span", { class: "name" }, name, ...(note ? [element("small", {}, note)] : [])),
        element("span", { class: "bar", "aria-hidden": "true", style: { "--share": share } }),
        element("span", { class: "value" }, number(value, digits)),
      ),
    );
  }
  return list;
}

function cell(value, { least, most }) {
  const share = most > least ? Math.max(0, (value - least) / (most - least)) : 1;
  const weight = share > 0.75 ? "strong" : share > 0.5 ? "middle" : "";
  return element("td", { class: weight, style: { "--share": share } }, number(value, 2));
}

export function heatMap(texts, matrix) {
  const others = matrix.flatMap((row, i) => row.filter((_, j) => i !== j));
  const scale = { least: Math.min(0, ...others), most: 1 };
  const table = element("table", { class: "heat" });
  table.append(element("caption", {}, "Cosine similarity of every text with every other"));
  const numbers = texts.map((text, j) => element("th", { scope: "col", title: text }, String(j + 1)));
  table.append(element("thead", {}, element("tr", {}, element("td"), ...numbers)));
  const body = element("tbody");
  matrix.forEach((row, i) => {
    const cells = row.map((value) => cell(value, scale));
    const label = element("th", { scope: "row" }, element("b", {}, String(i + 1)), element("span", {}, texts[i]));
    body.append(element("tr", {}, label, ...cells));
  });
  table.append(body);
  return element("div", { class: "scroll", tabindex: "0", role: "region", "aria-label": "Similarities" }, table);
}

// Places are counted in code points, as Python counts; JavaScript's strings count otherwise.
export function highlighted(text, spans) {
  const letters = Array.from(text);
  const shown = element("p", { class: "marked" });
  let at = 0;
  for (const span of [...spans].sort((a, b) => a.start - b.start)) {
    if (span.start < at) continue;
    shown.append(letters.slice(at, span.start).join(""));
    const words = letters.slice(span.start, span.end).join("");
    const label = element("small", {}, `${span.label} ${number(span.score, 2)}`);
    shown.append(element("mark", { style: { "--hue": hue(span.label) } }, words, label));
    at = span.end;
  }
  shown.append(letters.slice(at).join(""));
  return shown;
}

const shown = (value) => (value === null ? "none" : String(value));

// Rows of an index, best first: the text that was searched, then its other columns.
export function found(rows, column, { digits }) {
  const list = element("ol", { class: "found" });
  for (const { score, fields } of rows) {
    const columns = element("dl");
    for (const [name, value] of Object.entries(fields)) if (name !== column) columns.append(term(name, shown(value)));
    list.append(element("li", {}, element("p", {}, shown(fields[column] ?? null)), element("span", { class: "value", title: "score" }, number(score, digits)), columns));
  }
  return list;
}

const term = (name, value) => element("div", {}, element("dt", {}, name), element("dd", {}, value));

export function tokens({ tokens: words, ids, truncated }) {
  const list = element("ol", { class: "tokens" });
  words.forEach((word, i) => {
    const continues = word.startsWith("##");
    list.append(
      element("li", { class: continues ? "continues" : "" }, element("b", {}, word), element("small", {}, String(ids[i]))),
    );
  });
  const cut = truncated ? `, and ${truncated} more that don't fit` : "";
  return [element("p", { class: "note" }, `${words.length} tokens${cut}`), list];
}

export function meter(value, low, high) {
  return element(
    "div",
    { class: "meter" },
    element("strong", {}, `${Math.round(value * 100)} %`),
    element("span", { class: "track", "aria-hidden": "true", style: { "--share": value } }),
    element("span", { class: "ends" }, element("small", {}, low), element("small", {}, high)),
  );
}

export const note = (text) => element("p", { class: "note" }, text);

// A line of the last values, the newest to the right.
export function line(values, most, label) {
  const space = "http://www.w3.org/2000/svg";
  const svg = document.createElementNS(space, "svg");
  for (const [key, value] of Object.entries({ viewBox: "0 0 100 28", preserveAspectRatio: "none", class: "line", role: "img", "aria-label": label }))
    svg.setAttribute(key, value);
  if (values.length < 2) return svg;
  const step = 100 / (values.length - 1);
  const points = values.map((value, i) => `${(i * step).toFixed(2)},${(27 - (25 * value) / (most || 1)).toFixed(2)}`);
  for (const [name, attributes] of [
    ["polygon", { points: `0,28 ${points.join(" ")} 100,28` }],
    ["polyline", { points: points.join(" "), "vector-effect": "non-scaling-stroke" }],
  ]) {
    const shape = document.createElementNS(space, name);
    for (const [key, value] of Object.entries(attributes)) shape.setAttribute(key, value);
    svg.append(shape);
  }
  return svg;
}
