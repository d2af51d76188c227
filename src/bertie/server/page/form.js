// A view's fields as a form, and what was written into them.

import { element } from "./draw.js";

const written = new Map(); // what a visitor wrote, kept while they look elsewhere

function control(view, field) {
  const id = `field-${field.name}`;
  const value = written.get(`${view.id}/${field.name}`) ?? field.value;
  if (field.kind === "check") {
    const box = element("input", { id, type: "checkbox", name: field.name });
    box.checked = value;
    return element("p", { class: "check" }, box, element("label", { for: id }, field.label));
  }
  const text = element("textarea", { id, name: field.name, rows: field.rows, spellcheck: "false" });
  text.value = value;
  return element("p", {}, element("label", { for: id }, field.label), text);
}

export function show(view, place) {
  place.replaceChildren(...view.fields.map((field) => control(view, field)));
}

export function values(view, form) {
  const found = {};
  for (const field of view.fields) {
    const input = form.elements[field.name];
    const value = field.kind === "check" ? input.checked : input.value;
    written.set(`${view.id}/${field.name}`, value);
    found[field.name] = field.kind === "lines" ? value.split("\n").filter((text) => text.trim()) : value;
  }
  return found;
}
