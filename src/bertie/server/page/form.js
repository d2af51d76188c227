// A view's fields as a form, and what was written into them.

import { element } from "./draw.js";

const SHORT = new Set(["choice", "number"]); // several go side by side
const READ = { lines: (value) => value.split("\n").filter((text) => text.trim()), number: Number };
const written = new Map(); // what a visitor wrote, kept while they look elsewhere

function select(field, id) {
  const made = element("select", { id, name: field.name });
  made.append(...field.options.map(([value, text]) => element("option", { value }, text)));
  return made;
}

function box(field, id) {
  if (field.kind === "choice") return select(field, id);
  if (field.kind === "number") return element("input", { id, type: "number", name: field.name, min: field.least, max: field.most, required: true });
  return element("textarea", { id, name: field.name, rows: field.rows, spellcheck: "false" });
}

function control(view, field, mask) {
  const id = `field-${field.name}`;
  const place = `${view.id}/${field.name}`;
  if (field.kind === "check") {
    const check = element("input", { id, type: "checkbox", name: field.name });
    check.checked = written.get(place) ?? field.value;
    check.addEventListener("change", () => written.set(place, check.checked));
    return element("p", { class: "check" }, check, element("label", { for: id }, field.label));
  }
  const input = box(field, id);
  input.value = written.get(place) ?? field.value.replace("{mask}", mask);
  input.addEventListener("input", () => written.set(place, input.value));
  const shown = element("p", { class: SHORT.has(field.kind) && "short" }, element("label", { for: id }, field.label), input);
  if (field.hint) {
    input.setAttribute("aria-describedby", `${id}-hint`);
    shown.append(element("small", { id: `${id}-hint` }, field.hint));
  }
  return shown;
}

// The examples that a visitor begins with have the model's own mask; what may be chosen is the server's.
export function show(view, place, { mask, served }) {
  place.replaceChildren(...fieldsOf(view, served).map((field) => control(view, field, mask)));
}

const fieldsOf = (view, served) => (typeof view.fields === "function" ? view.fields(served) : view.fields);

export function values(view, form, served) {
  const found = {};
  for (const field of fieldsOf(view, served)) {
    const input = form.elements[field.name];
    const value = field.kind === "check" ? input.checked : input.value;
    found[field.name] = READ[field.kind]?.(value) ?? value;
  }
  return found;
}
