// The page works without this. With it, forms and links change one part of the page, and the numbers
// follow by themselves.
"use strict";

const SECOND = 1000;
const SHOWN = 60;
const SVG = "http://www.w3.org/2000/svg";
const byId = (id) => document.getElementById(id);

/** The totals once a second, the latest last, each with the number of its second and its calls. */
let samples = [];
let latest = null;
let timer = 0;
let polls = 0;

// Numbers, as the report of memo writes them.

function bytes(count) {
  const units = ["B", "KiB", "MiB", "GiB"];
  let unit = 0;
  let size = count;
  while (size >= 1024 && unit < units.length - 1) {
    size /= 1024;
    unit += 1;
  }
  return unit === 0 ? `${count} B` : `${size.toFixed(1)} ${units[unit]}`;
}

function time(seconds) {
  if (seconds === 0) return "0 s";
  if (seconds < 1e-3) return `${(seconds * 1e6).toFixed(1)} µs`;
  if (seconds < 1) return `${(seconds * 1e3).toFixed(1)} ms`;
  if (seconds < 600) return `${seconds.toFixed(1)} s`;
  return `${(seconds / 3600).toFixed(1)} h`;
}

const seconds = (duration) => duration.secs + duration.nanos / 1e9;
const count = (number) => number.toLocaleString("en");
const plural = (number, one, many) => `${count(number)} ${number === 1 ? one : many}`;

// Elements. Texts of others become text, never markup.

function element(name, attributes = {}, ...children) {
  const made = document.createElement(name);
  for (const [key, value] of Object.entries(attributes)) made.setAttribute(key, value);
  made.append(...children);
  return made;
}

function shape(name, attributes = {}, text = "") {
  const made = document.createElementNS(SVG, name);
  for (const [key, value] of Object.entries(attributes)) made.setAttribute(key, value);
  if (text) made.textContent = text;
  return made;
}

function setText(id, text) {
  const target = byId(id);
  if (target.textContent !== text) target.textContent = text;
}

function setState(state, text) {
  byId("state").dataset.state = state;
  setText("state", text);
}

// What is asked once a second.

async function poll() {
  clearTimeout(timer);
  if (document.hidden) {
    setState("paused", "paused while out of view");
    return;
  }
  polls += 1;
  const asking = polls;
  try {
    const answer = await fetch("/live", { cache: "no-store", signal: AbortSignal.timeout(5 * SECOND) });
    if (!answer.ok) throw new Error(`status ${answer.status}`);
    const live = await answer.json();
    if (asking !== polls) return;
    show(live);
    setState("live", "live, once a second");
    // A little after each full second, so that each has its own sample.
    timer = setTimeout(pollAgain, SECOND - (performance.now() % SECOND) + 20);
  } catch {
    if (asking !== polls) return;
    setState("lost", "no answer, trying again");
    timer = setTimeout(pollAgain, 3 * SECOND);
  }
}

const pollAgain = () => void poll();

function show(live) {
  const isOther = latest !== null && latest.process !== live.process;
  if (isOther) samples = [];
  const second = Math.floor(performance.now() / SECOND);
  const last = samples.at(-1);
  const { hits, misses, bytes, saved } = live.totals;
  const calls = { hits: 0, misses: 0 };
  // What happened while nobody looked belongs to no second.
  if (last !== undefined && second - last.second <= 2) {
    calls.hits = hits - last.hits;
    calls.misses = misses - last.misses;
  }
  if (last?.second === second) {
    // Asked for out of turn, after a click.
    calls.hits += last.calls.hits;
    calls.misses += last.calls.misses;
    samples.pop();
  }
  samples.push({ second, hits, misses, bytes, saved, calls });
  samples = samples.filter((sample) => second - sample.second < SHOWN);
  const hasChanged = JSON.stringify([latest?.totals, latest?.report]) !== JSON.stringify([live.totals, live.report]);
  const hasEvents = isOther || latest?.latest.seen !== live.latest.seen;
  latest = live;
  drawTiles(live.totals);
  drawCalls();
  if (hasChanged) {
    drawReport(live.report.functions);
    say(live.totals);
  }
  if (hasEvents) drawEvents(live.latest);
}

/** One sentence for screen readers, when the numbers have come to rest. */
let saying = 0;
function say({ hits, misses, bytes: size, saved }) {
  clearTimeout(saying);
  saying = setTimeout(() => {
    const sentence = `${plural(hits, "hit", "hits")}, ${plural(misses, "miss", "misses")}, ${bytes(size)}, ${time(saved)} saved.`;
    setText("said", sentence);
  }, 2 * SECOND);
}

