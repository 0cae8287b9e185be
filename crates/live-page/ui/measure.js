// Which quantities the page follows: where they are in the stream, and where in the history.

export const REQUESTS = "http:requests";
const REQUEST = "http:request";
const STATES = { CLOSED: 0, HALF_OPEN: 1, OPEN: 2 };
/** Topics with a place of their own on the page; others are monitors of the host's. */
export const KNOWN = ["performance", "cache", "database", "circuit-breaker", "system", "runtime"];
/** More operations than these are in the table, but have no lines. */
const OPERATIONS = 40;

/** The operation of all requests; without requests, the one that is called most. */
export function main(performance) {
  const operations = Object.entries(performance?.operations ?? {});
  if (performance?.operations?.[REQUEST]) return REQUEST;
  return operations.sort((a, b) => b[1].count - a[1].count)[0]?.[0] ?? REQUEST;
}

/** Calls a second in the window of an operation. */
export const rate = (operation) =>
  operation && operation.windowSeconds > 0 ? operation.samples / operation.windowSeconds : null;

/** The requests a second; without them, the calls of the main operation. */
export const throughput = (performance) =>
  performance?.throughput?.[REQUESTS]?.ratePerSecond ?? rate(performance?.operations?.[main(performance)]);

/** The tiers of all caches as `[name, tier]`. */
export function tiers(cache) {
  if (!cache) return [];
  const of = (report, prefix) => Object.entries(report)
    .filter(([, tier]) => tier?.metrics && "hitRate" in tier.metrics)
    .map(([name, tier]) => [prefix + name, tier]);
  const several = Object.entries(cache.caches ?? {});
  return several.length ? several.flatMap(([name, report]) => of(report, `${name}/`)) : of(cache, "");
}

export const pools = (database) => Object.entries(database?.pools ?? {});
export const circuits = (breakers) => breakers?.circuits ?? [];
export const lag = (system) => system?.runtime?.lag?.p95 ?? null;

/** Everything that the stream says now, as names and values of series. */
export function measure(topics) {
  const { performance, cache, database, "circuit-breaker": breakers, system } = topics;
  const list = [["requests", throughput(performance)]];
  for (const [name, operation] of Object.entries(performance?.operations ?? {}).slice(0, OPERATIONS)) {
    for (const part of ["p50", "p95", "p99"]) list.push([`operation/${name}/${part}`, operation[part]]);
  }
  for (const [name, tier] of tiers(cache)) list.push([`tier/${name}`, percent(tier.metrics.hitRate)]);
  for (const [name, { metrics }] of pools(database)) {
    list.push([`pool/${name}/used`, metrics.activeConnections], [`pool/${name}/waiting`, metrics.waitingClients]);
  }
  for (const { service, metrics } of circuits(breakers)) list.push([`breaker/${service}`, STATES[metrics.state]]);
  if (system) {
    list.push(["cpu", system.process?.cpuPercent], ["memory", system.process?.residentMemoryBytes], ["lag", lag(system)]);
  }
  return list;
}

const percent = (share) => (share == null ? null : share * 100);

/** What to ask the history for; each gives an answer to `take(answer, put)`, which calls
 * `put(key, timestamps, values, scale, shape)`. */
