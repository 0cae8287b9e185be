// What the page knows, and how that is kept up to date: by the stream, by the history, by the health
// endpoint and by the alerts. It draws nothing; `schedule` is called when there is something new.

import { millis } from "./format.js";
import { REQUEST, failures, measure, pasts, routes, status } from "./measure.js";
import { Connection } from "./net.js";
import { readOwn, updateOwn } from "./own.js";
import { POLL, Past, json } from "./read.js";
import { Store } from "./store.js";

/** The age in milliseconds at which a service has had some ticks. */
const YOUNG = 3000;
/** The steps in which the history is asked, in milliseconds. */
const STEP = 10_000;
/** A paused page says after so many updates how many it has kept: to say each costs more than to keep it. */
const BATCH = 10;

export class Feed {
  /** @type {any} the time since when the history is to be read */
  #missing;
  #waiting = 0;
  #looks = 0;
  #looked = 0;
  #asked = 0;
  /** The scores of the last update. */
  #scores = "";

  constructor() {
    const { root, stream, history } = document.documentElement.dataset;
    // Without the password that an address may have, which no request may repeat.
    this.root = new URL(root || ".", location.origin + location.pathname).href;
    this.stream = stream;
    this.store = new Store();
    this.past = new Past(this.root, history, this.store);
    /** @type {Record<string, any>} the newest report of each topic */
    this.topics = {};
    /** @type {any[]} */
    this.alerts = [];
    /** @type {Record<string, import("./card.js").Limit>} */
    this.limits = {};
    /** @type {number[]} the least mean of an hour with a limit for the throughput, and the limit's share of it */
    this.collapse = [];
    /** @type {Map<string, any>} the routes by name */
    this.routes = new Map();
    /** @type {Set<string>} the paths of node0's own endpoints */
    this.ours = new Set();
    /** @type {any[]} the families that the host registered itself */
    this.own = [];
    /** @type {any} */
    this.health = this.paused = null;
    /** @type {number|null|undefined} */
    this.errors = undefined;
    this.newest = this.received = this.kept = 0;
    this.state = "connecting";
    this.version = "";
  }

  connect() {
    this.net = new Connection({
      url: this.root.replace("http", "ws") + this.stream,
      onMessage: (message) => this.receive(message),
      onState: (state) => this.#turn(state),
      status: () => fetch(`${this.root}health/live`, { cache: "no-store" }).then(({ status }) => status),
    });
    this.net.connect();
  }

  /** Without a stream: asks for all topics every few seconds. */
  async poll() {
    await this.#describe();
    const topics = [...this.ours].flatMap((path) => /^\/metrics\/(?!history|stream)([a-z][a-z0-9-]*)$/.exec(path)?.[1] ?? []);
    const ask = async () => {
      const answers = await Promise.all(topics.map(async (topic) => [topic, await json(this.root, `metrics/${topic}`)]));
      const data = Object.fromEntries(answers.filter(([, report]) => report));
      const timestamp = Math.max(0, ...Object.values(data).map((report) => report.timestamp ?? 0));
      if (timestamp) {
        this.#turn("live");
        this.receive({ type: this.newest ? "update" : "snapshot", timestamp, data });
      } else this.#turn("reconnecting");
    };
    await ask();
    setInterval(ask, POLL);
  }

