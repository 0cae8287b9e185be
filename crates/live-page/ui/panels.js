// The parts of the page: each turns what is known now into elements, in place.

import { ChartCard } from "./card.js";
import { sparkline, strip } from "./chart.js";
import { $, list, make, prose, set, text, value } from "./dom.js";
import { bytes, clock, millis, number, plain, share, span, usual, words } from "./format.js";
import { KNOWN, circuits, findings, kind, lag, pools, rate, throughput, tiers } from "./measure.js";

const WORDS = { healthy: "Healthy", degraded: "Degraded", unhealthy: "Unhealthy", unknown: "Waiting for data" };
const percent = (shown) => [number(shown), "%"];
const capital = (sentence) => sentence.charAt(0).toUpperCase() + sentence.slice(1);
const mark = (state) => make("span", { class: `mark ${state}` });

/** Splits "circuit `payments`: the breaker is open" into what it is about and what is wrong. */
export function subject(message) {
  const [, about, rest] = /^([^:]{1,80}): (.+)$/s.exec(message) ?? [];
  return rest ? [about, rest] : [null, message];
}

/* ---- Verdict ---- */

/** The status of a score, by the thresholds that the service has as well. */
export const status = (score) => ({ ok: "healthy", warn: "degraded", crit: "unhealthy" })[kind(score)];

export function verdict(page) {
  const { health, topics, store } = page, score = health?.score ?? null;
  // Few points are lost for one part of many, which is no reason to overlook what is wrong.
  const [worst] = findings(topics), isMixed = health?.status === "healthy" && worst;
  const empty = score === null, state = empty ? "" : kind(isMixed ? worst.severity : health.status);
  const word = (WORDS[health?.status] ?? WORDS.unknown) + (isMixed ? ", with issues" : ""), old = page.isOld() && !empty ? ", last known" : "";
  text($("word"), word + old);
  text($("score-number"), empty ? "–" : String(Math.round(score)));
  set($("score"), "aria-label", empty ? "No health score yet" : `Health score ${Math.round(score)} of 100, ${health.status}`);
  set($("score"), "class", `score is-${empty ? "" : kind(score)}`);
  $("arc").style.strokeDasharray = `${score ? Math.max(1, score) : 0} 100`;
  set($("mark"), "class", `mark ${state}`);
  prose($("sentence"), sentence(page, findings(topics), store));
  const title = `${empty ? "" : `${Math.round(score)} `}${word} · ${page.title}`;
  document.title = page.isOld() ? `(offline) ${title}` : title;
}

