"use strict";
const data = JSON.parse(document.getElementById("data").textContent);
const count = data.x.length;
const element = (id) => document.getElementById(id);
const canvas = element("map"), tip = element("tip"), legend = element("legend");
const pen = canvas.getContext("2d");
const lower = data.texts.map((text) => text.toLowerCase());

// Colours that people with any kind of colour vision tell apart (Okabe and Ito), then some more.
const HUES = ["#0072b2", "#e69f00", "#009e73", "#cc79a7", "#d55e00", "#56b4e9", "#8c6bb1",
  "#a6761d", "#66a61e", "#b8ab1f", "#7f7f7f", "#e7298a"];
const REST = "#9aa3ad";
const RAMP = [[68, 1, 84], [59, 82, 139], [33, 145, 140], [94, 201, 98], [253, 231, 37]];

let colours = new Array(count).fill(HUES[0]);
let groups = null; // each point's group, where colours have names
let hidden = new Set(), wanted = null; // groups left out; which points are found, or null for all
let view = { x: 0.5, y: 0.5, scale: 1 }, size = { width: 1, height: 1 };
let over = -1, pinned = -1, due = false;

function ramp(share) {
  const at = Math.min(Math.max(share, 0), 1) * (RAMP.length - 1);
  const low = Math.min(Math.floor(at), RAMP.length - 2), part = at - low;
  const mixed = RAMP[low].map((c, i) => Math.round(c + (RAMP[low + 1][i] - c) * part));
  return `rgb(${mixed.join(",")})`;
}

function named(value) {
  return value === null || value === "" ? "(none)" : String(value);
}

// Colour by a column: a ramp where it holds many numbers, else its commonest values.
function colourBy(name) {
  legend.replaceChildren();
  hidden = new Set();
  groups = null;
  const values = name ? data.columns[name] : null;
  if (!values) {
    colours.fill(HUES[0]);
  } else {
    const numbers = values.filter((value) => typeof value === "number");
    const texts = values.some((value) => typeof value === "string" || typeof value === "boolean");
    if (!texts && new Set(numbers).size > HUES.length) colourNumbers(values, numbers);
    else colourNames(values.map(named));
  }
  draw();
}

function colourNumbers(values, numbers) {
  const least = numbers.reduce((a, b) => Math.min(a, b)), most = numbers.reduce((a, b) => Math.max(a, b));
  colours = values.map((value) => value === null ? REST : ramp((value - least) / (most - least || 1)));
  const bar = document.createElement("div"), ends = document.createElement("div");
  bar.className = "ramp";
  bar.style.background = `linear-gradient(to right, ${[0, .25, .5, .75, 1].map(ramp).join(",")})`;
  ends.className = "ends";
  for (const end of [least, most]) {
    const span = document.createElement("span");
    span.textContent = end.toLocaleString("en", { maximumSignificantDigits: 6, useGrouping: false });
    ends.append(span);
  }
  legend.append(bar, ends);
}

function colourNames(values) {
  const times = new Map();
  for (const value of values) times.set(value, (times.get(value) || 0) + 1);
  const common = [...times].sort((a, b) => b[1] - a[1]);
  const kept = common.slice(0, common.length > HUES.length ? HUES.length - 1 : HUES.length);
  const place = new Map(kept.map(([value], i) => [value, i]));
  groups = values.map((value) => place.has(value) ? place.get(value) : kept.length);
  colours = groups.map((group) => group < kept.length ? HUES[group] : REST);
  const others = common.length - kept.length;
  kept.forEach(([value, rows], i) => entry(value, rows, HUES[i], i));
  if (others) {
    const rows = common.slice(kept.length).reduce((sum, [, n]) => sum + n, 0);
    entry(`${others.toLocaleString("en")} others`, rows, REST, kept.length);
  }
}

function entry(name, rows, colour, group) {
  const button = document.createElement("button");
  button.type = "button";
  button.title = name;
  button.setAttribute("aria-pressed", "true");
  for (const [kind, text] of [["dot", ""], ["name", name], ["rows", rows.toLocaleString("en")]]) {
    const span = document.createElement("span");
    span.className = kind;
    span.textContent = text;
    if (kind === "dot") span.style.background = colour;
    button.append(span);
  }
  button.addEventListener("click", () => {
    const gone = !hidden.has(group);
    if (gone) hidden.add(group); else hidden.delete(group);
    button.setAttribute("aria-pressed", String(!gone));
    find();
  });
  legend.append(button);
}