// Tiles

function drawTiles({ hits, misses, entries, bytes: size, saved }) {
  const calls = hits + misses;
  const share = (number) => (calls === 0 ? "no calls yet" : `${((100 * number) / calls).toFixed(0)} % of ${plural(calls, "call", "calls")}`);
  setText("hits", count(hits));
  setText("hits-note", share(hits));
  setText("misses", count(misses));
  setText("misses-note", share(misses));
  setText("bytes", bytes(size));
  setText("bytes-note", entries === 0 ? "no entries" : `in ${plural(entries, "entry", "entries")}`);
  setText("saved", time(saved));
  drawSpark("hits-spark", "Hits", (sample) => sample.hits, count);
  drawSpark("misses-spark", "Misses", (sample) => sample.misses, count);
  drawSpark("bytes-spark", "Bytes", (sample) => sample.bytes, bytes);
  drawSpark("saved-spark", "Time saved", (sample) => sample.saved, time);
}

function drawSpark(id, name, value, format) {
  const target = byId(id);
  const { width, height } = target.getBoundingClientRect();
  if (width === 0) return;
  const values = samples.map(value);
  const [least, most] = [Math.min(...values), Math.max(...values)];
  const now = samples.at(-1).second;
  const x = (second) => width * (1 - (now - second) / SHOWN);
  const y = (number) => height - 4 - (most === least ? 0 : ((number - least) / (most - least)) * (height - 10));
  const points = samples.map((sample, at) => `${x(sample.second).toFixed(1)},${y(values[at]).toFixed(1)}`);
  // From the left edge on, also in the first minute.
  points.unshift(`-4,${y(values[0]).toFixed(1)}`);
  points.push(`${width + 4},${y(values.at(-1)).toFixed(1)}`);
  target.setAttribute("viewBox", `0 0 ${width} ${height}`);
  target.setAttribute("aria-label", `${name} in the last minute: from ${format(values[0])} to ${format(values.at(-1))}`);
  target.replaceChildren(
    shape("polygon", { class: "area", points: `-4,${height} ${points.join(" ")} ${width + 4},${height}` }),
    shape("polyline", { class: "line", points: points.join(" ") }),
  );
}

// The chart of calls

function drawCalls() {
  const target = byId("calls");
  const { width, height } = target.getBoundingClientRect();
  if (width === 0) return;
  const [left, right, top, bottom] = [34, 4, 8, 22];
  const now = samples.at(-1).second;
  const wide = (width - left - right) / SHOWN;
  const deep = height - top - bottom;
  const most = niceTop(Math.max(...samples.map(({ calls }) => calls.hits + calls.misses)));
  const y = (number) => top + deep * (1 - number / most);
  const parts = [hatches()];
  for (const tick of [0, most / 2, most]) {
    parts.push(shape("line", { class: tick === 0 ? "base" : "grid", x1: left, x2: width - right, y1: y(tick), y2: y(tick) }));
    parts.push(shape("text", { x: left - 8, y: y(tick) + 4, "text-anchor": "end" }, count(tick)));
  }
  for (const [ago, text, anchor] of [[60, "60 s ago", "start"], [30, "30 s", "middle"], [0, "now", "end"]]) {
    const x = width - right - ago * wide;
    parts.push(shape("text", { x, y: height - 5, "text-anchor": anchor }, text));
  }
  for (const { second, calls } of samples) {
    const ago = now - second;
    if (calls.hits + calls.misses === 0) continue;
    const [x, thick] = [width - right - (ago + 1) * wide, Math.max(wide * 0.76, 2)];
    const bar = shape("g");
    bar.append(shape("title", {}, `${ago} s ago: ${plural(calls.hits, "hit", "hits")}, ${plural(calls.misses, "miss", "misses")}`));
    if (calls.hits > 0) {
      bar.append(shape("rect", { class: "hit", x, y: y(calls.hits), width: thick, height: deep * (calls.hits / most), rx: 1.5 }));
    }
    if (calls.misses > 0) {
      const tall = Math.max(deep * (calls.misses / most) - 1.5, 2);
      const box = { x: x + 0.75, y: y(calls.hits + calls.misses), width: Math.max(thick - 1.5, 1), height: tall, rx: 1.5 };
      bar.append(shape("rect", { class: "miss", ...box }), shape("rect", { fill: "url(#hatches)", ...box }));
    }
    parts.push(bar);
  }
  const [hits, misses] = ["hits", "misses"].map((what) => samples.reduce((sum, { calls }) => sum + calls[what], 0));
  if (hits + misses === 0) {
    const middle = left + (width - left - right) / 2;
    parts.push(shape("text", { class: "empty", x: middle, y: top + deep / 2 - 12, "text-anchor": "middle" }, "No calls yet in this minute: open a page."));
  }
  target.setAttribute("viewBox", `0 0 ${width} ${height}`);
  target.replaceChildren(...parts);
  setText("calls-note", `In the last minute, seen from this browser: ${plural(hits, "hit", "hits")} and ${plural(misses, "miss", "misses")}.`);
  drawTable(now);
}

