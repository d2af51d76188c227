// A view's fields as a form, and what was written into them.

import { element } from "./draw.js";

const written = new Map(); // what a visitor wrote, kept while they look elsewhere

function control(view, field, mask) {
  const id = `field-${field.name}`;
  const place = `${view.id}/${field.name}`;
  if (field.kind === "check") {
    const box = element("input", { id, type: "checkbox", name: field.name });
    box.checked = written.get(place) ?? field.value;
    box.addEventListener("change", () => written.set(place, box.checked));
    return element("p", { class: "check" }, box, element("label", { for: id }, field.label));
  }
  const text = element("textarea", { id, name: field.name, rows: field.rows, spellcheck: "false" });
  text.value = written.get(place) ?? field.value.replace("{mask}", mask);
  text.addEventListener("input", () => written.set(place, text.value));
  return element("p", {}, element("label", { for: id }, field.label), text);
}

// The examples that a visitor begins with have the model's own mask.
export function show(view, place, mask) {
  place.replaceChildren(...view.fields.map((field) => control(view, field, mask)));
}

export function values(view, form) {
  const found = {};
  for (const field of view.fields) {
    const input = form.elements[field.name];
    const value = field.kind === "check" ? input.checked : input.value;
    found[field.name] = field.kind === "lines" ? value.split("\n").filter((text) => text.trim()) : value;
  }
  return found;
}