const visible = (i) => !(groups && hidden.has(groups[i]));

// Which points have all the words that are looked for.
function find() {
  const words = element("find").value.toLowerCase().split(/\s+/).filter(Boolean);
  wanted = words.length ? lower.map((text) => words.every((word) => text.includes(word))) : null;
  let found = 0;
  for (let i = 0; i < count; i++) if (visible(i) && (!wanted || wanted[i])) found++;
  element("count").textContent = wanted
    ? `${found.toLocaleString("en")} found` : `${found.toLocaleString("en")} points`;
  draw();
}

const side = () => Math.min(size.width, size.height) * 0.92 * view.scale;
const across = (i) => (data.x[i] - view.x) * side() + size.width / 2;
const down = (i) => (view.y - data.y[i]) * side() + size.height / 2;

function radius() {
  const base = count > 10000 ? 1.7 : count > 2000 ? 2.4 : count > 300 ? 3.5 : 5;
  return base * Math.min(Math.sqrt(Math.sqrt(view.scale)), 2.5);
}

function draw() {
  if (due) return;
  due = true;
  requestAnimationFrame(() => { due = false; paint(); });
}

function paint() {
  const ratio = window.devicePixelRatio || 1;
  pen.setTransform(ratio, 0, 0, ratio, 0, 0);
  pen.clearRect(0, 0, size.width, size.height);
  const r = radius();
  for (const found of wanted ? [false, true] : [true]) {
    pen.globalAlpha = found ? 0.85 : 0.12;
    for (let i = 0; i < count; i++) {
      if (!visible(i) || (wanted && wanted[i] !== found)) continue;
      const x = across(i), y = down(i);
      if (x < -9 || y < -9 || x > size.width + 9 || y > size.height + 9) continue;
      pen.fillStyle = colours[i];
      pen.beginPath();
      pen.arc(x, y, wanted && found ? r * 1.4 : r, 0, 7);
      pen.fill();
    }
  }
  pen.globalAlpha = 1;
  const held = pinned >= 0 ? pinned : over;
  if (held >= 0) {
    pen.strokeStyle = getComputedStyle(document.body).color;
    pen.lineWidth = 2;
    pen.beginPath();
    pen.arc(across(held), down(held), r + 3, 0, 7);
    pen.stroke();
    place(held);
  }
}

function nearest(x, y) {
  let best = -1, least = Math.max(radius() + 5, 9) ** 2;
  for (let i = 0; i < count; i++) {
    if (!visible(i) || (wanted && !wanted[i])) continue;
    const far = (across(i) - x) ** 2 + (down(i) - y) ** 2;
    if (far < least) { least = far; best = i; }
  }
  return best;
}

function tell(i) {
  tip.hidden = i < 0;
  if (i < 0) return;
  const text = document.createElement("p"), list = document.createElement("dl");
  text.textContent = data.texts[i] || "(empty)";
  const pairs = Object.entries(data.columns).map(([name, values]) => [name, values[i]]);
  if (data.keys) pairs.unshift(["key", data.keys[i]]);
  for (const [name, value] of pairs) {
    if (value === null || value === "") continue;
    const term = document.createElement("dt"), detail = document.createElement("dd");
    term.textContent = name;
    detail.textContent = String(value);
    list.append(term, detail);
  }
  tip.replaceChildren(text, list);
  place(i);
}

function place(i) {
  const x = across(i), y = down(i), gap = 14;
  const left = x + gap + tip.offsetWidth > size.width ? x - gap - tip.offsetWidth : x + gap;
  const top = Math.min(Math.max(y - tip.offsetHeight / 2, 6), size.height - tip.offsetHeight - 6);
  tip.style.left = `${Math.max(left, 6)}px`;
  tip.style.top = `${Math.max(top, 6)}px`;
}

function point(i) {
  if (i === over) return;
  over = i;
  canvas.classList.toggle("over", i >= 0);
  if (pinned < 0) tell(i);
  draw();
}

