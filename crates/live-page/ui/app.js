// The live page: what it knows, how it is kept up to date, and how it is steered.

import { ChartCard } from "./card.js";
import { palette } from "./chart.js";
import { $, set, text } from "./dom.js";
import { millis } from "./format.js";
import { REQUEST, REQUESTS, failures, main, measure, pasts, routes } from "./measure.js";
import { Connection } from "./net.js";
import * as panels from "./panels.js";
import { POLL, Past, json } from "./read.js";
import { readOwn, updateOwn } from "./own.js";
import { renderState } from "./state.js";
import { RANGES, listen } from "./steer.js";
import { Store } from "./store.js";

/** The age in milliseconds at which a service has had some ticks. */
const YOUNG = 3000;
/** The steps in which the history is asked, in milliseconds. */
const STEP = 10_000;

class Page {
  constructor() {
    const { title, root, stream, history } = document.documentElement.dataset;
    // Without the password that an address may have, which no request may repeat.
    this.root = new URL(root || ".", location.origin + location.pathname).href;
    this.stream = stream;
    this.title = title || location.host;
    this.store = new Store();
    this.past = new Past(this.root, history, this.store);
    /** @type {Record<string, any>} the newest report of each topic */
    this.topics = {};
    /** @type {any[]} */
    this.alerts = [];
    /** @type {Record<string, import("./card.js").Limit>} */
    this.limits = {};
    /** @type {Map<string, ChartCard>} the cards beside that of the latency */
    this.made = new Map();
    /** @type {Map<string, any>} the operations and the routes, by name */
    this.rows = new Map();
    /** @type {Map<string, any>} */
    this.routes = new Map();
    /** @type {Set<string>} the paths of node0's own endpoints */
    this.ours = new Set();
    /** @type {any[]} */
    this.own = [];
    /** @type {{host: any, key: string, color?: string}[]} */
    this.customs = this.sparks = this.lines = this.strips = [];
    /** @type {string[]} */
    this.areas = [];
    /** @type {any} */
    this.health = this.zoom = this.paused = this.cursor = this.drag = this.missing = this.left = null;
    /** @type {number|null|undefined} */
    this.errors = undefined;
    this.newest = this.received = this.kept = this.drawn = this.looks = this.looked = this.due = this.beaten = 0;
    this.state = "connecting";
    this.version = this.scores = "";
    this.allIssues = false;
    /** @type {Map<Element, boolean>} which plots are on the screen */
    this.seen = new Map();
    this.watcher = new IntersectionObserver((entries) => {
      for (const { target, isIntersecting } of entries) this.seen.set(target, isIntersecting);
      this.schedule();
    }, { rootMargin: "80px" });
    const asked = new URLSearchParams(location.search);
    /** The shown time in seconds. */
    this.range = RANGES[asked.get("range")] ?? 900;
    this.op = asked.get("op");
    this.sort = asked.get("sort") ?? "p95";
    this.heat = asked.get("view") === "heat";
    this.theme = asked.get("theme");
    this.colors = this.applyTheme();
    this.latency = new ChartCard(this, $("latency"), { show: millis, tick: (at) => millis(at).join(" "), ends: true });
  }

  start() {
    text($("title"), this.title);
    text($("curl"), this.root + (this.stream || "metrics"));
    listen(this);
    this.render();
    if (this.stream) this.connect();
    else this.poll();
    setInterval(() => this.look(), POLL);
    setInterval(() => this.isOld() && !document.hidden && this.schedule(), 1000);
  }

  /* ---- Time ---- */

  /** The newest second that is shown; it moves on while nothing comes, so that the gap shows. */
  now() {
    if (this.paused) return this.paused.at;
    if (!this.newest) return Date.now() / 1000;
    return this.newest / 1000 + (this.isOld() ? (performance.now() - this.received) / 1000 : 0);
  }

  isOld() {
    return ["reconnecting", "fatal", "stale"].includes(this.state);
  }

  view() {
    const now = this.now();
    const { from, to } = this.zoom ?? { from: now - this.range, to: now };
    return { from, to, now, last: Math.floor(Math.min(to, this.newest / 1000)), store: this.store, colors: this.colors, cursor: this.cursor, gaps: this.gaps(from, to), marks: panels.marks(this) };
  }

