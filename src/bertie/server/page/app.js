// The page: a model is chosen, a view of it is tried, and beside it the server's work is watched.

import { curl, get, post, Refused, setKey } from "./api.js";
import { element } from "./draw.js";
import * as form from "./form.js";
import { watch } from "./live.js";
import { cycle } from "./theme.js";
import { viewsOf } from "./views.js";

const find = (id) => document.getElementById(id);
const state = { models: [], served: { indexes: [], rerankers: [] }, model: null, view: null, run: 0 };

const at = (route) => `models/${encodeURIComponent(state.model.name)}/${route}`;

function describe(model, info) {
  const settings = info.settings ?? {};
  const source = info.source?.split("/").pop(); // of a path only the end: the rest is nobody's business
  const facts = [
    source !== model.name && source,
    info.parameters && `${(info.parameters / 1e6).toFixed(1)} M parameters`,
    info.precision,
    info.dimensions && `${info.dimensions} dimensions`,
    settings.labels?.value?.length > 1 && `${settings.labels.value.length} labels`,
    model.longest && `${model.longest} tokens at most`,
    model.state !== "ready" && model.state,
  ];
  return facts.filter(Boolean).join(" · ");
}

const maskOf = (model) => model.info?.settings?.mask_token?.value ?? "[MASK]";

const views = () => viewsOf(state.model, state.served);

const showForm = () => form.show(state.view, find("fields"), { mask: maskOf(state.model), served: state.served });

async function explain(model) {
  const mask = maskOf(model);
  model.info ??= await get(`v1/models/${encodeURIComponent(model.name)}/info`).catch(() => null);
  if (model !== state.model) return;
  find("about").textContent = describe(model, model.info ?? {});
  if (maskOf(model) !== mask && document.activeElement?.form !== find("form")) showForm();
}

function chooseModel(name) {
  state.model = state.models.find((model) => model.name === name) ?? state.models[0];
  find("model").value = state.model.name;
  explain(state.model);
  const tabs = views().map((view) =>
    element("button", { id: `tab-${view.id}`, type: "button", role: "tab", "aria-controls": "panel", "data-view": view.id }, view.title),
  );
  find("tabs").replaceChildren(...tabs);
  chooseView(views().some((view) => view.id === state.view?.id) ? state.view.id : views()[0].id);
}

function chooseView(id) {
  state.view = views().find((view) => view.id === id);
  state.run += 1; // an answer that is under way belongs to the view before
  for (const tab of find("tabs").children) {
    const chosen = tab.dataset.view === id;
    tab.setAttribute("aria-selected", String(chosen));
    tab.tabIndex = chosen ? 0 : -1;
  }
  find("panel").setAttribute("aria-labelledby", `tab-${id}`);
  showForm();
  find("answer").replaceChildren();
  find("timing").textContent = "";
  find("request").hidden = true;
  wait(false);
  history.replaceState(null, "", `#${encodeURIComponent(state.model.name)}/${id}`);
}

function moveAmongTabs(event) {
  const tabs = [...find("tabs").children];
  const here = tabs.indexOf(document.activeElement);
  const steps = { ArrowRight: here + 1, ArrowLeft: here - 1, Home: 0, End: tabs.length - 1 };
  if (here < 0 || !(event.key in steps)) return;
  event.preventDefault();
  const next = tabs[(steps[event.key] + tabs.length) % tabs.length];
  chooseView(next.dataset.view);
  next.focus();
}

async function run(event) {
  event.preventDefault();
  const { view } = state;
  const mine = ++state.run;
  const given = form.values(view, find("form"), state.served);
  const { route, body } = view.request(given);
  const named = body.index ? body : { ...body, model: state.model.name }; // an index has its own model
  wait(true);
  find("request").hidden = false;
  find("curl").textContent = curl(route, named);
  const start = performance.now();
  try {
    const answer = await post(route, named);
    const took = performance.now() - start;
    const drawn = await view.draw(answer, given, at, state.served);
    if (mine !== state.run) return;
    find("answer").replaceChildren(...drawn);
    find("timing").textContent = `answered in ${took < 10 ? took.toFixed(1) : Math.round(took)} ms`;
  } catch (error) {
    if (mine !== state.run) return;
    refused(error);
  } finally {
    if (mine === state.run) wait(false);
  }
}

function wait(busy) {
  find("run").disabled = busy;
  find("answer").setAttribute("aria-busy", String(busy)); // what is shown is the answer before
}

function refused(error) {
  if (!(error instanceof Refused) && !(error instanceof TypeError)) throw error;
  if (error.status === 401 || error.status === 403) find("key-form").hidden = false;
  const words = error instanceof Refused ? error.message : "The server can't be reached.";
  find("answer").replaceChildren(element("p", { class: "error", role: "alert" }, words));
  find("timing").textContent = "";
}

const modelOf = ({ id, task, state: stage, max_length: longest }) => ({ name: id, task, state: stage, longest, info: null });

async function list() {
  const [listed, indexes] = await Promise.all([get("v1/models"), get("v1/indexes")]);
  state.models = listed.data.map(modelOf);
  state.served = {
    indexes: indexes.data,
    rerankers: state.models.filter(({ task }) => task === "rank").map(({ name }) => name),
  };
  const options = state.models.map(({ name, task }) => element("option", { value: name }, task ? `${name} (${task.replaceAll("_", " ")})` : name));
  find("model").replaceChildren(...options);
}

async function start() {
  try {
    await list();
  } catch (error) {
    refused(error);
    return;
  }
  find("key-form").hidden = true;
  find("answer").replaceChildren();
  const [name, view] = location.hash.slice(1).split("/").map(decodeURIComponent);
  chooseModel(name);
  if (views().some((one) => one.id === view)) chooseView(view);
  watch(find("live"), find("health"), changed);
}

// A model that has been loaded since can be tried for what it is.
async function changed() {
  const { name, task } = state.model;
  await list();
  const now = state.models.find((model) => model.name === name);
  if (now?.task === task) {
    state.model = now;
    find("model").value = name;
    explain(now);
  } else chooseModel(name);
}

find("model").addEventListener("change", (event) => chooseModel(event.target.value));
find("tabs").addEventListener("click", (event) => event.target.dataset.view && chooseView(event.target.dataset.view));
find("tabs").addEventListener("keydown", moveAmongTabs);
find("form").addEventListener("submit", run);
find("form").addEventListener("keydown", (event) => {
  if (event.key === "Enter" && (event.ctrlKey || event.metaKey)) find("form").requestSubmit();
});
find("key-form").addEventListener("submit", (event) => {
  event.preventDefault();
  setKey(find("key").value);
  start();
});
find("theme").addEventListener("click", (event) => cycle(event.target));
cycle(find("theme"), 0);
start();