  /** Reads the version of the host, and the paths of node0's endpoints. */
  async #describe() {
    if (this.version) return;
    const description = await json(this.root, "metrics/openapi.json");
    this.version = description?.info?.version ?? "unknown";
    this.ours = new Set(Object.keys(description?.paths ?? {}));
  }

  receive(message) {
    if (message.type === "snapshot" || message.type === "update") return this.#take(message);
    if (message.type === "alert") {
      this.#note(message.data);
      this.schedule();
      this.#readAlerts();
    }
    if (message.type === "finding") this.#readHealth();
  }

  #take({ type, timestamp, data, restarted }) {
    const before = this.newest, quiet = before && timestamp - before > 3500;
    // What another process said, such as its uptime, is not true of this one.
    Object.assign(restarted ? (this.topics = {}) : this.topics, data);
    this.newest = Math.max(before, timestamp);
    this.received = performance.now();
    const score = this.paused ? null : this.health?.score;
    this.store.record(timestamp, [["beat", 1], ["score", score], ...measure(this.topics)]);
    // A page that is hidden or paused does not ask; the history has it when the page goes on.
    if (performance.now() - this.#looked < 3 * POLL) this.store.record(timestamp, [["errors", this.errors]]);
    if (this.paused) this.kept += 1;
    if (type === "snapshot" || quiet) this.#missing ??= { since: restarted || !before ? null : before, restarted };
    if (this.#isYoung()) return this.schedule();
    if (this.#missing) this.catchUp(this.#missing.since, this.#missing.restarted);
    this.#missing = null;
    const scores = JSON.stringify(Object.values(this.topics).map((report) => report?.health?.score));
    if (scores !== this.#scores && !this.paused) this.#readHealth();
    this.#scores = scores;
    if (!this.paused) {
      if (performance.now() - this.#asked > POLL - 500) this.look();
      this.schedule();
    } else if (this.kept % BATCH === 0) this.tell();
  }

  /** A service that has just started has no history before its first ticks. */
  #isYoung() {
    return this.topics.system?.process?.uptime < YOUNG;
  }

  /** Fills in what the page has not seen since a moment, or for the whole hour. */
  async catchUp(since, restarted = false) {
    const began = this.newest, topics = this.topics;
    this.look();
    this.#readHealth();
    this.#readAlerts();
    await this.#describe();
    this.#readRules();
    readOwn(this);
    const fill = (from) => this.past.fill(pasts(this.topics), from, () => this.schedule()).then(() => this.#readRoutes(from));
    // A service that was restarted has no history of the time before, and the step in which it began
    // would cover the gap.
    const first = restarted ? this.#firstStep() : 0;
    if (!restarted) {
      await fill(since && since - 20_000);
      this.store.bridge(Math.floor(began / 1000));
    } else if (first < began - STEP) await fill(first);
    this.readHeat();
    // The step of the history in which the page began has ended by then. A process that was started
    // meanwhile, with topics of its own, does not know it; it may answer before the stream tells of it.
    setTimeout(() => topics === this.topics && !this.isOld() && fill(Math.max(began - 30_000, first)), 12_000);
  }

  /** The first whole step of the history of this process. */
  #firstStep() {
    return Math.ceil((this.newest - (this.topics.system?.process?.uptime ?? 0)) / STEP) * STEP;
  }

  /** The score of the whole service: of the last tick in the history, or by the health endpoint,
   * which answers 503 when the service is unhealthy. */
  async #readHealth() {
    if (this.#isYoung()) return;
    const score = this.past.address ? await this.past.score() : (await json(this.root, "health/performance", 503))?.score;
    if (score == null) return;
    const before = this.health?.score;
    this.health = { score, status: status(score) };
    this.store.record(this.newest, [["score", score]]);
    if (score !== before) this.schedule();
  }

  async #readAlerts() {
    const answer = await json(this.root, "alerts");
    if (!answer) return;
    const before = JSON.stringify(this.alerts);
    this.alerts = [...answer.active, ...answer.recent];
    if (JSON.stringify(this.alerts) !== before) this.schedule();
  }

  #note(alert) {
    this.alerts = [alert, ...this.alerts.filter(({ id, startsAt }) => id !== alert.id || startsAt !== alert.startsAt)];
  }

  /** The thresholds of the rules for latency and throughput become lines in their charts. */
  async #readRules() {
    const answer = await json(this.root, "api/v1/rules");
    const rules = answer?.data?.groups?.flatMap((group) => group.rules) ?? [];
    const find = (name, pattern) => pattern.exec(rules.find((rule) => rule.name === name)?.query)?.slice(1).map(Number) ?? [];
    const [limit] = find("HighP95Latency", / > ([0-9.]+)/);
    if (limit > 0) this.limits.latency = { value: limit * 1000, label: `p95 limit ${millis(limit * 1000).join(" ")}` };
    this.collapse = find("ThroughputCollapsed", />= ([0-9.]+)\) < ([0-9.]+)/);
  }

  /** Each few seconds: what the stream does not have. The next update draws it, so that a page has one
   * frame for each. */
  async look() {
    if (document.hidden || this.isOld() || this.#isYoung() || !this.newest) return;
    this.#asked = performance.now();
    const requests = this.#hasRequests() && await this.past.requests();
    if (requests) {
      this.errors = failures(requests).at(-1) ?? null;
      this.routes = routes(requests, this.ours);
      this.#looked = performance.now();
      // They are those of the last ten seconds, also of those before the page was opened.
      for (let back = 0; back < 10; back += 1) this.store.get("errors").fill(Math.floor(this.newest / 1000) - back, this.errors ?? NaN);
    }
    this.#looks += 1;
    // The history may not have had the tick in which a score changed.
    if (this.#looks % 3 === 0) this.#readHealth();
    if (this.#looks % 5 === 0) {
      this.readHeat();
      updateOwn(this);
    }
    if (this.#looks % 10 === 0) {
      this.#readAlerts();
      this.#readRoutes(this.newest - 40_000);
    }
    if (this.#looks % 30 === 0) readOwn(this);
  }

  /** Whether a request has been counted, and with it a route. */
  #hasRequests() {
    return this.topics.performance?.operations?.[REQUEST];
  }

  #readRoutes(from) {
    return this.#hasRequests() && this.past.routes(from, this.ours);
  }

  #turn(state) {
    if (state === this.state) return;
    this.state = state;
    // The health is asked for again.
    this.#scores = "";
    this.schedule();
    // While nothing comes, the time since then is told each second.
    clearInterval(this.#waiting);
    if (this.isOld()) this.#waiting = setInterval(() => document.hidden || this.schedule(), 1000);
  }

  isOld() {
    return ["reconnecting", "fatal", "stale"].includes(this.state);
  }

  /** Draws soon. */
  schedule() {}

  /** Tells what the page is doing, and draws nothing else. */
  tell() {}

  /** Reads what only the heat map needs. */
  readHeat() {}
}