  /** The times of which nothing is known, between others of which something is: three seconds or
   * more. Before the first second that is known the service may not have run. */
  gaps(from, to) {
    const beat = this.store.peek("beat"), found = [];
    if (!beat) return found;
    let start = null, known = beat.oldest < from;
    for (let second = Math.floor(from); second <= to; second += 1) {
      if (!Number.isNaN(beat.at(second))) {
        if (start !== null && second - start >= 3) found.push([start - 1, second]);
        start = null;
        known = true;
      } else if (known) start ??= second;
    }
    if (start !== null && to - start >= 3) found.push([start - 1, to]);
    return found;
  }

  /* ---- What comes in ---- */

  connect() {
    this.net = new Connection({
      url: this.root.replace("http", "ws") + this.stream,
      onMessage: (message) => this.receive(message),
      onState: (state) => this.turn(state),
      status: () => fetch(`${this.root}health/live`, { cache: "no-store" }).then(({ status }) => status),
    });
    this.net.connect();
  }

  /** Without a stream: asks for all topics every few seconds. */
  async poll() {
    await this.describe();
    const topics = [...this.ours].flatMap((path) => /^\/metrics\/(?!history|stream)([a-z][a-z0-9-]*)$/.exec(path)?.[1] ?? []);
    const ask = async () => {
      const answers = await Promise.all(topics.map(async (topic) => [topic, await json(this.root, `metrics/${topic}`)]));
      const data = Object.fromEntries(answers.filter(([, report]) => report));
      const timestamp = Math.max(0, ...Object.values(data).map((report) => report.timestamp ?? 0));
      if (timestamp) {
        this.turn("live");
        this.receive({ type: this.newest ? "update" : "snapshot", timestamp, data });
      } else this.turn("reconnecting");
    };
    await ask();
    setInterval(ask, POLL);
  }

  /** Reads the version of the host, and the paths of node0's endpoints. */
  async describe() {
    if (this.version) return;
    const description = await json(this.root, "metrics/openapi.json");
    this.version = description?.info?.version ?? "unknown";
    this.ours = new Set(Object.keys(description?.paths ?? {}));
  }

  receive(message) {
    if (message.type === "snapshot" || message.type === "update") return this.take(message);
    if (message.type === "alert") {
      this.note(message.data);
      this.schedule();
      this.readAlerts();
    }
    if (message.type === "finding") this.readHealth();
  }

  take({ type, timestamp, data, restarted }) {
    const before = this.newest, quiet = before && timestamp - before > 3500;
    // What another process said, such as its uptime, is not true of this one.
    Object.assign(restarted ? (this.topics = {}) : this.topics, data);
    this.newest = Math.max(before, timestamp);
    this.received = performance.now();
    const score = this.health?.score ?? null;
    this.store.record(timestamp, [["beat", 1], ["score", score], ...measure(this.topics)]);
    // A hidden page does not ask; the history has it when the page is seen again.
    if (performance.now() - this.looked < 3 * POLL) this.store.record(timestamp, [["errors", this.errors]]);
    if (this.paused) this.kept += 1;
    if (type === "snapshot" || quiet) this.missing ??= { since: restarted || !before ? null : before, restarted };
    if (this.isYoung()) return this.schedule();
    if (this.missing) this.catchUp(this.missing.since, this.missing.restarted);
    this.missing = null;
    const scores = JSON.stringify(Object.values(this.topics).map((report) => report?.health?.score));
    if (scores !== this.scores) this.readHealth();
    this.scores = scores;
    // While the page is paused, only the count of what is kept changes.
    if (this.paused) renderState(this);
    else this.schedule();
  }

  /** A service that has just started has no history before its first ticks. */
  isYoung() {
    return this.topics.system?.process?.uptime < YOUNG;
  }

  /** Fills in what the page has not seen since a moment, or for the whole hour. */
  async catchUp(since, restarted = false) {
    const began = this.newest;
    this.look();
    this.readHealth();
    this.readAlerts();
    await this.describe();
    this.readRules();
    readOwn(this);
    const draw = () => this.schedule();
    const fill = (from) => this.past.fill(pasts(this.topics), from, draw).then(() => this.readRoutes(from));
    // A service that was restarted has no history of the time before, and the step in which it began
    // would cover the gap.
    const first = restarted ? this.firstStep() : 0;
    if (!restarted) {
      await fill(since && since - 20_000);
      this.store.bridge(Math.floor(began / 1000));
    } else if (first < began - STEP) await fill(first);
    this.readHeat();
    // The step of the history in which the page began has ended by then.
    setTimeout(() => fill(Math.max(began - 30_000, first)), 12_000);
  }