function zoom(by, x, y) {
  const scale = Math.min(Math.max(view.scale * by, 0.5), 400);
  const before = side();
  view.scale = scale;
  const change = 1 / before - 1 / side();
  view.x += (x - size.width / 2) * change;
  view.y -= (y - size.height / 2) * change;
  draw();
}

function whole() {
  let [left, right, bottom, top] = [Infinity, -Infinity, Infinity, -Infinity];
  for (let i = 0; i < count; i++) {
    left = Math.min(left, data.x[i]); right = Math.max(right, data.x[i]);
    bottom = Math.min(bottom, data.y[i]); top = Math.max(top, data.y[i]);
  }
  const smaller = Math.min(size.width, size.height);
  const fit = Math.min(size.width / smaller / (right - left || 1), size.height / smaller / (top - bottom || 1));
  view = { x: (left + right) / 2, y: (bottom + top) / 2, scale: Math.min(fit, 3) };
  draw();
}

function measure() {
  const ratio = window.devicePixelRatio || 1;
  size = { width: canvas.clientWidth, height: canvas.clientHeight };
  canvas.width = size.width * ratio;
  canvas.height = size.height * ratio;
  draw();
}

const fingers = new Map();
let moved = 0;
canvas.addEventListener("pointerdown", (event) => {
  canvas.setPointerCapture(event.pointerId);
  fingers.set(event.pointerId, [event.offsetX, event.offsetY]);
  moved = 0;
  canvas.classList.add("held");
});
canvas.addEventListener("pointermove", (event) => {
  const before = fingers.get(event.pointerId);
  if (!before) return point(nearest(event.offsetX, event.offsetY));
  const [dx, dy] = [event.offsetX - before[0], event.offsetY - before[1]];
  const other = [...fingers].find(([id]) => id !== event.pointerId);
  fingers.set(event.pointerId, [event.offsetX, event.offsetY]);
  moved += Math.abs(dx) + Math.abs(dy);
  if (other) {
    const far = (at) => Math.hypot(at[0] - other[1][0], at[1] - other[1][1]) || 1;
    zoom(far([event.offsetX, event.offsetY]) / far(before), ...other[1]);
  } else {
    view.x -= dx / side();
    view.y += dy / side();
    draw();
  }
});
for (const name of ["pointerup", "pointercancel"]) canvas.addEventListener(name, (event) => {
  fingers.delete(event.pointerId);
  canvas.classList.remove("held");
  if (name === "pointerup" && moved < 4) {
    const i = nearest(event.offsetX, event.offsetY);
    pinned = i === pinned ? -1 : i;
    over = i;
    tell(i);
    draw();
  }
});
canvas.addEventListener("pointerleave", () => point(-1));
canvas.addEventListener("wheel", (event) => {
  event.preventDefault();
  zoom(Math.exp(-event.deltaY * (event.deltaMode ? 0.05 : 0.0015)), event.offsetX, event.offsetY);
}, { passive: false });
canvas.addEventListener("keydown", (event) => {
  const step = 40 / side(), keys = { ArrowLeft: [-1, 0], ArrowRight: [1, 0], ArrowUp: [0, 1], ArrowDown: [0, -1] };
  if (keys[event.key]) { view.x += keys[event.key][0] * step; view.y += keys[event.key][1] * step; draw(); }
  else if (event.key === "+" || event.key === "=") zoom(1.25, size.width / 2, size.height / 2);
  else if (event.key === "-") zoom(0.8, size.width / 2, size.height / 2);
  else if (event.key === "Escape") { pinned = -1; tell(over); draw(); }
  else return;
  event.preventDefault();
});
element("find").addEventListener("input", find);
element("whole").addEventListener("click", whole);
element("colour").addEventListener("change", (event) => { colourBy(event.target.value); find(); });
for (const name of ["", ...Object.keys(data.columns)]) {
  const option = document.createElement("option");
  option.value = name;
  option.textContent = name || "(one colour)";
  option.selected = name === (data.colour || "");
  element("colour").append(option);
}
new ResizeObserver(measure).observe(canvas);
measure();
whole();
colourBy(data.colour || "");
find();
