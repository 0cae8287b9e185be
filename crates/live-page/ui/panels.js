// The parts of the page: each turns what is known now into elements, in place.

import { ChartCard } from "./card.js";
import { rowLines, sparkline, strip } from "./chart.js";
import { $, clone, list, make, prose, set, shown, text, value } from "./dom.js";
import { bytes, capital, clock, millis, number, percent, plain, share, span, usual, words } from "./format.js";
import { KNOWN, circuits, findings, kind, lag, pools, rate, throughput, tiers, worst } from "./measure.js";

const several = (count, word) => `${count} ${word}${count === 1 ? "" : "s"}`;
const sentenceOf = (words) => `${capital(words).replace(/\.$/, "")}.`;
const mark = (element, state) => set(element, "class", `mark ${state}`);

/** Splits "circuit `payments`: the breaker is open" into what it is about and what is wrong. */
export function subject(message) {
  const [, about, rest] = /^([^:]{1,80}): (.+)$/s.exec(message) ?? [];
  return rest ? [about, rest] : ["", message];
}

/* ---- Verdict ---- */

export function verdict(page) {
  const { health } = page, score = health?.score, empty = score == null, known = findings(page.topics);
  // Few points are lost for one part of many, which is no reason to overlook what is wrong.
  const isMixed = health?.status === "healthy" && known[0];
  const word = empty ? "Waiting for data" : capital(health.status) + (isMixed ? ", with issues" : ""), whole = empty ? "–" : String(Math.round(score));
  text($("word"), word + (page.isOld() && !empty ? ", last known" : ""));
  text($("score-number"), whole);
  set($("score"), "aria-label", empty ? "No health score yet" : `Health score ${whole} of 100, ${health.status}`);
  set($("score"), "class", `score is-${empty ? "" : kind(score)}`);
  $("arc").style.strokeDasharray = `${score ? Math.max(1, score) : 0} 100`;
  mark($("mark"), empty ? "" : kind(isMixed ? isMixed.severity : health.status));
  prose($("sentence"), sentence(page, known));
  prose($("facts"), health && known[0] ? facts(page, known[0]) : "");
  text($("tab"), `${page.isOld() ? "(offline) " : ""}${empty ? "" : `${whole} `}${word} · ${page.title}`);
}

/** Says what is wrong, or that nothing is.
 * @param {any} page
 * @param {any[]} known the findings */
function sentence(page, [gravest, ...others]) {
  if (!page.health) return page.newest ? "Connected. Nothing has been recorded yet." : "Connecting to the service.";
  if (gravest) return sentenceOf(gravest.message) + (others.length ? ` ${several(others.length, "more issue")}.` : "");
  const [ended] = page.alerts.filter(({ startsAt, endsAt }) => endsAt && startsAt).sort((a, b) => b.endsAt - a.endsAt);
  if (ended && page.newest - ended.endsAt < 900_000) {
    return `Nothing is wrong now. ${titled(ended)}${ended.component ? ` of \`${ended.component}\`` : ""} ended at ${clock(ended.endsAt)}, after ${span((ended.endsAt - ended.startsAt) / 1000)}.`;
  }
  const parts = Object.values(page.topics).filter((report) => report?.health?.score > 85).length;
  return `Nothing is wrong: ${several(parts, "part")} passed all checks.`;
}

/** Says since when it is so, and which operation suffers most. */
function facts(page, finding) {
  const began = beginning(page, finding) ?? fell(page), most = worst(page.rows, page.store, page.newest / 1000, page.limits.latency?.value);
  const { name, errors, p95, was } = most ?? {}, parts = [`\`${name}\``];
  if (errors) parts.push(`${percent(errors).join(" ")} fail`);
  if (p95) parts.push(`p95 ${millis(p95).join(" ")}${was ? ` (was ${millis(was).join(" ")})` : ""}`);
  return `${began ? `${capital(since(page, began, true))}. ` : ""}${most ? `Worst operation: ${parts.join(", ")}` : "No operation fails or is slower than usual"}.`;
}