  /** The first whole step of the history of this process. */
  firstStep() {
    return Math.ceil((this.newest - (this.topics.system?.process?.uptime ?? 0)) / STEP) * STEP;
  }

  /** The score of the whole service: of the last tick in the history, or by the health endpoint,
   * which answers 503 when the service is unhealthy. */
  async readHealth() {
    if (this.isYoung()) return;
    const score = this.past.address ? await this.past.score() : (await json(this.root, "health/performance", 503))?.score;
    if (score == null) return;
    this.health = { score, status: panels.status(score) };
    this.store.record(this.newest, [["score", score]]);
    this.schedule();
  }

  async readAlerts() {
    const answer = await json(this.root, "alerts");
    if (!answer) return;
    this.alerts = [...answer.active, ...answer.recent];
    this.schedule();
  }

  note(alert) {
    this.alerts = [alert, ...this.alerts.filter(({ id, startsAt }) => id !== alert.id || startsAt !== alert.startsAt)];
  }

  /** The threshold of the latency's rule becomes a line in its chart. */
  async readRules() {
    const answer = await json(this.root, "api/v1/rules");
    const rules = answer?.data?.groups?.flatMap((group) => group.rules) ?? [];
    const rule = rules.find(({ name }) => name === "HighP95Latency");
    const limit = Number(/ > ([0-9.]+)/.exec(rule?.query ?? "")?.[1]);
    if (limit > 0) this.limits.latency = { value: limit * 1000, label: `p95 limit ${millis(limit * 1000).join(" ")}` };
  }

  /** Each few seconds: what the stream does not have. */
  async look() {
    if (document.hidden || this.isOld() || this.isYoung() || !this.newest) return;
    const requests = this.hasRequests() && await this.past.requests();
    if (requests) {
      this.errors = failures(requests).at(-1) ?? null;
      this.routes = routes(requests, this.ours);
      this.looked = performance.now();
      // They are those of the last ten seconds, also of those before the page was opened.
      for (let back = 0; back < 10; back += 1) this.store.get("errors").fill(Math.floor(this.newest / 1000) - back, this.errors ?? NaN);
    }
    this.looks += 1;
    if (this.looks % 3 === 0) this.readHealth();
    if (this.looks % 5 === 0) {
      this.readHeat();
      this.readAlerts();
      this.readRoutes(this.newest - 30_000);
      updateOwn(this);
    }
    if (this.looks % 30 === 0) readOwn(this);
  }

  /** Whether a request has been counted, and with it a route. */
  hasRequests() {
    return this.topics.performance?.operations?.[REQUEST];
  }

  readRoutes(from) {
    return this.hasRequests() && this.past.routes(from, this.ours, () => this.schedule());
  }

  async readHeat() {
    if (!this.heat || !this.rows.has(this.operation())) return;
    const { from, to } = this.view();
    this.latency.heat = await this.past.heat(this.operation(), from, to);
    this.schedule();
  }

  /* ---- What is shown ---- */

  operation() {
    return this.op ?? main(this.topics.performance);
  }

  /** All that the table shows: what the stream says of operations, and the history of routes. */
  listRows() {
    const last = Math.floor(this.newest / 1000), { rows, errors } = this;
    rows.clear();
    for (const [name, it] of Object.entries(this.topics.performance?.operations ?? {})) rows.set(name, name === REQUEST ? { ...it, errors } : it);
    for (const [name, it] of this.routes) {
      const of = (part) => this.store.peek(`operation/${name}/${part}`)?.before(last, 25);
      if (it.perSecond || name === this.op) rows.set(name, { ...it, p50: of("p50"), p95: of("p95"), p99: of("p99") });
    }
  }

