// What the server is doing, asked once a second while somebody looks.

import { get, Refused } from "./api.js";
import { element, line } from "./draw.js";

const EVERY = 1000; // milliseconds
const KEPT = 60; // seconds in a line

const short = (value) =>
  value >= 1e6 ? `${(value / 1e6).toFixed(1)} M` : value >= 1e4 ? `${Math.round(value / 1e3)} k` : Math.round(value).toLocaleString("en");
const milliseconds = (value) => (value == null ? "–" : `${value < 10 ? value.toFixed(1) : short(value)} ms`);

function tile(title, value, ...more) {
  return element("div", { class: "tile" }, element("h3", {}, title), element("p", { class: "big" }, value), ...more);
}

function share(value) {
  return element("span", { class: "track", "aria-hidden": "true", style: { "--share": value } });
}

function rows(caption, pairs) {
  const body = pairs.map(([name, value, mark]) =>
    element("tr", { class: mark ?? "" }, element("th", { scope: "row" }, name), element("td", {}, value)),
  );
  return element("table", { class: "facts" }, element("caption", {}, caption), element("tbody", {}, ...body));
}

function drawn(status, past) {
  const { queue, latency_ms: latency, errors, workers } = status;
  const rates = past.map((one) => one.tokens_per_s);
  const peak = Math.max(...rates, 1);
  const failed = Object.entries(errors ?? {});
  return [
    tile("Tokens a second", short(status.tokens_per_s), line(rates, peak, `Tokens a second in the last minute, at most ${short(peak)}`)),
    element(
      "div",
      { class: "pair" },
      tile("Batch fill", `${Math.round(100 * status.batch_fill)} %`, share(status.batch_fill)),
      tile("Queue", short(queue.inputs), element("small", {}, `inputs, ${short(queue.tokens)} tokens`)),
      tile("Requests a second", status.requests_per_s.toFixed(1)),
      tile("In flight", short(status.in_flight)),
    ),
    rows("Latency", [
      ["half within", milliseconds(latency?.p50)],
      ["95 % within", milliseconds(latency?.p95)],
      ["99 % within", milliseconds(latency?.p99)],
    ]),
    rows("Errors", failed.length ? failed.map(([kind, count]) => [kind.replaceAll("_", " "), short(count), "bad"]) : [["none", "0"]]),
    rows(
      "Workers",
      workers.map(({ pid, restarts, alive }) => [
        `process ${pid}`,
        alive === false ? "down" : restarts ? `up, restarted ${restarts} ×` : "up",
        alive === false ? "bad" : "",
      ]),
    ),
  ];
}

function say(health, words, kind) {
  if (health.textContent !== words) health.textContent = words; // a screen reader hears changes only
  health.dataset.kind = kind;
}

function readiness(status) {
  const ready = status.models.filter((model) => model.state === "ready").length;
  return ready === status.models.length ? "ready" : `${ready} of ${status.models.length} models ready`;
}

const stages = (status) => status.models.map(({ name, task, state }) => `${name}/${task}/${state}`).join();

export function watch(place, health, changed) {
  const past = [];
  const look = async () => {
    try {
      const status = await get("v1/status");
      if (past.length && stages(status) !== stages(past.at(-1))) await changed();
      past.push(status);
      past.splice(0, Math.max(0, past.length - KEPT));
      place.replaceChildren(...drawn(status, past));
      say(health, readiness(status), "good");
    } catch (error) {
      say(health, error instanceof Refused ? error.message : "out of reach", "bad");
    }
    setTimeout(() => (document.hidden ? document.addEventListener("visibilitychange", look, { once: true }) : look()), EVERY);
  };
  look();
}