/** Says what is wrong and since when, or that nothing is. */
function sentence(page, found, store) {
  if (!page.health) return page.newest ? "Connected. Nothing has been recorded yet." : "Connecting to the service.";
  const score = store.peek("score"), now = Math.floor(page.newest / 1000);
  let began = null;
  if (score) {
    let second = now;
    for (; second > now - 3600 && !(score.at(second) > 85); second -= 1) if (score.at(second) <= 85) began = second;
  }
  if (found.length) {
    const [worst] = found, firing = page.alerts.filter(({ topic, startsAt, endsAt }) => topic === worst.topic && startsAt && !endsAt);
    if (firing.length) began ??= Math.min(...firing.map(({ startsAt }) => startsAt)) / 1000;
    const since = began && began < now - 4 ? ` Since ${clock(began * 1000)}.` : "";
    const others = found.length > 1 ? ` ${found.length - 1} more ${found.length === 2 ? "issue" : "issues"} beside it.` : "";
    return `${capital(worst.message)}.${since}${others}`;
  }
  const ended = page.alerts.filter((alert) => alert.endsAt && alert.startsAt).sort((a, b) => b.endsAt - a.endsAt)[0];
  if (ended && page.newest - ended.endsAt < 900_000) {
    return `Nothing is wrong now. ${titled(ended)}${ended.component ? ` of \`${ended.component}\`` : ""} ended at ${clock(ended.endsAt)}, after ${span((ended.endsAt - ended.startsAt) / 1000)}.`;
  }
  const parts = Object.values(page.topics).filter((report) => report?.health?.score > 85).length;
  return `Nothing is wrong: ${parts} ${parts === 1 ? "part has" : "parts have"} passed all checks.`;
}

export function ribbon(page, view) {
  const host = $("ribbon"), score = page.store.peek("score"), now = Math.floor(page.now());
  if (!host.firstChild) {
    for (let bar = 0; bar < 60; bar += 1) host.append(make("i"));
    host.append(make("span", { class: "frame" }));
  }
  // Whole minutes, so that a bar keeps its place until the minute is over.
  const last = Math.floor(now / 60);
  for (let bar = 0; bar < 60; bar += 1) {
    const from = (last - 59 + bar) * 60, element = host.children[bar];
    const [low] = score ? score.extremes(from, Math.min(now, from + 59)) : [Infinity];
    const known = Number.isFinite(low);
    set(element, "class", known ? kind(low) : "");
    element.style.height = known ? `${22 + low * 0.78}%` : "3px";
  }
  const start = (last - 59) * 60, frame = host.lastChild, part = (second) => Math.min(100, Math.max(0, ((second - start) / 3600) * 100));
  frame.style.left = `calc(${part(view.from)}% - 3px)`;
  frame.style.width = `calc(${Math.max(1, part(view.to + 60) - part(view.from))}% + 4px)`;
  const back = Math.min(59, Math.max(0, Math.round((now - view.to) / 60)));
  set(host, "aria-valuenow", String(59 - back));
  const at = score ? score.at(Math.floor(view.to)) : NaN;
  set(host, "aria-valuetext", `${clock(view.to * 1000, false)}, score ${Number.isNaN(at) ? "unknown" : Math.round(at)}`);
  const labels = [59, 44, 29, 14].map((back) => clock((last - back) * 60_000, false)).concat("now");
  list($("hour-scale"), labels, (label) => label, (label) => make("span", {}, label));
}

/** The areas: one for each topic, with a place for monitors of the host's own. */
export function areas(page) {
  const names = { performance: "Performance", cache: "Cache", database: "Database", "circuit-breaker": "Breakers", system: "System" };
  const own = Object.keys(page.topics).filter((topic) => !KNOWN.includes(topic));
  const all = [...Object.keys(names).filter((topic) => page.topics[topic]), ...own].map((topic, at) => {
    const health = worse(page.topics[topic]?.health, topic === "system" ? page.topics.runtime?.health : null);
    return { topic, at, health, name: names[topic] ?? words(topic.replace(/-/g, "_")) };
  });
  page.areas = all.map(({ topic }) => anchor(topic));
  list($("areas"), all, ({ topic }) => topic,
    ({ topic, at, name }) => make("a", { href: `#${anchor(topic)}` }, mark(""), make("span", { class: "name" }, name),
      make("kbd", at > 8 ? { hidden: true } : {}, String(at + 1)), make("span", { class: "points" }), make("span", { class: "bar" }, make("i"))),
    (link, { health }) => {
      const state = health?.score == null ? "" : kind(health.level ?? health.status);
      set(link.firstChild, "class", `mark ${state}`);
      set(link, "class", `is-${state}`);
      text(link.children[3], health?.score == null ? "–" : String(Math.round(health.score)));
      link.lastChild.firstChild.style.width = `${health?.score ?? 0}%`;
    });
}

const anchor = (topic) => ({ performance: "latency" })[topic] ?? topic;
const worse = (one, other) => (other?.score != null && !(one?.score <= other.score) ? other : one);

/* ---- Numbers ---- */