/** The beginning of a finding, by the alerts about it, in milliseconds. A rule may wait long before it fires. */
function beginning(page, { topic, component }) {
  const began = page.alerts.filter((alert) => alert.topic === topic && alert.component === component && !alert.endsAt).map(({ activeAt, startsAt }) => activeAt ?? startsAt);
  return began.length ? Math.min(...began) : null;
}

/** A moment in milliseconds, and how long ago it was. */
const since = (page, moment, seconds = false) => `since ${clock(moment, seconds)} (${span(page.now() - moment / 1000)})`;

/** The moment since when the score is low, in milliseconds; `null` if it has only just fallen. */
function fell(page) {
  const score = page.store.peek("score"), now = Math.floor(page.newest / 1000);
  let began = now;
  while (score?.at(began - 1) <= 85) began -= 1;
  return began < now - 3 ? began * 1000 : null;
}

/** The classes that are no good, the worse one last. */
const GRAVE = ["warn", "crit"];

export function ribbon(page, view) {
  const host = $("ribbon"), score = page.store.peek("score"), now = Math.floor(page.now());
  if (!host.firstChild) host.append(...Array.from({ length: 60 }, () => make("i")), clone("frame"));
  // Whole minutes, so that a bar keeps its place until the minute is over.
  const last = Math.floor(now / 60), start = (last - 59) * 60, frame = host.lastChild.style;
  for (let bar = 0; bar < 60; bar += 1) {
    const from = start + bar * 60, to = Math.min(now, from + 59), low = score?.extremes(from, to)[0], known = Number.isFinite(low);
    // An alert colours its minutes, however little it takes from the score.
    const grave = Math.max(GRAVE.indexOf(kind(low)), ...page.alerts.filter(({ startsAt, endsAt, heldBack }) => startsAt && startsAt / 1000 <= to && !(endsAt && endsAt / 1000 < from) && !heldBack?.length).map(({ severity }) => GRAVE.indexOf(kind(severity))));
    set(host.children[bar], "class", known ? GRAVE[grave] ?? "ok" : "");
    host.children[bar].style.height = known ? `${22 + low * 0.78}%` : "";
  }
  const part = (second) => Math.min(100, Math.max(0, (second - start) / 36));
  frame.left = `calc(${part(view.from)}% - 3px)`;
  frame.width = `calc(${Math.max(1, part(view.to + 60) - part(view.from))}% + 4px)`;
  set(host, "aria-valuenow", String(59 - Math.min(59, Math.max(0, Math.round((now - view.to) / 60)))));
  set(host, "aria-valuetext", `${clock(view.to * 1000, false)}, score ${number(score?.at(Math.floor(view.to)))}`);
  const labels = [59, 44, 29, 14].map((back) => clock((last - back) * 60_000, false)).concat("now");
  list($("hour-scale"), "hour", labels, (label) => label, text);
}

const AREAS = { performance: "Performance", cache: "Cache", database: "Database", "circuit-breaker": "Breakers", system: "System" };
const named = (topic) => AREAS[topic] ?? words(topic.replace(/-/g, "_"));
const anchor = (topic) => (topic === "performance" ? "latency" : topic);

/** The areas: one for each topic, with a place for monitors of the host's own. */
export function areas(page) {
  const own = Object.keys(page.topics).filter((topic) => !KNOWN.includes(topic));
  const all = [...Object.keys(AREAS).filter((topic) => page.topics[topic]), ...own];
  page.areas = all.map(anchor);
  list($("areas"), "area", all, (topic) => topic, (link, topic, at) => {
    let health = page.topics[topic].health;
    const runtime = topic === "system" && page.topics.runtime?.health;
    if (runtime && runtime.score != null && !(health?.score <= runtime.score)) health = runtime;
    const state = health?.score == null ? "" : kind(health.level ?? health.status), [sign, name, key, points, bar] = link.children;
    set(link, "href", `#${anchor(topic)}`);
    set(link, "class", `is-${state}`);
    mark(sign, state);
    text(name, named(topic));
    if (shown(key, at < 9)) text(key, String(at + 1));
    text(points, health?.score == null ? "–" : String(Math.round(health.score)));
    bar.firstChild.style.width = `${health?.score ?? 0}%`;
  });
}

/* ---- Numbers ---- */

