// Which quantities the page follows: where they are in the stream, and where in the history.

export const REQUESTS = "http:requests";
export const REQUEST = "http:request";
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
  operation?.perSecond ?? (operation?.windowSeconds > 0 ? operation.samples / operation.windowSeconds : null);

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
/** The lag that its alert is about. */
export const lag = (system) => system?.runtime?.lag?.p99 ?? null;

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

/** A question for the history, and what to make of its answer: `take(answer, put)` calls
 * `put(key, timestamps, values, scale, shape)`.
 * @typedef {{metric: string, match?: string, quantile?: number, statistic?: string, take: (answer: any, put: any) => void}} Question */

/** Takes the largest value of each step over all series of one name, which is no mean of them.
 * @param {(labels: any) => string|null|undefined} key */
const largest = (key, scale = 1, shape = "line", of = (value, _) => value) => (answer, put) => {
  const found = new Map();
  for (const { labels, values, max } of answer.series) {
    const name = key(labels), column = found.get(name) ?? [];
    (shape === "line" ? values : max ?? values).forEach((value, at) => {
      if (value != null) column[at] = Math.max(column[at] ?? 0, of(value, labels));
    });
    if (name) found.set(name, column);
  }
  for (const [name, column] of found) put(name, answer.timestamps, column, scale, shape);
};

const level = (metric, key, scale = 1, more = {}) => ({ metric, ...more, take: largest(typeof key === "string" ? () => key : key, scale) });
const HTTP = "http_server_request_duration_seconds";
const PARTS = { p95: 0.95, p99: 0.99, p50: 0.5 };

/** The questions for the percentiles of routes. A percentile is that of the slowest status.
 * @param {Set<string>} ours the paths that are no routes of the host
 * @returns {Question[]} */
export const routePasts = (ours) => Object.entries(PARTS).map(([part, quantile]) =>
  level(HTTP, (labels) => route(labels, ours) && `operation/${route(labels, ours)}/${part}`, 1000, { quantile }));

/** All questions that these topics call for, the first screen first.
 * @returns {Question[]} */
export function pasts(topics) {
  const list = [
    {
      metric: "node0_health_score",
      take: ({ series, timestamps }, put) => series.forEach(({ values, min }) => {
        put("score", timestamps, min ?? values);
        put("beat", timestamps, values);
      }),
    },
  ], { operations = {}, throughput: counters } = topics.performance ?? {}, names = tiers(topics.cache).map(([name]) => name);
  // A metric that nobody has recorded yet is unknown to the history, and a browser would call that an error.
  if (counters?.[REQUESTS]) list.push(level("operations_total", "requests", 1, { match: `{operation="${REQUESTS}"}` }));
  for (const [part, quantile] of Object.keys(operations).length ? Object.entries(PARTS) : []) {
    list.push(level("operation_duration_seconds", ({ operation }) => `operation/${operation}/${part}`, 1000, { quantile }));
  }
  if (operations[REQUEST]) list.push({ metric: HTTP, statistic: "rate", take: (answer, put) => put("errors", answer.timestamps, failures(answer)) });
  if (names.length) list.push({ metric: "cache_gets_total", take: hits(names) });
  if (pools(topics.database).length) {
    list.push(level("db_client_connections", ({ pool }) => `pool/${pool}/used`, 1, { match: '{state="used"}' }),
      level("db_client_pending_requests", ({ pool }) => `pool/${pool}/waiting`));
  }
  if (circuits(topics["circuit-breaker"]).length) {
    const states = { closed: 0, half_open: 1, open: 2 };
    list.push({ metric: "circuit_breaker_state", take: largest(({ circuit }) => `breaker/${circuit}`, 1, "steps", (part, { state }) => (part > 0 ? states[state] : 0)) });
  }
  if (topics.system) {
    list.push(level("process_cpu_usage_cores", "cpu", 100), level("process_resident_memory_bytes", "memory"),
      level("tokio_lag_seconds", "lag", 1000, { quantile: 0.99 }));
  }
  return list;
}

/** What a request's labels are called in the table; `null` for requests to node0 itself. */
const route = ({ http_request_method: method, http_route: path }, ours) => (ours.has(path) ? null : `${method} ${path}`);

/** Turns the name of a route into labels; `null` if it is that of an operation. */
export function ofRoute(name) {
  const [, method, path] = /^([A-Z]+) (\/.*)$/.exec(name) ?? [];
  return path ? { http_request_method: method, http_route: path } : null;
}

const FAILED = /^(5\d\d|panicked|failed)$/;

