// The live page: what it knows, how it is kept up to date, and how it is steered.

import { ChartCard } from "./card.js";
import { palette } from "./chart.js";
import { $, list, make, prose, set, text, value } from "./dom.js";
import { bytes, clock, millis, number, span } from "./format.js";
import { REQUESTS, main, measure } from "./measure.js";
import { Connection } from "./net.js";
import * as panels from "./panels.js";
import { Past, json, ownFamilies } from "./read.js";
import { Store } from "./store.js";

const RANGES = [["1m", 60], ["5m", 300], ["15m", 900], ["1h", 3600]];
const POLL = 2000;

class Page {
  constructor() {
    const { title, root, stream, history } = document.documentElement.dataset;
    Object.assign(this, { root, stream, title: title || location.host });
    this.store = new Store();
    this.past = new Past(root, history, this.store);
    this.topics = {};
    this.alerts = [];
    this.limits = {};
    this.made = new Map();
    this.areas = [];
    this.health = this.zoom = this.paused = this.cursor = this.drag = null;
    this.errors = undefined;
    this.newest = this.received = this.bytes = this.kept = 0;
    this.state = "connecting";
    this.seen = new Map();
    this.watcher = new IntersectionObserver((entries) => this.appear(entries), { rootMargin: "80px" });
  }

  start() {
    const asked = new URLSearchParams(location.search);
    this.range = new Map(RANGES).get(asked.get("range")) ?? 900;
    this.op = asked.get("op");
    this.sort = asked.get("sort") ?? "p95";
    this.heat = asked.get("view") === "heat";
    this.theme = asked.get("theme");
    text($("title"), this.title);
    this.applyTheme();
    this.makeLatency();
    this.listen();
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
    return this.state === "reconnecting" || this.state === "fatal" || this.state === "stale";
  }

  view() {
    const now = this.now();
    const { from, to } = this.zoom ?? { from: now - this.range, to: now };
    return { from, to, now, last: Math.floor(Math.min(to, this.newest / 1000)), store: this.store, colors: this.colors, cursor: this.cursor, gaps: this.gaps(from, to), marks: this.marked ?? [] };
  }

  /** The times of which nothing is known, between others of which something is: three seconds or
   * more. Before the first second that is known the service may not have run. */
  gaps(from, to) {
    const beat = this.store.peek("beat"), found = [];
    if (!beat) return found;
    let start = null, known = false;
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
    const url = new URL(this.root + this.stream, document.baseURI);
    url.protocol = url.protocol === "https:" ? "wss:" : "ws:";
    this.net = new Connection({
      url: url.href,
      onMessage: (message, size) => this.receive(message, size),
      onState: (state) => this.turn(state),
      status: () => fetch(`${this.root}health/live`, { cache: "no-store" }).then(({ status }) => status),
    });
    this.net.connect();
  }

  /** Without a stream: asks for all topics every few seconds. */
  async poll() {
    const description = await json(this.root, "metrics/openapi.json");
    const paths = Object.keys(description?.paths ?? {});
    const topics = paths.map((path) => /^\/metrics\/([a-z][a-z0-9-]*)$/.exec(path)?.[1])
      .filter((topic) => topic && !["history", "stream"].includes(topic));
    const ask = async () => {
      const answers = await Promise.all(topics.map(async (topic) => [topic, await json(this.root, `metrics/${topic}`)]));
      const data = Object.fromEntries(answers.filter(([, report]) => report));
      const timestamp = Math.max(0, ...Object.values(data).map((report) => report.timestamp ?? 0));
      if (timestamp) {
        this.turn("live");
        this.receive({ type: this.newest ? "update" : "snapshot", timestamp, data }, 0);
      } else this.turn("reconnecting");
    };
    await ask();
    setInterval(ask, POLL);
  }