export function numbers(page, view) {
  const { topics, store } = page, { performance, database, system } = topics, name = page.operation(), row = page.op && page.rows.get(name);
  const operation = page.rows.get(name), [tier, report] = tiers(topics.cache)[0] ?? [], hits = report?.metrics.hitRate;
  const [pool, state] = pools(database).sort((a, b) => b[1].metrics.activeConnections - a[1].metrics.activeConnections)[0] ?? [];
  const waiting = state?.metrics.waitingClients, late = lag(system), requests = row ? rate(row) : throughput(performance), errors = row ? row.errors : page.errors;
  const level = (at, warn, crit) => (at >= crit ? "crit" : at >= warn ? "warn" : "");
  /** @type {[string, number|null|undefined, (value: any) => [string, string], string?, string?, string?][]} */
  const all = [
    [row ? "" : "requests", requests, plain("/s")],
    [`operation/${name}/p95`, operation?.p95, millis, level(operation?.p95, page.limits.latency?.value)],
    [row ? "" : "errors", errors, percent, level(errors, 1, 5)],
    [`tier/${tier}`, hits && hits * 100, percent, hits < report?.thresholds?.hitRate ? "warn" : "", tier],
    [`pool/${pool}/used`, state?.metrics.activeConnections, plain(""), level(waiting, 1, state?.thresholds?.waitingClients), state && (waiting ? `${waiting} waiting` : `${pool}, nobody waits`), state && `of ${state.metrics.maxConnections}`],
    ["lag", late, millis, level(late, system?.thresholds?.lagWarn, system?.thresholds?.lagFail)],
  ];
  page.sparks = all.map(([key, now, show, state, about, unit], index) => {
    const element = $("numbers").children[index], [label, numeral, note, before] = element.firstElementChild.children, series = store.peek(key);
    const at = show(now), [was, until] = series?.shift(Math.floor(view.now)) ?? [];
    if (!index) text(label, row ? "Calls" : "Requests");
    value(numeral, [at[0], unit ?? at[1]]);
    text(note, about ?? (at[0] === "–" ? "no data" : usual(now, series?.median(view.now - 3600, view.now)) || "no history yet"));
    text(before, until ? `was ${show(was).join(" ").trim()} until ${clock(until * 1000, false)}` : "");
    set(element, "class", `number ${state ?? ""}`);
    return { host: element.lastElementChild, key, color: index % 3 ? "s2" : "s1" };
  });
}

/* ---- Cards with charts ---- */

const LADDER = ["s1", "s2", "s3", "s4"];
const labelled = (value, text) => (value ? { value, label: text } : null);
const one = (key, color, label) => [{ key, color, label, fill: true }];

/** Makes the cards that the topics call for; each is made once. */
export function cards(page) {
  const { topics } = page, { performance, cache, database, system } = topics, limits = system?.thresholds;
  const card = (name, is, given) => {
    const section = $(name);
    if (shown(section, is) && !page.made.has(name)) page.made.set(name, new ChartCard(page, section, given));
    return page.made.get(name);
  };
  const calls = card("requests", performance, { lines: one("requests", "s1", "all"), show: plain("/s") });
  if (calls) calls.limit = collapse(page);
  card("errors", performance, { lines: one("errors", "s2", "5xx"), show: percent, axis: { to: 1 } });
  cacheCard(card("cache", cache, { show: percent, axis: { from: 60, to: 100 }, legend: false }), tiers(cache));
  for (const [name, pool] of pools(database).slice(0, 8)) {
    const key = `pool/${name}`;
    if (!page.made.has(key)) page.made.set(key, newPool(page, name, key));
    poolCard(page.made.get(key), pool);
  }
  card("system", system, { lines: one("cpu", "s1", "process"), show: percent, axis: { to: 10 } });
  const memory = card("memory", system, { lines: one("memory", "s1", "process"), show: bytes, tick: (value) => bytes(value).join(" "), axis: { unit: 1 << 20 } });
  const late = card("lag", system, { lines: one("lag", "s1", "p99"), show: millis });
  if (!system) return;
  const most = system.process?.memoryLimitBytes * limits?.memoryFail;
  memory.limit = labelled(most, `limit ${bytes(most).join(" ")}`);
  late.limit = labelled(limits?.lagWarn, `p99 limit ${millis(limits?.lagWarn).join(" ")}`);
}