/** The calls a second and those that failed, of each step, by what a name of the labels says. */
function byName(answer, name) {
  const found = new Map();
  for (const { labels, values } of answer.series) {
    const key = name(labels), both = found.get(key) ?? { all: [], failed: [] };
    if (key == null) continue;
    found.set(key, both);
    values.forEach((value, at) => {
      both.all[at] = (both.all[at] ?? 0) + (value ?? 0);
      both.failed[at] = (both.failed[at] ?? 0) + (FAILED.test(labels.http_response_status_code) ? value ?? 0 : 0);
    });
  }
  return found;
}

const ratio = (part, all) => (all > 0 ? (part / all) * 100 : null);

/** The share of requests that failed, in percent: by the status of their responses. */
export function failures(answer) {
  const { all, failed } = byName(answer, () => "").get("") ?? { all: [], failed: [] };
  return answer.timestamps.map((_, at) => ratio(failed[at], all[at]));
}

/** The routes of the host with their calls a second and their errors in percent, at the last step.
 * @returns {Map<string, {perSecond: number, errors: number|null}>} */
export function routes(answer, ours) {
  const found = byName(answer, (labels) => route(labels, ours));
  return new Map([...found].map(([name, { all, failed }]) => [name, { perSecond: all.at(-1), errors: ratio(failed.at(-1), all.at(-1)) }]));
}

/** The share of lookups that hit, by tier. */
const hits = (names) => (answer, put) => {
  const found = new Map();
  for (const { labels, values } of answer.series) {
    const full = `${labels.cache}/${labels.tier}`, name = names.includes(full) ? full : labels.tier;
    found.set(name, { ...found.get(name), [labels.result]: values });
  }
  for (const [name, { hit = [], miss = [] }] of found) {
    put(`tier/${name}`, answer.timestamps, answer.timestamps.map((_, at) => ratio(hit[at] ?? 0, (hit[at] ?? 0) + (miss[at] ?? 0))));
  }
};

const RANKS = ["warning", "critical"];

/** All findings of all topics, the worst first; what two topics say is said once. */
export function findings(topics) {
  return Object.entries(topics)
    .flatMap(([topic, report]) => (report?.health?.issueDetails ?? []).map((finding) => ({ topic, ...finding })))
    .filter((one, at, all) => all.findIndex(({ code, message }) => code === one.code && message === one.message) === at)
    .sort((a, b) => RANKS.indexOf(b.severity) - RANKS.indexOf(a.severity) || (b.penalty ?? 0) - (a.penalty ?? 0));
}

/** The operation that suffers most: the one that fails most often, or else the slowest of those that are over the
 * limit, became slower, or take twice as long as usual; `null` if there is none. Routes go before other operations.
 * @param {Map<string, any>} rows
 * @param {import("./store.js").Store} store */
export function worst(rows, store, now, limit) {
  const all = [...rows].map(([name, it]) => ({ ...it, name })).filter(({ name }) => name !== REQUEST).sort((a, b) => (b.p95 || 0) - (a.p95 || 0));
  const slow = ({ name, p95, errors = 0 }) => {
    const series = store.peek(`operation/${name}/p95`);
    // An operation's past is of ten seconds each and its present of the last thousand calls, which may be minutes.
    const [was] = (ofRoute(name) && series?.shift(Math.floor(now))) ?? [];
    const is = p95 > limit || p95 > was || p95 > 2 * series?.median(now - 3600, now);
    return { name, errors: errors >= 1 && errors, p95: is && p95, was: is && was };
  };
  const lost = (it) => (it.errors >= 1 ? it.errors * rate(it) : 0), [failing] = [...all].sort((a, b) => lost(b) - lost(a));
  if (failing && lost(failing)) return slow(failing);
  return [...all.filter(({ name }) => ofRoute(name)), ...all].slice(0, 40).map(slow).find(({ p95 }) => p95) ?? null;
}

/** The class of a state: of a status, a score, a severity or a breaker. */
export function kind(status) {
  if (typeof status === "number") return status > 85 ? "ok" : status >= 70 ? "warn" : "crit";
  const kinds = { healthy: "ok", optimal: "ok", CLOSED: "ok", degraded: "warn", warning: "warn", HALF_OPEN: "warn",
    unhealthy: "crit", poor: "crit", critical: "crit", OPEN: "crit" };
  return kinds[status] ?? "";
}

/** The status of a score, by the thresholds that the service has as well. */
export const status = (score) => ({ ok: "healthy", warn: "degraded", crit: "unhealthy" })[kind(score)];