export function numbers(page, view) {
  const { topics, store } = page, { performance, database, system } = topics, name = page.operation();
  const operation = performance?.operations?.[name], [tier, report] = tiers(topics.cache)[0] ?? [];
  const [pool, state] = pools(database).sort((a, b) => b[1].metrics.activeConnections - a[1].metrics.activeConnections)[0] ?? [];
  const waiting = state?.metrics.waitingClients ?? 0, limits = state?.thresholds, failed = store.peek("errors");
  const all = [
    { id: "requests", name: page.op ? "Calls" : "Requests", shown: [number(page.op ? rate(operation) : throughput(performance)), "/s"], now: page.op ? null : throughput(performance), key: page.op ? null : "requests", color: "s1" },
    { id: "p95", name: "Latency p95", shown: millis(operation?.p95), now: operation?.p95, key: `operation/${name}/p95`, color: "s2" },
    { id: "errors", name: "Errors", shown: [number(page.errors), "%"], now: page.errors, key: "errors", color: "s2", state: page.errors >= 5 ? "crit" : page.errors >= 1 ? "warn" : "", missing: !failed },
    { id: "hits", name: "Cache hits", shown: share(report?.metrics.hitRate), about: tier, key: `tier/${tier}`, color: "s1", state: report?.metrics.hitRate < report?.thresholds?.hitRate ? "warn" : "" },
    { id: "pool", name: "Pool in use", shown: [state ? String(state.metrics.activeConnections) : "–", state ? `of ${state.metrics.maxConnections}` : ""], about: state && (waiting ? `${waiting} waiting` : `${pool}, nobody waits`), key: `pool/${pool}/used`, color: "s2", state: waiting > limits?.waitingClients ? "crit" : waiting ? "warn" : "" },
    { id: "lag", name: "Runtime lag", shown: millis(lag(system)), now: lag(system), key: "lag", color: "s1", state: lag(system) > system?.thresholds?.lagFail ? "crit" : lag(system) > system?.thresholds?.lagWarn ? "warn" : "" },
  ];
  list($("numbers"), all, ({ id }) => id,
    ({ id, name }) => make("div", { class: "number", "data-number": id }, make("dl", {}, make("dt", {}, name), make("dd", { class: "value" }), make("dd", { class: "about" })), make("canvas", { "aria-hidden": true })),
    (element, { name, shown, about, now, key, state }) => {
      const [label, numeral, note] = element.firstChild.children, series = store.peek(key);
      text(label, name);
      value(numeral, shown);
      const median = series && now != null ? series.median(view.now - 3600, view.now) : NaN;
      text(note, about ?? (shown[0] === "–" ? "no data" : usual(now, median) || "no history yet"));
      set(element, "class", `number ${state ?? ""}`);
    });
  page.sparks = all.map(({ id, key, color }) => ({ host: $("numbers").kept.get(id).lastChild, key, color }));
}

/* ---- Cards with charts ---- */

const LADDER = ["s1", "s2", "s3", "s4"];

/** Makes the cards that the topics call for; each is made once. */
export function cards(page) {
  const { topics, made } = page, once = (key, make) => made.get(key) ?? made.set(key, make()).get(key);
  if (topics.performance) {
    once("requests", () => add("traffic", new ChartCard(page, { title: "Throughput", note: "requests a second", lines: [{ key: "requests", color: "s1", label: "all", fill: true }], show: plain("/s") })));
    once("errors", () => add("traffic", new ChartCard(page, { title: "Errors", note: "share of requests", lines: [{ key: "errors", color: "s2", label: "5xx", fill: true }], show: percent, axis: { to: 1 } })));
  }
  if (topics.cache) once("cache", () => add("resources", cacheCard(page))).refresh(topics.cache);
  for (const [name] of pools(topics.database).slice(0, 8)) {
    once(`pool/${name}`, () => add("resources", poolCard(page, name))).refresh(topics.database.pools[name]);
  }
  if (topics.system) {
    once("cpu", () => add("system", new ChartCard(page, { title: "CPU", note: "of one core", lines: [{ key: "cpu", color: "s1", label: "process", fill: true }], show: percent, axis: { to: 10 }, tall: 120 })));
    once("memory", () => add("system", new ChartCard(page, { title: "Memory", note: "resident", lines: [{ key: "memory", color: "s1", label: "process", fill: true }], show: bytes, tick: (value) => bytes(value).join(" "), axis: { unit: 1 << 20 }, tall: 120 })));
    once("lag", () => {
      const limit = topics.system.thresholds?.lagWarn;
      return add("system", new ChartCard(page, { title: "Runtime lag", note: "of wake-ups", lines: [{ key: "lag", color: "s1", label: "p95", fill: true }], show: millis, limit: limit ? { value: limit, label: `limit ${millis(limit).join(" ")}` } : null, tall: 120 }));
    });
  }
}