  receive(message, size) {
    this.bytes += size;
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
    Object.assign(this.topics, data);
    this.newest = Math.max(before, timestamp);
    this.received = performance.now();
    const score = this.health?.score ?? null;
    this.store.record(timestamp, [["beat", 1], ["score", score], ...measure(this.topics)]);
    // A hidden page does not ask; the history has it when the page is seen again.
    if (performance.now() - this.looked < 3 * POLL) this.store.record(timestamp, [["errors", this.errors]]);
    if (this.paused) this.kept += 1;
    if (type === "snapshot" || quiet) this.catchUp(restarted || !before ? null : before);
    const scores = JSON.stringify(Object.values(this.topics).map((report) => report?.health?.score));
    if (scores !== this.scores) this.readHealth();
    this.scores = scores;
    this.schedule();
  }

  /** Fills in what the page has not seen since a moment, or for the whole hour. */
  async catchUp(since) {
    const began = this.newest;
    this.look();
    this.readHealth();
    this.readAlerts();
    this.version ??= await this.past.version();
    this.readRules();
    this.readOwn();
    const fill = (from) => this.past.fill(this.topics, from, () => this.schedule());
    await fill(since && since - 20_000);
    this.store.bridge(Math.floor(began / 1000));
    this.readHeat();
    // The step of the history in which the page began has ended by then.
    setTimeout(() => fill(began - 30_000), 12_000);
  }

  /** The score of the whole service: of the last tick in the history, or by the health endpoint,
   * which answers 503 when the service is unhealthy. */
  async readHealth() {
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
    if (document.hidden || this.isOld() || !this.newest) return;
    const errors = await this.past.errors();
    if (errors !== undefined) [this.errors, this.looked] = [errors, performance.now()];
    this.looks = (this.looks ?? 0) + 1;
    if (this.looks % 3 === 0) this.readHealth();
    if (this.looks % 5 === 0) {
      this.readHeat();
      this.readAlerts();
      this.updateOwn();
    }
    if (this.looks % 30 === 0) this.readOwn();
  }

  async readHeat() {
    if (!this.heat || !this.newest) return;
    const { from, to } = this.view();
    this.latency.heat = await this.past.heat(this.operation(), from, to);
    this.schedule();
  }

  /* ---- Metrics of the host's own ---- */

  async readOwn() {
    this.own = await ownFamilies(this.root);
    $("custom-title").hidden = !this.own.length;
    list($("custom"), this.own, ({ name }) => name,
      ({ name, help }) => make("section", { class: "card metric", "data-metric": name, title: help ?? "" },
        make("header", {}, make("h3", {}, name)), make("p", { class: "value" }), make("p", { class: "about" }), make("canvas", { "aria-hidden": true })));
    this.customs = this.own.map(({ name }) => ({ host: $("custom").kept.get(name).lastChild, key: `own/${name}` }));
    await this.updateOwn("-1h");
  }

  /** A counter is shown by its rate, a gauge by its value, a histogram by its p95; series are summed. */
  async updateOwn(from = "-30s") {
    for (const { name, type, unit, help } of this.own ?? []) {
      const isHistogram = type === "histogram";
      const answer = await this.past.ask({ metric: name, from, step: "10s", quantile: isHistogram ? 0.95 : null });
      if (!answer) continue;
      const columns = answer.series.map(({ values }) => values), join = isHistogram ? Math.max : (a, b) => a + b;
      const joined = answer.timestamps.map((_, at) => columns.map((column) => column[at]).filter((it) => it != null).reduce((a, b) => (a === null ? b : join(a, b)), null));
      this.store.backfill(`own/${name}`, answer.timestamps, joined);
      const last = joined.findLast((it) => it !== null) ?? null, card = $("custom").kept.get(name);
      const [numeral, about] = [card.children[1], card.children[2]];
      value(numeral, unit === "seconds" ? millis(last === null ? null : last * 1000) : unit === "bytes" ? bytes(last) : [number(last), type === "counter" ? "/s" : unit ?? ""]);
      text(about, isHistogram ? `p95 · ${help ?? ""}` : help ?? "");
    }
    this.schedule();
  }

  /* ---- What is shown ---- */

  operation() {
    return this.op ?? main(this.topics.performance);
  }

