// Draws openapi.json: every operation with its body's fields, its answers, and a way to try it.

const make = (tag, attributes = {}, ...children) => {
  const element = document.createElement(tag);
  for (const [name, value] of Object.entries(attributes)) {
    if (name.startsWith("on")) element.addEventListener(name.slice(2), value);
    else element.setAttribute(name, value);
  }
  element.append(...children);
  return element;
};

let schemas = {};
const resolved = (schema) => (schema?.$ref ? schemas[schema.$ref.split("/").pop()] : schema) ?? {};

function typeOf(schema, depth = 0) {
  if (schema?.$ref) return resolved(schema).title ?? schema.$ref.split("/").pop();
  if (schema?.anyOf) return schema.anyOf.map((one) => typeOf(one, depth)).join(" | ");
  if (schema?.enum) return schema.enum.map((one) => JSON.stringify(one)).join(" | ");
  if (schema?.type === "array") return depth > 3 ? "[…]" : `[${typeOf(schema.items, depth + 1)}]`;
  return schema?.type ?? "anything";
}

function example(schema, name = "", depth = 0) {
  const known = resolved(schema);
  if (known.default !== undefined && known.default !== null) return known.default;
  if (known.enum) return known.enum[0];
  if (known.anyOf) return example(known.anyOf.find((one) => one.type === "array") ?? known.anyOf[0], name, depth);
  if (known.type === "object") {
    const required = known.required ?? [];
    const fields = Object.entries(known.properties ?? {}).filter(([field]) => required.includes(field));
    return Object.fromEntries(fields.map(([field, one]) => [field, example(one, field, depth + 1)]));
  }
  if (known.type === "array") {
    const count = Math.max(known.minItems ?? 1, 1);
    return Array.from({ length: count }, () => example(known.items, name, depth + 1));
  }
  return { integer: 1, number: 0.5, boolean: false, null: null }[known.type] ?? (name === "source" ? "minilm" : "a text");
}

function fields(schema) {
  const known = resolved(schema);
  const required = known.required ?? [];
  const rows = Object.entries(known.properties ?? {}).map(([name, one]) =>
    make(
      "tr",
      {},
      make("th", { scope: "row" }, make("code", {}, name), required.includes(name) ? " *" : ""),
      make("td", {}, make("code", {}, typeOf(one)), " ", one.description ?? ""),
    ),
  );
  return rows.length ? make("table", {}, make("tbody", {}, ...rows)) : make("p", {}, make("code", {}, typeOf(schema)));
}

async function send(method, path, body, place) {
  const key = document.getElementById("key").value;
  const headers = { ...(body && { "content-type": "application/json" }), ...(key && { authorization: `Bearer ${key}` }) };
  try {
    const response = await fetch(path.replace(/^\//, ""), { method, headers, body });
    const text = await response.text();
    let shown = text;
    try { shown = JSON.stringify(JSON.parse(text), null, 1); } catch { /* not JSON: as it is */ }
    place.textContent = `${response.status} ${response.statusText}\n\n${shown.slice(0, 20000)}`;
  } catch (error) {
    place.textContent = String(error);
  }
}

function attempt(method, path, body) {
  const shown = make("pre", { "aria-live": "polite", hidden: "" });
  const where = make("input", { value: path, "aria-label": "Path", size: 40 });
  const what = body && make("textarea", { "aria-label": "Body", spellcheck: "false" });
  if (what) what.value = JSON.stringify(example(body), null, 2);
  const go = () => {
    shown.hidden = false;
    shown.textContent = "…";
    send(method, where.value, what?.value, shown);
  };
  return make("div", {}, make("h4", {}, "Try"), ...(what ? [what] : []), where, " ", make("button", { type: "button", onclick: go }, "Send"), shown);
}

function operation(method, path, said) {
  const body = said.requestBody?.content["application/json"].schema;
  const answers = Object.entries(said.responses).map(([status, one]) => {
    const schema = Object.values(one.content)[0].schema;
    return make("tr", {}, make("th", { scope: "row" }, status), make("td", {}, one.description, " ", make("code", {}, typeOf(schema))));
  });
  const content = make("div");
  const whole = make(
    "details",
    { id: said.operationId },
    make("summary", {}, make("span", { class: "method" }, method.toUpperCase()), make("code", {}, path), make("span", { class: "says" }, said.summary)),
    content,
  );
  const draw = () => {
    if (!whole.open || content.hasChildNodes()) return;
    if (body) content.append(make("h4", {}, "Body"), fields(body));
    content.append(make("h4", {}, "Answers"), make("table", {}, make("tbody", {}, ...answers)));
    const good = Object.values(said.responses["200"]?.content ?? {})[0]?.schema;
    if (good) content.append(make("h4", {}, "200"), fields(good));
    content.append(attempt(method.toUpperCase(), path, body));
  };
  whole.addEventListener("toggle", draw);
  return whole;
}

const told = await (await fetch("openapi.json")).json();
schemas = told.components.schemas;
document.getElementById("about").textContent = told.info.description;
const groups = new Map(told.tags.map(({ name }) => [name, make("section", {}, make("h2", {}, name))]));
for (const [path, methods] of Object.entries(told.paths)) {
  for (const [method, said] of Object.entries(methods)) groups.get(said.tags[0]).append(operation(method, path, said));
}
document.getElementById("operations").replaceChildren(...groups.values());
document.getElementById("find").addEventListener("input", ({ target }) => {
  const wanted = target.value.toLowerCase();
  for (const one of document.querySelectorAll("details")) one.hidden = !one.textContent.toLowerCase().includes(wanted);
});