/** The limit of the throughput: a share of the hour's mean, once ten minutes of it are known. */
function collapse({ collapse: [least, part], newest, store }) {
  const known = store.peek("requests")?.known(newest / 1000 - 3600, newest / 1000, 1) ?? [], mean = known.reduce((a, b) => a + b, 0) / known.length;
  return known.length >= 600 && mean >= least ? { value: mean * part, label: `limit ${number(mean * part)} /s` } : null;
}

function cacheCard(card, all) {
  if (!card) return;
  card.lines = all.slice(0, 4).map(([name], at) => ({ key: `tier/${name}`, color: LADDER[at], label: name }));
  const limit = all[0]?.[1].thresholds?.hitRate * 100;
  card.limit = labelled(limit, `at least ${number(limit)} %`);
  list($("tiers"), "tier", all, ([name]) => name, (element, [name, { metrics }], at) => {
    const [label, rate, bar, about] = element.children;
    set(element, "data-tier", name);
    text(label, name);
    value(rate, share(metrics.hitRate));
    bar.firstChild.style.width = `${(metrics.hitRate ?? 0) * 100}%`;
    bar.firstChild.style.background = `var(--${LADDER[Math.min(at, 3)]})`;
    text(about, metrics.entries == null ? "" : `${number(metrics.entries)} entries`);
  });
}

function newPool(page, name, key) {
  const section = clone("pool");
  if (!$("database")) section.id = "database";
  set(section, "data-pool", name);
  $("resources").append(section);
  const card = new ChartCard(page, section, { lines: [{ key: `${key}/used`, color: "s2", label: "in use", fill: true }, { key: `${key}/waiting`, color: "warn-fill", label: "waiting", bars: true }], show: plain(""), legend: false });
  text(card.note, name);
  return card;
}

function poolCard(card, { metrics, thresholds }) {
  const { activeConnections: used, idleConnections: idle, maxConnections: most, waitingClients: waits, p95WaitTime: wait, oldestWait } = metrics;
  const [picture, levels] = card.section.children[1].children, [seats, waiting] = picture.children;
  card.axis = { to: most };
  card.limit = labelled(thresholds?.waitingClients, `waiting limit ${thresholds?.waitingClients}`);
  set(seats, "aria-label", `${used} of ${most} connections in use, ${idle} idle`);
  const count = Math.min(60, most ?? 0), part = (value) => Math.round((value / (most || 1)) * count);
  const kinds = Array.from({ length: count }, (_, at) => (at < part(used) ? "used" : at < part(used + idle) ? "idle" : ""));
  list(seats, "bar", [...kinds.keys()], String, (seat, at) => set(seat, "class", kinds[at]));
  const note = waiting.lastElementChild;
  while (waiting.children.length > Math.min(12, waits ?? 0) + 1) waiting.firstElementChild.remove();
  while (waiting.children.length < Math.min(12, waits ?? 0) + 1) waiting.prepend(make("i"));
  text(note, waits ? `${waits} waiting${oldestWait ? `, the longest for ${millis(oldestWait).join(" ")}` : ""}` : "nobody waits");
  const rows = [["in use", used], ["idle", idle], ["waiting", waits, waits], ["wait p95", wait, wait > thresholds?.slowWait]];
  list(levels, "level", rows, ([label]) => label, (row, [label, count, isBad]) => {
    set(row, "class", isBad ? "warn" : "");
    text(row.firstChild, label);
    text(row.lastChild.firstChild, label === "wait p95" ? millis(count).join(" ") : String(count ?? "–"));
  });
}

/* ---- Breakers ---- */

const STATES = { CLOSED: "closed", HALF_OPEN: "half-open", OPEN: "open" };

function counts(host, all, signs) {
  list(host, "count", all.filter(([, count]) => count), ([state]) => state, (element, [state, count, label]) => {
    mark(element.firstChild, signs(state));
    text(element.children[1], String(count));
    text(element.lastChild, label);
  });
}

