// Reading over HTTP: the history, the health, the alerts, and metrics of the host's own.

import { ofRoute, routePasts } from "./measure.js";

const STEP = 10;
/** The time between two questions for what the stream does not have, in milliseconds. */
export const POLL = 2000;

/** Reads JSON from an address relative to the root of the endpoints; `null` if that fails.
 * @returns {Promise<any>} */
export async function json(root, path, other = 200) {
  try {
    const answer = await fetch(root + path, { cache: "no-store" });
    return answer.ok || answer.status === other ? await answer.json() : null;
  } catch {
    return null;
  }
}

const question = (given) => new URLSearchParams(Object.entries(given).filter(([, at]) => at != null)).toString();
const matcher = (labels) => `{${Object.entries(labels).map(([name, value]) => `${name}="${value.replace(/["\\]/g, "\\$&")}"`)}}`;

export class Past {
  /** @param {string} root
   * @param {string} address empty if the service has no history
   * @param {import("./store.js").Store} store */
  constructor(root, address, store) {
    this.root = root;
    this.address = address;
    this.store = store;
  }

  ask(given) {
    return this.address ? json(this.root, `${this.address}?${question(given)}`) : null;
  }

  /** Asks some questions about the time since a moment, a few at a time.
   * @param {import("./measure.js").Question[]} list */
  async fill(list, since, onPart = () => {}) {
    const from = since ? String(Math.floor(since)) : "-1h";
    const work = async () => {
      for (let next = list.shift(); next; next = list.shift()) {
        const { take, ...given } = next, answer = await this.ask({ ...given, from, step: `${STEP}s` });
        if (!answer) continue;
        take(answer, (...column) => this.store.backfill(...column));
        onPart();
      }
    };
    await Promise.all([work(), work(), work()]);
  }

  /** Asks for the percentiles of routes, which the stream does not have. */
  routes(since, ours) {
    return this.fill(routePasts(ours), since);
  }

  /** The health of the whole service at the last tick. */
  async score() {
    const answer = await this.ask({ metric: "node0_health_score", from: "-3s", step: "1s" });
    return answer?.series[0]?.values.findLast((value) => value !== null) ?? null;
  }

  /** The requests a second in the last ten seconds, by route and status. */
  requests() {
    return this.ask({ metric: "http_server_request_duration_seconds", statistic: "rate", from: "-10s", step: "10s" });
  }

  /** How many calls of an operation or a route took how long, in steps of the range. */
  async heat(name, from, to) {
    const step = Math.max(5, Math.ceil((to - from) / 90 / 5) * 5), labels = ofRoute(name);
    const answer = await this.ask({ metric: labels ? "http_server_request_duration_seconds" : "operation_duration_seconds", statistic: "buckets", match: matcher(labels ?? { operation: name }),
      from: String(Math.floor(from) * 1000), to: String(Math.ceil(to) * 1000), step: `${step}s` });
    const all = answer?.series.filter(({ buckets }) => buckets) ?? [];
    if (!all.length) return null;
    // The series of a route have bounds of one scale, each its own part of it.
    const bounds = [...new Set(all.flatMap((series) => series.bounds))].sort((a, b) => a - b);
    const columns = answer.timestamps.flatMap((end, at) => {
      const counts = Array(bounds.length - 1).fill(0), known = all.filter(({ buckets }) => buckets[at]);
      for (const { bounds: own, buckets } of known) buckets[at].forEach((count, row) => (counts[bounds.indexOf(own[row])] += count));
      return known.length ? [{ from: end / 1000 - step, to: end / 1000, counts }] : [];
    });
    return { bounds: bounds.map((bound) => bound * 1000), columns, at: `${name} ${to}` };
  }
}

const OURS = /^(cache|db_client|circuit_breaker|process|cgroup|tokio|http_server|node0)_|^operations?_/;
const MOST = 24;

/** Families that the host registered itself, with one value each. */
export async function ownFamilies(root) {
  const all = await json(root, "metrics/export.json");
  return (all?.families ?? []).filter(({ name }) => !OURS.test(name)).slice(0, MOST);
}