  makeLatency() {
    const card = new ChartCard(this, { title: "Latency", lines: [], show: millis, tick: (at) => millis(at).join(" "), ends: true, tall: 250 }, $("latency"));
    const choice = make("div", { class: "choice small", role: "group", "aria-label": "Kind of chart" });
    for (const [heat, name] of [[false, "Percentiles"], [true, "Heat map"]]) {
      choice.append(make("button", { "data-heat": String(heat), onclick: () => this.show(heat) }, name));
    }
    const all = make("button", { class: "button", id: "all", hidden: true, onclick: () => this.choose(null) }, "All operations");
    card.push.prepend(all, choice);
    card.blank = make("div", { class: "empty", hidden: true }, make("b", {}, "No requests yet"), make("span", {}, "The chart begins with the first request, or with:"), make("code", {}, 'performance.record_latency("orders:create", elapsed);'));
    card.section.append(card.blank);
    this.latency = card;
  }

  updateLatency() {
    const name = this.operation(), card = this.latency;
    card.lines = [["p99", "s3"], ["p95", "s2"], ["p50", "s1"]].map(([part, color]) => ({ key: `operation/${name}/${part}`, color, label: part, fill: part === "p99" }));
    card.limit = this.heat ? null : this.limits.latency;
    if (!this.heat) card.heat = undefined;
    else card.heat ??= null;
    text(card.note, this.op ?? (this.topics.performance?.throughput?.[REQUESTS] ? "all requests" : name));
    $("all").hidden = !this.op;
    card.blank.hidden = !this.newest || Boolean(this.topics.performance?.operations?.[name]?.samples) || this.heat;
    for (const button of card.push.querySelectorAll("[data-heat]")) set(button, "aria-pressed", String((button.dataset.heat === "true") === this.heat));
  }

  schedule() {
    if (this.due || document.hidden) return;
    this.due = requestAnimationFrame(() => {
      this.due = 0;
      this.render();
    });
  }