function hatches() {
  const definitions = shape("defs");
  const pattern = shape("pattern", { id: "hatches", width: 5, height: 5, patternUnits: "userSpaceOnUse" });
  pattern.append(shape("path", { class: "hatch", d: "M-1 6 6 -1" }));
  definitions.append(pattern);
  return definitions;
}

/** An even number, so that half of it is a number of calls. */
function niceTop(most) {
  if (most <= 4) return 4;
  const step = 10 ** Math.floor(Math.log10(most));
  return [1, 2, 4, 6, 8, 10].map((times) => times * step).find((top) => top >= most && top % 2 === 0);
}

function drawTable(now) {
  const rows = [];
  for (let from = 0; from < SHOWN; from += 10) {
    const those = samples.filter(({ second }) => now - second >= from && now - second < from + 10);
    if (those.length === 0) break;
    const sum = (what) => those.reduce((sum, { calls }) => sum + calls[what], 0);
    const { bytes: size, saved } = those.at(-1);
    const cells = [count(sum("hits")), count(sum("misses")), bytes(size), time(saved)];
    rows.push(element("tr", {}, element("th", { scope: "row" }, `${from}–${from + 9}`), ...cells.map((text) => element("td", { class: "number" }, text))));
  }
  byId("calls-table").replaceChildren(...rows);
}

// The report

function drawReport(functions) {
  const rows = functions.map(({ kind, stats, hit_ratio: ratio, time_saved: saved }) => {
    const [path, name] = split(stats.name);
    const of = stats.max_entries === null ? "" : ` of ${count(stats.max_entries)}`;
    const mean = stats.misses === 0 ? "–" : time(seconds(stats.compute_time) / stats.misses);
    const cell = (label, text, more = "") => element("td", { role: "cell", class: `number${more}`, "data-label": label }, text);
    return element(
      "tr",
      { role: "row", "data-function": stats.name },
      element("th", { scope: "row", role: "rowheader" }, element("code", {}, name), element("span", { class: "path" }, `${kind} in ${path}`)),
      cell("Entries", count(stats.entries) + of),
      // What a resource takes, only its type knows.
      cell("Bytes", kind === "singleton" ? "–" : bytes(stats.bytes)),
      cell("Hits", count(stats.hits)),
      cell("Misses", count(stats.misses)),
      element("td", { role: "cell", class: "wide", "data-label": "Ratio" }, element("span", { class: "ratio" }, meter(ratio), `${(100 * ratio).toFixed(0)} %`)),
      cell("Mean", mean),
      cell("Saved", time(seconds(saved))),
    );
  });
  if (rows.length === 0) {
    rows.push(element("tr", { role: "row" }, element("td", { role: "cell", colspan: 8 }, "No function has been called yet.")));
  }
  byId("report").replaceChildren(...rows);
}

function split(name) {
  const at = name.lastIndexOf("::");
  return at < 0 ? ["", name] : [name.slice(0, at), name.slice(at + 2)];
}

function meter(ratio) {
  const made = shape("svg", { class: "meter", viewBox: "0 0 48 6", preserveAspectRatio: "none", "aria-hidden": "true" });
  made.append(shape("rect", { class: "track", width: 48, height: 6, rx: 3 }), shape("rect", { class: "part", width: 48 * ratio, height: 6, rx: 3 }));
  return made;
}

// Events

const LOOKS = { hit: "cached", "store hit": "cached", missed: "computed", failed: "computed", differs: "computed" };