function add(host, card) {
  $(host).append(card.section);
  return card;
}

function cacheCard(page) {
  const section = make("section", { class: "card", id: "cache" }), list_ = make("div", { class: "tiers" });
  const card = new ChartCard(page, { title: "Cache", note: "hit rate by tier", lines: [], show: percent, axis: { from: 60, to: 100 } }, section);
  section.insertBefore(list_, card.plot);
  card.key = () => {};
  card.refresh = (cache) => {
    const all = tiers(cache);
    card.lines = all.slice(0, 4).map(([name], at) => ({ key: `tier/${name}`, color: LADDER[at], label: name }));
    const limit = all[0]?.[1].thresholds?.hitRate;
    card.limit = limit ? { value: limit * 100, label: `at least ${number(limit * 100)} %` } : null;
    list(list_, all, ([name]) => name,
      ([name]) => make("dl", { class: "tier", "data-tier": name }, make("dt", {}, name), make("dd", { class: "value" }), make("dd", { class: "bar" }, make("i")), make("dd", { class: "about" })),
      (element, [name, { metrics }]) => {
        value(element.children[1], share(metrics.hitRate));
        const bar = element.children[2].firstChild, at = all.findIndex(([other]) => other === name);
        bar.style.width = `${(metrics.hitRate ?? 0) * 100}%`;
        bar.style.background = `var(--${LADDER[Math.min(at, 3)]})`;
        const full = metrics.entries == null ? "" : `${number(metrics.entries)} entries`;
        text(element.lastChild, full);
      });
  };
  return card;
}

function poolCard(page, name) {
  const section = make("section", { class: "card" });
  if (!document.getElementById("database")) section.id = "database";
  const seats = make("div", { class: "seats", role: "img" }), waiting = make("div", { class: "waiting" });
  const levels = make("dl", { class: "levels" });
  const lines = [{ key: `pool/${name}/used`, color: "s2", label: "in use", fill: true }, { key: `pool/${name}/waiting`, color: "warn-fill", label: "waiting", bars: true }];
  const card = new ChartCard(page, { title: "Database pool", lines, show: plain("") }, section);
  section.insertBefore(make("div", { class: "pool" }, make("div", {}, seats, waiting), levels), card.plot);
  card.key = () => {};
  text(card.note, name);
  card.note.classList.add("mono");
  card.refresh = ({ metrics, thresholds }) => {
    const { activeConnections: used, idleConnections: idle, maxConnections: most, waitingClients: waits } = metrics;
    card.axis = { to: most };
    set(section, "data-pool", name);
    set(seats, "aria-label", `${used} of ${most} connections in use, ${idle} idle`);
    const count = Math.min(60, most ?? 0), part = (value) => Math.round((value / (most || 1)) * count);
    const kinds = Array.from({ length: count }, (_, at) => (at < part(used) ? "used" : at < part(used + idle) ? "idle" : ""));
    while (seats.children.length > count) seats.lastChild.remove();
    kinds.forEach((kind, at) => set(seats.children[at] ?? seats.appendChild(make("i")), "class", kind));
    const dots = Math.min(12, waits ?? 0), said = waits ? `${waits} waiting${metrics.oldestWait ? `, the longest for ${millis(metrics.oldestWait).join(" ")}` : ""}` : "nobody waits";
    while (waiting.children.length > dots + 1) waiting.firstChild.remove();
    if (!waiting.lastChild) waiting.append(make("span"));
    while (waiting.children.length < dots + 1) waiting.prepend(make("i"));
    text(waiting.lastChild, said);
    const rows = [["in use", used, ""], ["idle", idle, ""], ["waiting", waits, waits ? "warn" : ""], ["wait p95", metrics.p95WaitTime, metrics.p95WaitTime > thresholds?.slowWait ? "warn" : ""]];
    list(levels, rows, ([label]) => label,
      ([label]) => make("div", {}, make("dt", {}, label), make("dd", {}, make("b"))),
      (row, [label, count, state]) => {
        set(row, "class", state);
        text(row.lastChild.firstChild, label === "wait p95" ? millis(count).join(" ") : String(count ?? "–"));
      });
  };
  return card;
}

