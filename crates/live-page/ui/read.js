// Reading over HTTP: the history, the health, the alerts, and metrics of the host's own.

import { failures, pasts } from "./measure.js";

const STEP = 10;
/** The time between two questions for what the stream does not have, in milliseconds. */
export const POLL = 2000;

/** Reads JSON from an address relative to the root of the endpoints; `null` if that fails. */
export async function json(root, path, other = 200) {
  try {
    const answer = await fetch(root + path, { cache: "no-store" });
    return answer.ok || answer.status === other ? await answer.json() : null;
  } catch {
    return null;
  }
}

const question = (given) => new URLSearchParams(Object.entries(given).filter(([, at]) => at != null)).toString();

export class Past {
  /** `address` is empty if the service has no history. */
  constructor(root, address, store) {
    Object.assign(this, { root, address, store });
  }

  ask(given) {
    return this.address ? json(this.root, `${this.address}?${question(given)}`) : null;
  }

  /** Fills in what happened since a moment, the first screen first; a few questions at a time. */
  async fill(topics, since, onPart) {
    const list = pasts(topics), from = since ? String(Math.floor(since)) : "-1h";
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

  /** The health of the whole service at the last tick. */
  async score() {
    const answer = await this.ask({ metric: "node0_health_score", from: "-3s", step: "1s" });
    return answer?.series[0]?.values.findLast((value) => value !== null) ?? null;
  }

  /** The version of the host. */
  async version() {
    const answer = await json(this.root, "metrics/openapi.json");
    return answer?.info?.version ?? null;
  }

  /** The share of requests that failed in the last ten seconds, in percent; `null` without requests. */
  async errors() {
    const answer = await this.ask({ metric: "http_server_request_duration_seconds", statistic: "rate", from: "-10s", step: "10s" });
    return answer ? failures(answer).at(-1) ?? null : undefined;
  }

  /** How many calls of an operation took how long, in steps of the range. */
  async heat(operation, from, to) {
    const step = Math.max(5, Math.ceil((to - from) / 90 / 5) * 5);
    const match = `{operation="${operation.replace(/["\\]/g, "\\$&")}"}`;
    const answer = await this.ask({ metric: "operation_duration_seconds", statistic: "buckets", match,
      from: String(Math.floor(from) * 1000), to: String(Math.ceil(to) * 1000), step: `${step}s` });
    const series = answer?.series[0];
    if (!series?.buckets) return null;
    return {
      bounds: series.bounds.map((bound) => bound * 1000),
      columns: series.buckets.flatMap((counts, at) => {
        const end = answer.timestamps[at] / 1000;
        return counts ? [{ from: end - step, to: end, counts }] : [];
      }),
    };
  }
}

const OURS = /^(cache|db_client|circuit_breaker|process|cgroup|tokio|http_server|node0)_|^operations?_/;
const MOST = 24;

/** Families that the host registered itself, with one value each. */
export async function ownFamilies(root) {
  const all = await json(root, "metrics/export.json");
  return (all?.families ?? []).filter(({ name }) => !OURS.test(name)).slice(0, MOST);
}