  render() {
    this.drawn = (this.drawn ?? 0) + 1;
    this.renderState();
    const isNew = !this.paused || this.paused.fresh;
    if (isNew) {
      this.marked = panels.marks(this);
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
    for (const card of [this.latency, ...this.made.values()]) {
      card.update(view);
      if (this.seen.get(card) !== false) card.draw(view);
    }
    panels.drawSmall(this, view);
  }

  renderState() {
    const state = this.paused && !this.isOld() ? "paused" : this.state, { net } = this, since = (then) => span(Math.max(0, (Date.now() - then) / 1000));
    set(document.body, "data-state", state);
    const every = this.stream ? "every 1 s" : `every ${POLL / 1000} s, without a stream`;
    const chips = {
      connecting: ["Connecting", ""], live: ["Live", every], paused: ["Paused", `at ${clock((this.paused?.at ?? 0) * 1000)}`],
      stale: [`No data for ${span((performance.now() - this.received) / 1000)}`, ""],
      reconnecting: ["Reconnecting", net?.next ? `in ${span(Math.max(0, (net.next - Date.now()) / 1000))}` : ""], fatal: ["Stopped", ""],
    };
    text($("chip-word"), chips[state][0]);
    text($("chip-note"), chips[state][1]);
    // One step for each message: an endless animation would cost more than the whole page.
    if (this.newest !== this.beaten) $("chip").firstElementChild.classList.toggle("beat");
    this.beaten = this.newest;
    set($("pause"), "aria-pressed", String(Boolean(this.paused)));
    const process = this.topics.system?.process, about = [this.version && this.version !== "unknown" && `v${this.version}`, process?.uptime != null && `up ${span(process.uptime / 1000)}`, this.net === undefined && this.stream === "" && "no stream", !this.past.address && "no history"];
    text($("meta"), about.filter(Boolean).join("  ·  "));
    this.renderBanner(state, net, since);
    this.renderFooter();
    for (const button of $("ranges").children) set(button, "aria-pressed", String(!this.zoom && Number(button.dataset.seconds) === this.range));
  }

  renderBanner(state, net, since) {
    const banners = {
      paused: ["calm", `Paused at \`${clock((this.paused?.at ?? 0) * 1000)}\`. ${this.kept} ${this.kept === 1 ? "update is" : "updates are"} kept, and the page goes on recording.`, "Resume"],
      reconnecting: ["bad", this.newest ? `Connection lost ${since(net?.lost ?? Date.now())} ago. What you see is from \`${clock(this.newest)}\`. Attempt ${net?.attempt ?? 1}.` : `The service does not answer. Attempt ${net?.attempt ?? 1}.`, "Try now"],
      fatal: ["bad", net?.why ?? "The page cannot go on.", "Load again"],
    };
    const [kind, sentence, button] = banners[state] ?? this.lacks();
    $("banner").hidden = !sentence;
    if (!sentence) return;
    set($("banner"), "class", `banner ${kind}`);
    prose($("banner-text"), sentence);
    $("banner-button").hidden = !button;
    text($("banner-button"), button ?? "");
  }

  /** What the service does not offer, so that an empty chart is no riddle. */
  lacks() {
    if (!this.stream && !this.past.address) return ["calm", "This service has neither a stream nor a history: the page asks every few seconds and begins empty. `enable_streaming()` adds the stream."];
    if (!this.stream) return ["calm", "This service has no stream: the page asks every few seconds. `enable_streaming()` adds it."];
    if (!this.past.address) return ["calm", "This service keeps no history: the charts begin now."];
    return [];
  }

  renderFooter() {
    const footer = $("footer"), seconds = (performance.now() - (this.began ??= performance.now())) / 1000;
    if (!footer.firstChild) {
      footer.append(make("span"), make("span"), make("span", {}, "Same data: ", make("code", {}, `curl -N -H 'Accept: text/event-stream' ${new URL(`${this.root}${this.stream || "metrics"}`, location.href)}`)));
      for (const [path, name] of [["metrics", "Prometheus"], ["metrics/export.json", "JSON"], ["metrics/openapi.json", "OpenAPI"]]) footer.append(make("a", { href: this.root + path }, name));
    }
    const left = this.store.left.size;
    text(footer.children[0], `node0 · ${Object.keys(this.topics).length} topics`);
    text(footer.children[1], `${bytes(seconds > 2 ? this.bytes / seconds : NaN).join(" ")}/s${left ? ` · ${left} lines left out` : ""}`);
  }

  turn(state) {
    if (state === this.state) return;
    const wasOld = this.isOld();
    this.state = state;
    if (wasOld && !this.isOld()) this.scores = "";
    this.schedule();
  }

  /* ---- How it is steered ---- */

  watch(element, card) {
    this.seen.set(card, false);
    element.card = card;
    this.watcher.observe(element);
  }

  appear(entries) {
    for (const { target, isIntersecting } of entries) this.seen.set(target.card, isIntersecting);
    this.schedule();
  }

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
    if (this.op && !matchMedia("(max-width: 820px)").matches) $("latency").scrollIntoView({ block: "nearest" });
  }

  sortBy(column) {
    this.sort = column;
    $("operations").querySelector("tbody").order = null;
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
    const asked = new URLSearchParams(), name = RANGES.find(([, seconds]) => seconds === this.range)?.[0];
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
    this.colors = palette(document.documentElement);
    this.schedule();
  }

  pointAt(second) {
    this.cursor = second;
    this.schedule();
  }

  /** Moves the cursor by the keys, on all charts, and says the value. */
  step(event, card) {
    const by = { ArrowLeft: -1, ArrowRight: 1, PageUp: -10, PageDown: 10 }[event.key];
    if (!by) return;
    event.preventDefault();
    event.stopPropagation();
    const view = this.view(), wide = Math.max(1, Math.round((view.to - view.from) / 180));
    this.pointAt(Math.min(Math.floor(view.to), Math.max(Math.ceil(view.from), (this.cursor ?? Math.floor(view.to)) + by * wide)));
    clearTimeout(this.speaking);
    this.speaking = setTimeout(() => text($("spoken"), card.say(this.cursor)), 300);
  }