/* ---- Breakers ---- */

export function breakers(page) {
  const host = $("circuit-breaker"), all = circuits(page.topics["circuit-breaker"]);
  host.hidden = !all.length;
  if (!all.length) return;
  if (!host.firstChild) {
    host.append(make("header", {}, make("h2", {}, "Circuit breakers"), make("span", { class: "note" }, "state over the last hour"), make("span", { class: "counts" })), make("ol", { class: "breakers" }));
  }
  const labels = { CLOSED: "closed", HALF_OPEN: "half-open", OPEN: "open" };
  const counts = Object.keys(labels).map((state) => [state, all.filter(({ metrics }) => metrics.state === state).length]).filter(([, count]) => count);
  list(host.querySelector(".counts"), counts, ([state]) => state,
    ([state]) => make("span", {}, mark(kind(state)), make("b"), labels[state]), (element, [, count]) => text(element.children[1], String(count)));
  // Those that are not closed come first.
  const sorted = all.slice(0, 100).sort((a, b) => (a.metrics.state === "CLOSED") - (b.metrics.state === "CLOSED"));
  list(host.lastChild, sorted, ({ service }) => service,
    ({ service }) => make("li", { "data-breaker": service }, make("span", { class: "name", title: service }, service), make("span", { class: "pill" }), make("canvas", { "aria-hidden": true }), make("span", { class: "about" }, make("b"), " fail")),
    (row, { metrics, failureRate }) => {
      const pill = row.children[1], state = kind(metrics.state);
      if (pill.dataset.state !== metrics.state) {
        pill.dataset.state = metrics.state;
        set(pill, "class", `pill ${state}`);
        pill.replaceChildren(mark(state), labels[metrics.state] ?? metrics.state);
      }
      text(row.lastChild.firstChild, share(failureRate).join(" "));
    });
  page.strips = sorted.map(({ service }) => ({ host: host.lastChild.kept.get(service).children[2], key: `breaker/${service}` }));
}

/* ---- Operations ---- */

const COLUMNS = [
  { id: "name", name: "Operation", of: ([name]) => name },
  { id: "rate", name: "Calls / s", of: ([, it]) => rate(it), show: (at) => [number(at), ""] },
  { id: "p50", name: "p50", of: ([, it]) => it.p50, show: millis, wide: true },
  { id: "p95", name: "p95", of: ([, it]) => it.p95, show: millis },
  { id: "p99", name: "p99", of: ([, it]) => it.p99, show: millis },
  { id: "max", name: "Max", of: ([, it]) => it.max, show: millis, wide: true },
];
const ROWS = 100;