export function pasts(topics) {
  const each = (take) => (answer, put) =>
    answer.series.forEach((series) => take(series.labels, series, answer.timestamps, put));
  const level = (metric, key, scale = 1, shape = "line", more = {}) => ({
    metric, ...more,
    take: each((labels, { values }, times, put) => {
      const name = typeof key === "string" ? key : key(labels);
      if (name) put(name, times, values, scale, shape);
    }),
  });
  const quantile = (part, number) =>
    level("operation_duration_seconds", ({ operation }) => `operation/${operation}/${part}`, 1000, "line", { quantile: number });
  const list = [
    {
      metric: "node0_health_score",
      take: each((_, { values, min }, times, put) => {
        put("score", times, min ?? values);
        put("beat", times, values);
      }),
    },
    level("operations_total", "requests", 1, "line", { match: `{operation="${REQUESTS}"}` }),
    quantile("p95", 0.95), quantile("p99", 0.99), quantile("p50", 0.5),
    { metric: "http_server_request_duration_seconds", statistic: "rate", take: (answer, put) => put("errors", answer.timestamps, failures(answer)) },
  ];
  if (topics.cache) list.push({ metric: "cache_gets_total", take: hits(tiers(topics.cache).map(([name]) => name)) });
  if (topics.database) {
    list.push(level("db_client_connections", ({ pool }) => `pool/${pool}/used`, 1, "line", { match: '{state="used"}' }),
      level("db_client_pending_requests", ({ pool }) => `pool/${pool}/waiting`));
  }
  if (topics["circuit-breaker"]) list.push({ metric: "circuit_breaker_state", take: states });
  if (topics.system) {
    list.push(level("process_cpu_usage_cores", "cpu", 100), level("process_resident_memory_bytes", "memory"),
      level("tokio_lag_seconds", "lag", 1000, "line", { quantile: 0.95 }));
  }
  return list;
}

const FAILED = /^(5\d\d|panicked|failed)$/;

/** The share of requests that failed, in percent: by the status of their responses. */
export function failures(answer) {
  return answer.timestamps.map((_, at) => {
    let all = 0, failed = 0;
    for (const { labels, values } of answer.series) {
      all += values[at] ?? 0;
      if (FAILED.test(labels.http_response_status_code)) failed += values[at] ?? 0;
    }
    return all > 0 ? (failed / all) * 100 : null;
  });
}

/** The share of lookups that hit, by tier. */
const hits = (names) => (answer, put) => {
  const found = new Map();
  for (const { labels, values } of answer.series) {
    const full = `${labels.cache}/${labels.tier}`, name = names.includes(full) ? full : labels.tier;
    const both = found.get(name) ?? {};
    found.set(name, { ...both, [labels.result]: values });
  }
  for (const [name, { hit = [], miss = [] }] of found) {
    const share = answer.timestamps.map((_, at) => {
      const all = (hit[at] ?? 0) + (miss[at] ?? 0);
      return all > 0 ? ((hit[at] ?? 0) / all) * 100 : null;
    });
    put(`tier/${name}`, answer.timestamps, share);
  }
};

/** The worst state within each step, by circuit. */
const states = (answer, put) => {
  const found = new Map();
  for (const { labels, values, max } of answer.series) {
    const state = { closed: 0, half_open: 1, open: 2 }[labels.state], column = found.get(labels.circuit) ?? [];
    (max ?? values).forEach((part, at) => {
      if (part != null) column[at] = Math.max(column[at] ?? 0, part > 0 ? state : 0);
    });
    found.set(labels.circuit, column);
  }
  for (const [circuit, column] of found) put(`breaker/${circuit}`, answer.timestamps, column, 1, "steps");
};

/** All findings of all topics, the worst first; what two topics say is said once. */
export function findings(topics) {
  const rank = { critical: 0, warning: 1 };
  return Object.entries(topics)
    .flatMap(([topic, report]) => (report?.health?.issueDetails ?? []).map((finding) => ({ topic, ...finding })))
    .filter((one, at, all) => all.findIndex(({ code, message }) => code === one.code && message === one.message) === at)
    .sort((a, b) => (rank[a.severity] ?? 2) - (rank[b.severity] ?? 2) || (b.penalty ?? 0) - (a.penalty ?? 0));
}

/** The class of a state: of a status, a score, a severity or a breaker. */
export function kind(status) {
  if (typeof status === "number") return status > 85 ? "ok" : status >= 70 ? "warn" : "crit";
  const kinds = { healthy: "ok", optimal: "ok", CLOSED: "ok", degraded: "warn", warning: "warn", HALF_OPEN: "warn",
    unhealthy: "crit", poor: "crit", critical: "crit", OPEN: "crit" };
  return kinds[status] ?? "";
}
