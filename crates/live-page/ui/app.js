// The live page: what it shows of what its feed knows, and how it is steered.

import { ChartCard } from "./card.js";
import { palette } from "./chart.js";
import { $, set, shown, text } from "./dom.js";
import { Feed } from "./feed.js";
import { millis } from "./format.js";
import { REQUEST, REQUESTS, main } from "./measure.js";
import * as panels from "./panels.js";
import { renderState } from "./state.js";
import { RANGES, listen } from "./steer.js";

class Page extends Feed {
  constructor() {
    super();
    this.title = document.documentElement.dataset.title || location.host;
    /** @type {Map<string, ChartCard>} the cards beside that of the latency */
    this.made = new Map();
    /** @type {Map<string, any>} the operations and the routes, by name */
    this.rows = new Map();
    /** @type {{host: any, key: string, color?: string}[]} */
    this.customs = this.sparks = this.lines = this.strips = [];
    /** @type {string[]} */
    this.areas = [];
    /** @type {any} */
    this.zoom = this.cursor = this.drag = this.left = null;
    this.drawn = this.due = this.beaten = 0;
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
  }

  /* ---- Time ---- */

  /** The newest second that is shown; it moves on while nothing comes, so that the gap shows. */
  now() {
    if (this.paused) return this.paused.at;
    if (!this.newest) return Date.now() / 1000;
    return this.newest / 1000 + (this.isOld() ? (performance.now() - this.received) / 1000 : 0);
  }

  view() {
    const now = this.now();
    const { from, to } = this.zoom ?? { from: now - this.range, to: now };
    return { from, to, now, last: Math.floor(Math.min(to, this.newest / 1000)), store: this.store, colors: this.colors, cursor: this.cursor, gaps: this.#gaps(from, to), marks: panels.marks(this) };
  }

  /** The times of which nothing is known, between others of which something is: three seconds or
   * more. Before the first second that is known the service may not have run. */
  #gaps(from, to) {
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

  /* ---- What is shown ---- */

  async readHeat() {
    if (!this.heat || !this.rows.has(this.operation())) return;
    const { from, to } = this.view();
    this.latency.heat = await this.past.heat(this.operation(), from, to);
    this.schedule();
  }

  operation() {
    return this.op ?? main(this.topics.performance);
  }

  /** All that the table shows: what the stream says of operations, and the history of routes. */
  #listRows() {
    const last = Math.floor(this.newest / 1000), { rows, errors } = this;
    rows.clear();
    for (const [name, it] of Object.entries(this.topics.performance?.operations ?? {})) rows.set(name, name === REQUEST ? { ...it, errors } : it);
    for (const [name, it] of this.routes) {
      const of = (part) => this.store.peek(`operation/${name}/${part}`)?.before(last, 35);
      if (it.perSecond || name === this.op) rows.set(name, { ...it, p50: of("p50"), p95: of("p95"), p99: of("p99") });
    }
  }

  #updateLatency() {
    const name = this.operation(), card = this.latency;
    card.lines = [["p99", "s3"], ["p95", "s2"], ["p50", "s1"]].map(([part, color]) => ({ key: `operation/${name}/${part}`, color, label: part, fill: part === "p99" }));
    card.limit = this.heat ? null : this.limits.latency;
    if (!this.heat) card.heat = undefined;
    else card.heat ??= null;
    text(card.note, this.op ?? (this.topics.performance?.throughput?.[REQUESTS] ? "all requests" : name));
    shown($("all"), this.op);
    shown($("blank"), this.newest && !this.heat && !this.rows.get(name)?.samples && !this.op);
    for (const button of $("kinds").children) set(button, "aria-pressed", String((button.dataset.heat === "true") === this.heat));
  }

  tell() {
    renderState(this);
  }

  schedule() {
    if (this.due || document.hidden) return;
    this.due = requestAnimationFrame(() => {
      this.due = 0;
      if (!document.hidden) this.render();
    });
  }

  render() {
    this.drawn += 1;
    renderState(this);
    const isNew = !this.paused || this.paused.fresh;
    if (isNew) {
      this.#listRows();
      panels.verdict(this);
      panels.areas(this);
      panels.cards(this);
      this.#updateLatency();
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

  /* ---- How it is steered ---- */

  pause(at = this.now()) {
    if (this.paused) return;
    this.paused = { at, fresh: false };
    this.kept = 0;
    this.schedule();
  }

  resume() {
    const { paused } = this;
    this.paused = this.zoom = this.cursor = null;
    this.schedule();
    if (paused) this.catchUp(paused.at * 1000);
    else this.readHeat();
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
    $("rows").told = 0;
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