export function breakers(page) {
  const all = circuits(page.topics["circuit-breaker"]);
  if (!shown($("circuit-breaker"), all.length)) return;
  counts($("circuit-counts"), Object.entries(STATES).map(([state, label]) => [state, all.filter(({ metrics }) => metrics.state === state).length, label]), kind);
  // Those that are not closed come first.
  const sorted = all.slice(0, 100).sort((a, b) => Number(a.metrics.state === "CLOSED") - Number(b.metrics.state === "CLOSED"));
  list($("circuits"), "circuit", sorted, ({ service }) => service, (row, { service, metrics, failureRate }) => {
    const [name, pill, , about] = row.children, state = kind(metrics.state);
    set(row, "data-breaker", service);
    set(name, "title", service);
    text(name, service);
    set(pill, "class", `pill ${state}`);
    mark(pill.firstChild, state);
    text(pill.lastChild, STATES[metrics.state] ?? metrics.state);
    text(about.firstChild, share(failureRate).join(" "));
  });
  page.strips = sorted.map(({ service }) => ({ host: $("circuits").kept.get(service).children[2], key: `breaker/${service}` }));
}

/* ---- Operations ---- */

/** The columns of the table: a value of a row, and how it is shown. */
const COLUMNS = {
  rate: [rate, (at) => [number(at), ""]],
  p50: [(it) => it.p50, millis], p95: [(it) => it.p95, millis], p99: [(it) => it.p99, millis], max: [(it) => it.max, millis],
  errors: [(it) => it.errors, (at) => (at == null ? ["–", ""] : percent(at))],
};
const ROWS = 100;

export function operations(page) {
  const all = page.rows, body = $("rows"), column = COLUMNS[page.sort];
  // Forty rows cost as much as all else, and numbers that change faster are hard to read.
  if (!shown($("operations"), all.size) || page.newest - body.told < 1500) return;
  body.told = page.newest;
  for (const head of $("columns").children) {
    const { column } = head.dataset, isIt = column === page.sort, isUp = column === "name";
    if (isIt) set(head, "aria-sort", isUp ? "ascending" : "descending");
    else head.removeAttribute("aria-sort");
    if (column) head.firstChild.dataset.order = isIt ? (isUp ? " ↑" : " ↓") : "";
  }
  // The order is kept for five seconds, and while the pointer is on the table: rows that move are hard to read.
  if (!body.order || all.size !== body.order.length || (page.newest - body.at > 4500 && !$("operations").matches(":hover"))) {
    body.at = page.newest;
    const size = (name) => column && (column[0](all.get(name)) || 0);
    body.order = [...all.keys()].sort((a, b) => size(b) - size(a) || a.localeCompare(b));
  }
  const names = body.order.filter((name) => all.has(name)).slice(0, ROWS), limit = page.limits.latency?.value, left = all.size - names.length;
  list(body, "row", names, (name) => name, (row, name) => {
    const it = all.get(name), button = row.firstChild.firstChild;
    set(row, "class", page.op === name ? "chosen" : "");
    set(row, "data-operation", name);
    row.onclick = () => page.choose(name);
    text(button, name);
    Object.entries(COLUMNS).forEach(([id, [of, show]], at) => {
      const cell = row.children[at + 1];
      value(cell, show(of(it)));
      const state = id === "p95" && it.p95 > limit ? "warn" : id === "errors" && it.errors >= 1 ? (it.errors >= 5 ? "crit" : "warn") : "";
      cell.style.color = state && `var(--${state})`;
    });
  });
  page.lines = names.map((name) => `operation/${name}/p95`);
  if (shown($("rows-left"), left)) text($("rows-left"), `${left} more operations are not shown.`);
}

/* ---- Issues and alerts ---- */