  updateLatency() {
    const name = this.operation(), card = this.latency;
    card.lines = [["p99", "s3"], ["p95", "s2"], ["p50", "s1"]].map(([part, color]) => ({ key: `operation/${name}/${part}`, color, label: part, fill: part === "p99" }));
    card.limit = this.heat ? null : this.limits.latency;
    if (!this.heat) card.heat = undefined;
    else card.heat ??= null;
    text(card.note, this.op ?? (this.topics.performance?.throughput?.[REQUESTS] ? "all requests" : name));
    $("all").hidden = !this.op;
    $("blank").hidden = !this.newest || this.heat || Boolean(this.rows.get(name)?.samples || this.op);
    for (const button of $("kinds").children) set(button, "aria-pressed", String((button.dataset.heat === "true") === this.heat));
  }

  schedule() {
    if (this.due || document.hidden) return;
    this.due = requestAnimationFrame(() => {
      this.due = 0;
      this.render();
    });
  }

  render() {
    this.drawn += 1;
    renderState(this);
    const isNew = !this.paused || this.paused.fresh;
    if (isNew) {
      this.listRows();
      panels.verdict(this);
      panels.areas(this);
      panels.cards(this);
      this.updateLatency();
      panels.breakers(this);
      panels.operations(this);
      panels.issues(this);
      panels.alerts(this);
      panels.others(this);
      if (this.paused) this.paused.fresh = false;
    }
    const view = this.view();
    if (isNew) panels.numbers(this, view);
    panels.ribbon(this, view);
    // All is written before a size is read, or the browser would lay out the page for each card.
    const cards = [this.latency, ...this.made.values()];
    for (const card of cards) card.update(view);
    for (const card of cards) if (this.seen.get(card.plot)) card.draw(view);
    panels.drawSmall(this, view);
  }

  turn(state) {
    if (state === this.state) return;
    this.state = state;
    // The health is asked for again.
    this.scores = "";
    this.schedule();
  }

  /* ---- How it is steered ---- */

  pause(at = this.now()) {
    if (this.paused) return;
    this.paused = { at, fresh: false };
    this.kept = 0;
    this.schedule();
  }

  resume() {
    this.paused = this.zoom = this.cursor = null;
    this.schedule();
    this.readHeat();
  }

  zoomTo(from, to) {
    this.pause();
    this.zoom = { from, to };
    this.schedule();
    this.readHeat();
  }

  /** Shows a moment in the middle of the range, with the cursor on it. */
  showTime(second) {
    const half = this.range / 2;
    this.cursor = Math.floor(second);
    this.zoomTo(second - half, Math.min(this.now(), second + half));
    $("latency").scrollIntoView({ block: "nearest" });
  }

  choose(name) {
    this.op = name === this.op ? null : name;
    if (this.heat) this.latency.heat = null;
    this.remember();
    this.readHeat();
    if (this.op) $("latency").scrollIntoView({ block: "nearest" });
  }

  sortBy(column) {
    this.sort = column;
    $("rows").order = null;
    this.remember();
  }

  show(heat) {
    this.heat = heat;
    this.remember();
    this.readHeat();
  }

  rangeTo(seconds) {
    this.range = seconds;
    if (this.zoom) this.resume();
    this.remember();
    this.readHeat();
  }

  /** Keeps the choices in the address, so that a link or a reload shows the same. */
  remember() {
    const asked = new URLSearchParams(), [name] = Object.entries(RANGES).find(([, seconds]) => seconds === this.range);
    if (name !== "15m") asked.set("range", name);
    if (this.op) asked.set("op", this.op);
    if (this.heat) asked.set("view", "heat");
    if (this.sort !== "p95") asked.set("sort", this.sort);
    if (this.theme) asked.set("theme", this.theme);
    const query = asked.toString();
    history.replaceState(null, "", `${location.pathname}${query ? `?${query}` : ""}${location.hash}`);
    this.refresh();
  }

  /** Draws anew what a pause would leave as it is. */
  refresh() {
    if (this.paused) this.paused.fresh = true;
    this.schedule();
  }

  applyTheme() {
    const light = this.theme ? this.theme === "light" : matchMedia("(prefers-color-scheme: light)").matches;
    document.documentElement.dataset.theme = light ? "light" : "dark";
    this.schedule();
    return (this.colors = palette(document.documentElement));
  }

  pointAt(second) {
    this.cursor = second;
    this.schedule();
  }
}

export const page = new Page();
page.start();