export function operations(page) {
  const host = $("operations"), all = Object.entries(page.topics.performance?.operations ?? {});
  host.hidden = !all.length;
  if (!all.length) return;
  if (!host.firstChild) operationsTable(page, host);
  const column = COLUMNS.find(({ id }) => id === page.sort) ?? COLUMNS[3], body = host.querySelector("tbody");
  for (const head of host.querySelectorAll("thead th[data-column]")) {
    const isIt = head.dataset.column === column.id, title = COLUMNS.find(({ id }) => id === head.dataset.column).name;
    if (isIt) set(head, "aria-sort", column.id === "name" ? "ascending" : "descending");
    else head.removeAttribute("aria-sort");
    text(head.firstChild, isIt ? `${title} ${column.id === "name" ? "↑" : "↓"}` : title);
  }
  // The order stays while the pointer is on the table, so that no row moves away under it.
  const known = body.order ?? [];
  if (!host.matches(":hover") || all.length !== known.length) {
    const compare = column.id === "name" ? (a, b) => a[0].localeCompare(b[0]) : (a, b) => (column.of(b) ?? -1) - (column.of(a) ?? -1);
    body.order = [...all].sort(compare).map(([name]) => name);
  }
  const by = new Map(all), rows = body.order.filter((name) => by.has(name)).slice(0, ROWS).map((name) => [name, by.get(name)]);
  const limit = page.limits.latency?.value;
  list(body, rows, ([name]) => name,
    ([name]) => {
      const cells = COLUMNS.slice(1).map(({ wide }) => make("td", { class: wide ? "wide" : null }));
      const button = make("button", { title: `Show \`${name}\` alone`, onclick: () => page.choose(name) }, name);
      return make("tr", { "data-operation": name }, make("th", { scope: "row" }, button), ...cells, make("td", { class: "wide" }, make("canvas", { "aria-hidden": true })));
    },
    (row, entry) => {
      set(row, "class", page.op === entry[0] ? "chosen" : "");
      COLUMNS.slice(1).forEach(({ id, of, show }, at) => {
        value(row.children[at + 1], show(of(entry)));
        if (id === "p95") row.children[at + 1].style.color = limit && of(entry) > limit ? "var(--warn)" : "";
      });
    });
  page.rows = rows.map(([name]) => ({ host: body.kept.get(name).lastChild.firstChild, key: `operation/${name}/p95`, color: "s2" }));
  const left = all.length - rows.length, note = host.querySelector(".limit");
  note.hidden = !left;
  if (left) text(note, `${left} more operations are not shown.`);
}

function operationsTable(page, host) {
  const heads = COLUMNS.map(({ id, name, wide }) => make("th", { scope: "col", "data-column": id, class: wide ? "wide" : null }, make("button", { onclick: () => page.sortBy(id) }, name)));
  host.append(
    make("header", {}, make("h2", {}, "Operations"), make("span", { class: "note" }, "a row shows its operation alone")),
    make("div", { class: "scroll", tabindex: "0", role: "region", "aria-label": "Operations" },
      make("table", {}, make("thead", {}, make("tr", {}, ...heads, make("th", { scope: "col", class: "wide" }, "p95 over time"))), make("tbody"))),
    make("p", { class: "limit", hidden: true }));
  host.querySelector("tbody").addEventListener("click", (event) => {
    const row = event.target.closest("tr");
    if (row && !event.target.closest("button")) page.choose(row.dataset.operation);
  });
}

/* ---- Issues and alerts ---- */

export function issues(page) {
  const all = findings(page.topics), few = 4, shown = all.slice(0, page.allIssues ? 50 : few);
  const more = $("more-issues");
  more.hidden = all.length <= few;
  text(more, page.allIssues ? "Show fewer" : `Show ${all.length - few} more`);
  $("no-issues").hidden = all.length > 0 || !page.health;
  const counts = [["crit", all.filter((it) => kind(it.severity) === "crit").length], ["warn", all.filter((it) => kind(it.severity) === "warn").length]];
  list($("issue-counts"), counts.filter(([, count]) => count), ([state]) => state,
    ([state]) => make("span", { title: state === "crit" ? "critical" : "warnings" }, mark(state), make("b")), (element, [, count]) => text(element.lastChild, String(count)));
  list($("issues"), shown, ({ topic, code, component }) => `${topic}/${code}/${component}`,
    ({ topic }) => make("li", { "data-topic": topic }, make("p", { class: "title" }, mark(""), make("span"), make("span", { class: "note" })), make("p"), make("p", { class: "do" })),
    (row, { topic, code, component, severity, message, advice }) => {
      const [title, what, action] = row.children, [about, rest] = subject(message);
      row.dataset.code = code;
      set(title.firstChild, "class", `mark ${kind(severity)}`);
      prose(title.children[1], about ? capital(about) : `\`${component ?? topic}\``);
      text(title.lastChild, severity);
      prose(what, `${capital(rest)}.`);
      action.hidden = !advice;
      if (advice) prose(action, `${capital(advice).replace(/\.$/, "")}.`);
    });
}