function drawEvents({ seen, left_out: leftOut, events }) {
  const rows = events.map(({ number, at, function: name, key, what, why, took, bytes: size }) => {
    const when = new Date(at);
    const details = [why, took === null ? null : time(took), size === null ? null : bytes(size)].filter((it) => it !== null);
    const call = element("td", {}, element("code", {}, split(name)[1]));
    if (key !== null) call.append(" ", element("code", { class: "key", title: "The id of the call" }, key.slice(0, 8)));
    if (details.length > 0) call.append(element("span", { class: "details" }, details.join(", ")));
    return element(
      "tr",
      { "data-number": number },
      element("td", {}, element("time", { datetime: when.toISOString() }, when.toLocaleTimeString("en-GB"))),
      call,
      element("td", {}, element("span", { class: `badge ${LOOKS[what] ?? "other"}` }, what)),
    );
  });
  byId("events").replaceChildren(...rows);
  const missing = leftOut === 0 ? "" : `, ${count(leftOut)} left out`;
  setText("events-note", `${count(events.length)} of ${count(seen)}${missing}`);
}

// Forms and links: the part that they name is taken out of the page that answers.

const asked = {};

async function load(part, url, options = {}) {
  const target = byId(part);
  const number = (asked[part] ?? 0) + 1;
  asked[part] = number;
  target.setAttribute("aria-busy", "true");
  try {
    const answer = await fetch(url, options);
    const page = new DOMParser().parseFromString(await answer.text(), "text/html");
    if (asked[part] !== number) return;
    const fresh = page.getElementById(part);
    if (fresh === null) {
      complain(target, page.getElementById("failure")?.textContent ?? `The server answered ${answer.status}.`);
      return;
    }
    complain(target, "");
    if (part !== "message") byId("message").textContent = "";
    swap(target, fresh);
    if (part === "rows") {
      copyFields(page);
      setText("said", target.querySelector(".result")?.textContent ?? "");
    }
  } catch {
    if (asked[part] === number) complain(target, "The server does not answer.");
  } finally {
    if (asked[part] === number) target.removeAttribute("aria-busy");
    void poll();
  }
}

/** Says what is wrong where it was asked for, and nothing if there is nothing. */
function complain(target, text) {
  let problem = target.previousElementSibling;
  if (!problem?.matches(".problem")) {
    if (text === "") return;
    problem = element("p", { class: "problem", role: "alert" });
    target.before(problem);
  }
  if (text === "") problem.remove();
  else problem.textContent = text;
}

/** The focus stays where it was, or on what is there instead. */
function swap(target, fresh) {
  const focused = target.contains(document.activeElement) ? document.activeElement.id : "";
  target.replaceChildren(...fresh.childNodes);
  if (focused === "") return;
  const again = byId(focused);
  if (again?.matches("[href]")) again.focus();
  else byId("rows-title").focus();
}

/** The form says which page is shown. */
function copyFields(page) {
  for (const name of ["page_size", "page"]) {
    const field = `[data-part="rows"] input[name="${name}"]`;
    document.querySelector(field).value = page.querySelector(field).value;
  }
}

document.addEventListener("submit", (event) => {
  const form = event.target;
  const { part } = form.dataset;
  if (part === undefined) return;
  event.preventDefault();
  if (form.method === "post") {
    void load(part, form.action, { method: "POST" });
    return;
  }
  const url = new URL(form.action);
  url.search = new URLSearchParams(new FormData(form));
  visit(part, url);
});

document.addEventListener("click", (event) => {
  const link = event.target.closest?.("a.part[href]");
  const isPlain = event.button === 0 && !event.ctrlKey && !event.metaKey && !event.shiftKey && !event.altKey;
  if (!link || !isPlain) return;
  event.preventDefault();
  visit(link.dataset.part, new URL(link.href));
});

/** The place of the rows that are shown: what is explained or squared is not where one is. */
let shown = location.pathname + location.search;

function visit(part, url) {
  const place = url.pathname + url.search;
  if (part === "rows" && place !== shown) {
    history.pushState(null, "", url);
    shown = place;
  }
  void load(part, url);
}

window.addEventListener("popstate", () => {
  const place = location.pathname + location.search;
  // The link to the content is a step of the history as well, and shows nothing else.
  if (place === shown) return;
  shown = place;
  if (location.pathname === "/") void load("rows", location.href);
  else location.reload();
});

document.addEventListener("visibilitychange", pollAgain);
window.addEventListener("resize", () => {
  if (latest === null) return;
  drawTiles(latest.totals);
  drawCalls();
});

for (const hidden of document.querySelectorAll(".scripted")) hidden.hidden = false;
setState("waiting", "waiting for the first numbers");
void poll();