  listen() {
    for (const [name, seconds] of RANGES) {
      $("ranges").append(make("button", { "data-seconds": String(seconds), onclick: () => this.rangeTo(seconds) }, name));
    }
    $("pause").onclick = () => (this.paused ? this.resume() : this.pause());
    $("theme").onclick = () => this.turnTheme();
    $("help").onclick = () => $("keys").showModal();
    $("banner-button").onclick = () => {
      if (this.state === "fatal") location.reload();
      else if (this.paused) this.resume();
      else this.net?.connect();
    };
    $("more-issues").onclick = () => {
      this.allIssues = !this.allIssues;
      this.refresh();
    };
    $("keys-on").checked = kept("node0-keys") !== "off";
    $("keys-on").onchange = (event) => kept("node0-keys", event.target.checked ? "on" : "off");
    const keys = [["Space", "Pause, or resume"], ["1 – 9", "Go to an area"], ["[ ]", "Shorter or longer range"], ["← →", "Move the cursor on all charts"], ["T", "Dark or light"], ["Esc", "Back to live"]];
    $("keys-list").append(...keys.flatMap(([key, effect]) => [make("dt", {}, make("kbd", {}, key)), make("dd", {}, effect)]));
    this.listenRibbon();
    addEventListener("keydown", (event) => this.press(event));
    addEventListener("resize", () => this.schedule());
    const back = () => {
      if (document.hidden) return void (this.left ??= this.newest);
      this.net?.hurry();
      this.render();
      if (this.left) this.catchUp(this.left);
      this.left = null;
    };
    addEventListener("beforeprint", () => {
      document.documentElement.dataset.theme = "light";
      this.colors = palette(document.documentElement);
      this.seen.clear();
      this.render();
    });
    addEventListener("afterprint", () => this.applyTheme());
    document.addEventListener("visibilitychange", back);
    addEventListener("pageshow", back);
    addEventListener("online", () => this.net?.hurry());
    matchMedia("(prefers-color-scheme: light)").addEventListener("change", () => this.applyTheme());
  }

  turnTheme() {
    this.theme = document.documentElement.dataset.theme === "light" ? "dark" : "light";
    this.applyTheme();
    this.remember();
  }

  listenRibbon() {
    const ribbon = $("ribbon");
    const show = (bar) => {
      const now = this.now(), second = (Math.floor(now / 60) - 59 + bar) * 60 + 30;
      if (bar >= 59) return this.resume();
      this.pause();
      this.zoomTo(Math.max(now - 3600, second - this.range / 2), Math.min(now, second + this.range / 2));
    };
    ribbon.addEventListener("click", (event) => {
      const { left, width } = ribbon.getBoundingClientRect();
      show(Math.min(59, Math.max(0, Math.floor(((event.clientX - left) / width) * 60))));
    });
    ribbon.addEventListener("keydown", (event) => {
      const by = { ArrowLeft: -1, ArrowDown: -1, ArrowRight: 1, ArrowUp: 1, PageDown: -10, PageUp: 10, Home: -59, End: 59 }[event.key];
      if (!by) return;
      event.preventDefault();
      event.stopPropagation();
      this.bar = Math.min(59, Math.max(0, (this.zoom ? this.bar ?? 59 : 59) + by));
      show(this.bar);
    });
  }

  press(event) {
    if (event.ctrlKey || event.metaKey || event.altKey || event.target.closest("input, dialog, textarea")) return;
    if (event.key === "Escape") return this.resume();
    if (!$("keys-on").checked) return;
    if (event.key === " ") {
      if (event.target.closest("button, a")) return;
      event.preventDefault();
      return this.paused ? this.resume() : this.pause();
    }
    const area = this.areas[Number(event.key) - 1], at = RANGES.findIndex(([, seconds]) => seconds === this.range);
    if (area) document.getElementById(area)?.scrollIntoView({ block: "start" });
    else if (event.key === "[" && at > 0) this.rangeTo(RANGES[at - 1][1]);
    else if (event.key === "]" && at < RANGES.length - 1) this.rangeTo(RANGES[at + 1][1]);
    else if (event.key.toLowerCase() === "t") this.turnTheme();
    else if (event.key === "?") $("keys").showModal();
    else if (event.key === "ArrowLeft" || event.key === "ArrowRight") this.step(event, this.latency);
  }
}

/** Reads or sets what the browser keeps for this reader, where it may keep anything. */
function kept(name, value) {
  try {
    if (value) localStorage.setItem(name, value);
    return localStorage.getItem(name);
  } catch {
    return null;
  }
}

export const page = new Page();
page.start();