/** What an alert is called: a rule over all findings is called by the finding. */
const titled = ({ name, labels }) => words((name === "MonitorFinding" && labels?.code) || name);

export function alerts(page) {
  const since = page.newest - 3600_000;
  const isQuiet = (alert) => alert.heldBack?.length > 0 && alert.state !== "resolved";
  const all = page.alerts.filter((alert) => alert.startsAt && (alert.endsAt ?? Infinity) > since && !isQuiet(alert));
  all.sort((a, b) => (a.endsAt ? 1 : 0) - (b.endsAt ? 1 : 0) || (b.endsAt ?? b.startsAt) - (a.endsAt ?? a.startsAt));
  $("no-alerts").hidden = all.length > 0;
  list($("alerts"), all.slice(0, 20), ({ id, startsAt }) => `${id}/${startsAt}`,
    (alert) => make("li", { "data-alert": alert.name }, mark(""), make("button", { title: "Show that time", onclick: () => page.showTime(alert.startsAt / 1000) }, make("span")), make("time"), make("p")),
    (row, alert) => {
      const { component, message, severity, startsAt, endsAt } = alert, [sign, button, time, about] = row.children;
      set(row, "class", endsAt ? "done" : "");
      set(row, "data-state", endsAt ? "resolved" : "firing");
      set(sign, "class", `mark ${endsAt ? "ok" : kind(severity)}`);
      text(button.firstChild, titled(alert) + (component ? ` · ${component}` : ""));
      text(time, clock(endsAt ?? startsAt));
      prose(about, endsAt ? `resolved after ${span((endsAt - startsAt) / 1000)}` : message);
    });
}

/** Vertical lines where alerts began, for the chart of the latency. */
export const marks = (page) => page.alerts
  .filter((alert) => alert.startsAt && !alert.heldBack?.length)
  .map((alert) => ({ second: alert.startsAt / 1000, label: titled(alert) }))
  .sort((a, b) => a.second - b.second);

/* ---- Monitors of the host's own ---- */

/** A card for each topic that the page does not know: its state and its numbers. */
export function others(page) {
  const own = Object.entries(page.topics).filter(([topic]) => !KNOWN.includes(topic));
  list($("others"), own, ([topic]) => topic,
    ([topic]) => make("section", { class: "card", id: topic }, make("header", {}, make("h2", {}, words(topic.replace(/-/g, "_"))), make("span", { class: "note" }, "a monitor of this service")), make("dl", { class: "facts" })),
    (card, [, report]) => list(card.lastChild, leaves(report).slice(0, 40), ([name]) => name,
      ([name]) => make("div", {}, make("dt", { title: name }, name), make("dd")),
      (fact, [, shown]) => text(fact.lastChild, shown)));
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
  const hour = { ...view, from: view.now - 3600, to: view.now };
  for (const { host, key, color } of page.sparks ?? []) sparkline(host, page.store.peek(key), color, view);
  for (const { host, key, color } of page.rows ?? []) sparkline(host, page.store.peek(key), color, view, false);
  for (const { host, key } of page.strips ?? []) if (page.store.peek(key)) strip(host, page.store.peek(key), hour);
  for (const { host, key } of page.customs ?? []) sparkline(host, page.store.peek(key), "s4", view);
}