export function issues(page) {
  const all = findings(page.topics), few = 4, more = all.length - few, many = (state) => all.filter((it) => kind(it.severity) === state).length;
  if (shown($("more-issues"), more > 0)) text($("more-issues"), page.allIssues ? "Show fewer" : `Show ${more} more`);
  shown($("no-issues"), !all.length);
  counts($("issue-counts"), ["crit", "warn"].map((state) => [state, many(state), ""]), (state) => state);
  list($("issues"), "issue", all.slice(0, page.allIssues ? 50 : few), ({ topic, code, component }) => `${topic}/${code}/${component}`, (row, finding) => {
    const { topic, code, component, severity, message, advice } = finding, [title, what, action] = row.children, [sign, name, note] = title.children;
    const [about, rest] = subject(message), began = beginning(page, finding);
    set(row, "data-topic", topic);
    set(row, "data-code", code);
    mark(sign, kind(severity));
    prose(name, about ? capital(about) : `\`${component ?? topic}\``);
    name.disabled = !began;
    name.onclick = () => page.showTime(began / 1000);
    text(note, began ? since(page, began) : severity);
    prose(what, sentenceOf(rest));
    if (shown(action, advice)) prose(action, sentenceOf(advice));
  });
}

/** What an alert is called: a rule over all findings is called by the finding. */
const titled = ({ name, labels }) => words((name === "MonitorFinding" && labels?.code) || name);

export function alerts(page) {
  const since = page.newest - 3600_000;
  const all = page.alerts.filter(({ startsAt, endsAt, heldBack, state }) => startsAt && (endsAt ?? Infinity) > since && !(heldBack?.length && state !== "resolved"));
  all.sort((a, b) => Number(!!a.endsAt) - Number(!!b.endsAt) || (b.endsAt ?? b.startsAt) - (a.endsAt ?? a.startsAt));
  shown($("no-alerts"), !all.length);
  list($("alerts"), "alert", all.slice(0, 20), ({ id, startsAt }) => `${id}/${startsAt}`, (row, alert) => {
    const { name, component, message, severity, startsAt, endsAt } = alert, [sign, button, time, about] = row.children;
    set(row, "data-alert", name);
    set(row, "class", endsAt ? "done" : "");
    set(row, "data-state", endsAt ? "resolved" : "firing");
    mark(sign, endsAt ? "ok" : kind(severity));
    text(button, titled(alert) + (component ? ` · ${component}` : ""));
    button.onclick = () => page.showTime(startsAt / 1000);
    text(time, clock(endsAt ?? startsAt));
    prose(about, endsAt ? `resolved after ${span((endsAt - startsAt) / 1000)}` : message);
  });
}

/** Vertical lines where alerts began, for the chart of the latency. */
export const marks = (page) => page.alerts
  .filter(({ startsAt, heldBack }) => startsAt && !heldBack?.length)
  .map((alert) => ({ second: alert.startsAt / 1000, label: titled(alert) }))
  .sort((a, b) => a.second - b.second);

/* ---- Monitors of the host's own ---- */

/** A card for each topic that the page does not know: its state and its numbers. */
export function others(page) {
  const own = Object.keys(page.topics).filter((topic) => !KNOWN.includes(topic));
  list($("others"), "own", own, (topic) => topic, (card, topic) => {
    card.id = topic;
    text(card.firstChild.firstChild, named(topic));
    list(card.lastChild, "fact", leaves(page.topics[topic]).slice(0, 40), ([name]) => name, (fact, [name, shown]) => {
      set(fact.firstChild, "title", name);
      text(fact.firstChild, name);
      text(fact.lastChild, shown);
    });
  });
}

function leaves(report, prefix = "") {
  return Object.entries(report ?? {}).flatMap(([name, at]) => {
    if (!prefix && ["timestamp", "health", "thresholds"].includes(name)) return [];
    if (at && typeof at === "object") return leaves(at, `${prefix}${name} `);
    return [[words(prefix + name.replace(/([A-Z])/g, "_$1")), typeof at === "number" ? number(at) : String(at ?? "–")]];
  });
}

/* ---- Drawing ---- */

export function drawSmall(page, view) {
  const hour = { ...view, from: view.now - 3600, to: view.now }, { store } = page;
  for (const { host, key, color } of page.sparks) sparkline(host, store.peek(key), color, view);
  rowLines($("lines"), page.lines, view);
  for (const { host, key } of page.strips) strip(host, store.peek(key), hour);
  for (const { host, key } of page.customs) sparkline(host, store.peek(key), "s4", view);
}
