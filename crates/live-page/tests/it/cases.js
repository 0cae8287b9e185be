// The cases: each is a function that throws if the behaviour in its name does not hold.

import { bytes, clock, millis, number, share, span, usual, words } from "./format.js";
import { Connection, delay } from "./net.js";
import { failures, findings, kind, main, measure, ofRoute, pasts, rate, routePasts, routes, worst } from "./measure.js";
import { bounds, columns, place, ticks, times } from "./scale.js";
import { SECONDS, Series, Store } from "./store.js";

function equal(is, should, about = "") {
  const [a, b] = [JSON.stringify(is), JSON.stringify(should)];
  if (a !== b) throw new Error(`${about} is ${a} and should be ${b}`);
}

/** A clock that a case moves. */
function manualClock() {
  let now = 1_000_000, timers = [];
  return {
    now: () => now,
    set: (work, wait) => {
      const timer = { at: now + wait, work };
      timers.push(timer);
      return timer;
    },
    clear: (timer) => (timers = timers.filter((other) => other !== timer)),
    advance(wait) {
      const end = now + wait;
      for (;;) {
        const next = timers.filter(({ at }) => at <= end).sort((a, b) => a.at - b.at)[0];
        if (!next) break;
        now = Math.max(now, next.at);
        timers = timers.filter((other) => other !== next);
        next.work();
      }
      now = end;
    },
  };
}

/** A connection over sockets that a case opens, feeds and closes. */
function connection(more = {}) {
  const sockets = [], states = [], messages = [], clock = manualClock();
  const net = new Connection({
    url: "ws://service/metrics/stream",
    open: () => {
      const socket = { close() {} };
      sockets.push(socket);
      return socket;
    },
    clock, random: () => 0.5,
    onMessage: (message) => messages.push(message),
    onState: (state) => states.push(state),
    ...more,
  });
  net.connect();
  const last = () => sockets.at(-1);
  const hear = (message) => last().onmessage({ data: JSON.stringify(message) });
  const begin = (epoch = "one") => {
    last().onopen();
    hear({ type: "snapshot", protocol: "1.0", epoch, data: {} });
  };
  return { net, sockets, states, messages, clock, last, hear, begin };
}

export const cases = {
  "a number has three significant digits"() {
    const pairs = [[0, "0"], [0.0004, "<0.001"], [0.0123, "0.012"], [1.004, "1"], [9.994, "9.99"], [12.34, "12.3"],
      [99.96, "100"], [999.6, "1,000"], [1316.2, "1,316"], [1234567, "1,234,567"], [-5, "-5"], [40, "40"], [100, "100"]];
    for (const [value, text] of pairs) equal(number(value), text, String(value));
  },
  "a value that is missing is a dash and never a zero"() {
    for (const missing of [null, undefined, NaN, Infinity]) {
      equal([number(missing), millis(missing)[0], bytes(missing)[0], share(missing)[0], span(missing), clock(missing)],
        ["–", "–", "–", "–", "–", "–"]);
    }
  },
  "a unit fits the size of the value"() {
    equal(millis(0.0149), ["14.9", "µs"]);
    equal(millis(12.9), ["12.9", "ms"]);
    equal(millis(1180), ["1.18", "s"]);
    equal(millis(0), ["0", "ms"]);
    equal(bytes(512), ["512", "B"]);
    equal(bytes(460_000_000), ["439", "MiB"]);
    equal(share(0.954), ["95.4", "%"]);
  },
  "a span is told in the units that one would say"() {
    const pairs = [[4, "4 s"], [99, "99 s"], [100, "2 min"], [3600, "60 min"], [7260, "2 h 1 min"], [7200, "2 h"], [532800, "6 d 4 h"]];
    for (const [seconds, text] of pairs) equal(span(seconds), text, String(seconds));
  },
  "a value is compared with the usual one in words"() {
    equal(usual(100, 95), "as usual");
    equal(usual(190, 100), "1.9× usual");
    equal(usual(50, 100), "0.5× usual");
    equal(usual(5, 0), "usually 0");
    equal(usual(0, 0), "as usual");
    equal(usual(null, 3), "");
    equal(usual(5000, 100), "50× usual");
  },
  "the name of a rule becomes words"() {
    equal(words("HighP95Latency"), "High p95 latency");
    equal(words("CircuitOpen"), "Circuit open");
  },
  "ticks are round and cover the range"() {
    equal(ticks(0, 600), [0, 200, 400, 600]);
    equal(ticks(0, 0.7, 3), [0, 0.25, 0.5, 0.75]);
    equal(ticks(0, 0), [0, 0.25, 0.5, 0.75, 1]);
    for (const high of [0.001, 3, 17, 99, 12345]) {
      const list = ticks(0, high);
      if (list.at(-1) < high * 0.999 || list.length > 6) throw new Error(`${high}: ${list}`);
    }
  },
  "an axis begins at zero, reaches what it must, and takes what is missing"() {
    equal(bounds(3, 90).low, 0);
    equal(bounds(88, 95, { from: 60, to: 100 }), { low: 60, high: 100, ticks: [60, 70, 80, 90, 100] });
    equal(bounds(Infinity, -Infinity).low, 0);
    equal(bounds(0, 40 << 20, { unit: 1 << 20 }).ticks.map((at) => at >> 20), [0, 10, 20, 30, 40]);
  },
  "the labels of time are at whole steps of the reader's clock"() {
    equal(times(1000, 1600, 3), [1200, 1500]);
    for (const second of times(0, 86_400, 6)) equal(new Date(second * 1000).getMinutes(), 0);
    if (times(0, 900, 5).length > 5) throw new Error("too many");
  },
  "columns keep each spike, however many seconds share one"() {
    const at = (second) => (second === 1234 ? 99 : second === 777 ? -1 : 5);
    const { lows, highs } = columns(at, 0, 3600, 60);
    equal([Math.max(...highs), Math.min(...lows)], [99, -1]);
    equal(columns(() => NaN, 0, 60, 10).highs.every(Number.isNaN), true);
    equal(place(5, 0, 10, 100, 200), 150);
  },
  "a series is missing where nothing was put"() {
    const series = new Series();
    series.put(100, 1);
    series.put(105, 2);
    equal([series.at(100), series.at(105), series.last()], [1, 2, 2]);
    for (const second of [99, 101, 104, 106]) equal(series.at(second), NaN, String(second));
  },
  "a single late tick is no gap"() {
    const series = new Series();
    series.put(100, 1);
    series.put(102, 3);
    equal(series.at(101), 3);
  },
  "a series forgets what is two hours old, and nothing before"() {
    const series = new Series();
    series.put(10, 1);
    series.put(10 + SECONDS - 1, 2);
    equal(series.at(10), 1);
    series.put(10 + SECONDS, 3);
    equal(series.at(10), NaN);
    series.put(11, 9);
    equal(series.last(), 3);
    series.put(10 + SECONDS * 5, 4);
    equal(series.at(10 + SECONDS * 5 - 1), NaN);
  },
  "extremes and median are of the known values"() {
    const series = new Series();
    for (let second = 0; second < 100; second += 1) series.put(second, second % 10 === 3 ? NaN : second);
    equal(series.extremes(0, 99), [0, 99]);
    equal(series.median(0, 99) > 40 && series.median(0, 99) < 60, true);
    equal(new Series().median(0, 99), NaN);
  },
  "a series knows what it was before it last changed, and until when"() {
    const series = new Series(), put = (from, to, value) => { for (let second = from; second < to; second += 1) series.put(second, value); };
    put(0, 300, 100);
    equal(series.shift(299), null);
    put(300, 340, 9);
    equal(series.shift(339), [100, 299]);
    put(340, 360, 0);
    equal(series.shift(359), [9, 339]);
  },
  "noise, a spike and a gap are no change of a series"() {
    const of = (at) => {
      const series = new Series();
      for (let second = 0; second < 300; second += 1) series.put(second, at(second));
      return series.shift(299);
    };
    equal(of((second) => 10 + (second % 3)), null);
    equal(of((second) => (second >= 200 && second < 214 ? 90 : 10)), null);
    equal(of((second) => (second >= 200 && second < 250 ? NaN : 10)), null);
    equal(of((second) => (second < 100 ? 50 : second >= 200 && second < 214 ? 90 : 10)), [50, 99], "before the spike");
    equal(of((second) => (second < 250 ? 10 : second < 299 ? 90 : 11)), null, "it was what it is");
    equal(of((second) => (second < 200 ? 10 : second < 250 ? NaN : 90)), [10, 199]);
    equal(new Series().shift(299), null);
  },
  "the worst operation is the one that fails most often, else the one that became slow"() {
    const store = new Store(), p95 = (name, from, value) => { for (let second = from; second < from + 60; second += 1) store.get(`operation/${name}/p95`).put(second, value); };
    const row = (perSecond, p95, errors) => ({ perSecond, p95, errors });
    const rows = new Map([["http:request", row(90, 900, 20)], ["orders:read", row(40, 800)], ["GET /orders", row(40, 400, 2)], ["POST /orders", row(4, 300, 50)], ["GET /slow", row(1, 500, 0)]]);
    for (const name of ["GET /orders", "POST /orders"]) [p95(name, 0, 30), p95(name, 60, 300)];
    p95("GET /slow", 0, 500);
    p95("GET /slow", 60, 500);
    equal(worst(rows, store, 119.9), { name: "POST /orders", errors: 50, p95: 300, was: 30 });
    rows.get("POST /orders").errors = rows.get("GET /orders").errors = 0;
    equal(worst(rows, store, 119.9), { name: "GET /orders", errors: false, p95: 400, was: 30 });
    equal(worst(rows, store, 119.9, 450), { name: "GET /slow", errors: false, p95: 500 }, "over the limit");
    equal(worst(new Map([["GET /orders", row(40, 30)], ["job", row(1, 900)]]), store, 59, 450), { name: "job", errors: false, p95: 900 }, "no route");
    for (const [from, value] of [[0, 5], [60, 5], [120, 900], [180, 40]]) p95("GET /slow", from, value);
    equal(worst(new Map([["GET /slow", row(40, 40)]]), store, 239.9), { name: "GET /slow", errors: false, p95: 40, was: 900 }, "better, and far from usual");
    equal(worst(new Map([["GET /slow", row(40, 5)]]), store, 239.9), null);
  },
  "the history fills only what is not known"() {
    const store = new Store();
    store.record(120_500, [["a", 7]]);
    store.backfill("a", [100_000, 110_000, 120_000], [1, 2, 3], 10);
    const series = store.get("a");
    equal([series.at(100), series.at(105), series.at(110), series.at(120)], [10, 15, 20, 7]);
  },
  "beside a point without a value lies nothing"() {
    const store = new Store();
    store.backfill("a", [10_000, 20_000, 30_000, 40_000], [1, null, 3, 4]);
    const series = store.get("a");
    equal(series.at(15), NaN);
    equal(series.at(20), NaN);
    equal([series.at(21), series.at(30), series.at(35)], [3, 3, 3.5]);
  },
  "the join of history and present is closed, and an older gap is not"() {
    const store = new Store();
    store.backfill("a", [80_000, 90_000], [10, 10]);
    store.record(98_000, [["a", 18]]);
    store.bridge(98);
    equal(store.get("a").at(94), 14);
    store.record(198_000, [["a", 18]]);
    store.bridge(198);
    equal(store.get("a").at(190), NaN);
  },
  "more series than the page has room for are counted"() {
    const store = new Store();
    for (let at = 0; at < 450; at += 1) store.get(`s${at}`).put(1, at);
    equal([store.series.size, store.left.size], [400, 50]);
  },
  "the first attempt is at once, and the limit of the others doubles up to 30 s"() {
    equal([0, 1, 2, 3, 6, 20].map((attempt) => delay(attempt, () => 1)), [0, 1000, 2000, 4000, 30_000, 30_000]);
    equal(delay(5, () => 0), 0);
  },
  "a connection is live with its first message, and stale without further ones"() {
    const it = connection();
    it.begin();
    equal(it.states, ["live"]);
    it.clock.advance(2400);
    equal(it.net.state, "live");
    it.clock.advance(200);
    equal(it.net.state, "stale");
    it.hear({ type: "update", data: {} });
    equal(it.states, ["live", "stale", "live"]);
  },
  "a lost connection is opened again with growing waits"() {
    const it = connection();
    it.begin();
    it.last().onclose();
    equal([it.net.state, it.sockets.length], ["reconnecting", 1]);
    it.clock.advance(0);
    equal(it.sockets.length, 2);
    for (const wait of [500, 1000, 2000, 4000, 8000]) {
      it.last().onclose();
      it.clock.advance(wait - 1);
      const before = it.sockets.length;
      it.clock.advance(1);
      equal(it.sockets.length, before + 1, `after ${wait} ms`);
    }
  },
  "only a stable connection makes the waits short again"() {
    const it = connection();
    for (let time = 0; time < 5; time += 1) {
      it.begin();
      it.last().onclose();
      it.clock.advance(30_000);
    }
    it.begin();
    it.last().onclose();
    equal(it.net.next - it.clock.now() > 4000, true, "still long");
    it.clock.advance(30_000);
    it.begin();
    for (let second = 0; second < 61; second += 1) {
      it.clock.advance(1000);
      it.hear({ type: "update", data: {} });
    }
    it.last().onclose();
    equal(it.net.next, it.clock.now());
  },
  "silence of 45 seconds ends a connection"() {
    const it = connection();
    it.begin();
    it.clock.advance(44_000);
    equal(it.net.state, "stale");
    it.clock.advance(1100);
    equal(it.net.state, "reconnecting");
  },
  "an hour of sleep is noticed on return"() {
    const it = connection();
    it.begin();
    const { now } = it.clock;
    it.clock.now = () => now() + 3_600_000;
    it.net.hurry();
    equal(it.net.state, "reconnecting");
  },
  "one can connect at once instead of waiting"() {
    const it = connection();
    it.begin();
    for (let time = 0; time < 4; time += 1) {
      it.last().onclose();
      it.clock.advance(time ? 60_000 : 0);
    }
    it.last().onclose();
    const before = it.sockets.length;
    it.net.hurry();
    equal(it.sockets.length, before + 1);
    it.net.hurry();
    equal(it.sockets.length, before + 1, "while it opens");
  },
  "a restart of the service is told by its epoch"() {
    const it = connection();
    it.begin("one");
    it.last().onclose();
    it.clock.advance(0);
    it.begin("two");
    equal(it.messages.map(({ restarted }) => restarted), [false, true]);
  },
  "another protocol stops the page, without further attempts"() {
    const it = connection();
    it.last().onopen();
    it.hear({ type: "snapshot", protocol: "2.0", data: {} });
    it.clock.advance(600_000);
    equal([it.net.state, it.sockets.length, it.messages.length], ["fatal", 1, 0]);
    equal(it.net.why.includes("protocol 1"), true);
  },
  async "a service that wants a login is not asked again"() {
    const it = connection({ status: async () => 401 });
    it.last().onclose();
    await new Promise((done) => setTimeout(done));
    it.clock.advance(600_000);
    equal([it.net.state, it.sockets.length], ["fatal", 1]);
  },
  "a message that is no JSON changes nothing"() {
    const it = connection();
    it.begin();
    it.last().onmessage({ data: "<html>" });
    equal([it.net.state, it.messages.length], ["live", 1]);
  },
  "the operation of all requests comes first, else the busiest"() {
    equal(main({ operations: { a: { count: 1 }, "http:request": { count: 0 } } }), "http:request");
    equal(main({ operations: { a: { count: 1 }, b: { count: 9 } } }), "b");
    equal(main(undefined), "http:request");
  },
  "all quantities of a report become series, and missing ones stay missing"() {
    const topics = {
      performance: { operations: { "http:request": { p50: 1, p95: 2, p99: null, samples: 10, windowSeconds: 5, count: 10 } }, throughput: {} },
      cache: { health: {}, L1: { metrics: { hitRate: 0.5 } }, L2: { metrics: { hitRate: null } } },
      database: { pools: { main: { metrics: { activeConnections: 3, waitingClients: 0 } } } },
      "circuit-breaker": { circuits: [{ service: "pay", metrics: { state: "HALF_OPEN" } }] },
      system: { process: { cpuPercent: 1, residentMemoryBytes: 2 }, runtime: { lag: { p99: 3 } } },
    };
    equal(measure(topics), [["requests", 2], ["operation/http:request/p50", 1], ["operation/http:request/p95", 2],
      ["operation/http:request/p99", null], ["tier/L1", 50], ["tier/L2", null], ["pool/main/used", 3], ["pool/main/waiting", 0],
      ["breaker/pay", 1], ["cpu", 1], ["memory", 2], ["lag", 3]]);
    equal(measure({}), [["requests", null]]);
  },
  "errors are the responses of 500 and more, and requests that broke"() {
    const of = (status, values) => ({ labels: { http_response_status_code: status }, values });
    const answer = { timestamps: [1, 2, 3], series: [of("200", [90, 5, null]), of("404", [5, 0, null]), of("503", [4, 0, null]), of("panicked", [1, 5, null])] };
    equal(failures(answer), [5, 50, null]);
  },
  "a route has the errors of its statuses, and the percentile of the slowest"() {
    const ours = new Set(["/metrics"]), of = (route, status, values) => ({ labels: { http_request_method: "GET", http_route: route, http_response_status_code: status }, values });
    const answer = { timestamps: [1000, 2000], series: [of("/a", "200", [9, 6]), of("/a", "500", [null, 2]), of("/b", "200", [1, null]), of("/metrics", "200", [5, 5])] };
    equal([...routes(answer, ours)], [["GET /a", { perSecond: 8, errors: 25 }], ["GET /b", { perSecond: 0, errors: null }]]);
    equal(rate(routes(answer, ours).get("GET /a")), 8);
    const found = {};
    routePasts(ours)[0].take(answer, (key, times, values, scale) => (found[key] = values.map((value) => value * scale)));
    equal(found, { "operation/GET /a/p95": [9000, 6000], "operation/GET /b/p95": [1000] });
    equal([ofRoute("GET /a/{id}"), ofRoute("orders:read")], [{ http_request_method: "GET", http_route: "/a/{id}" }, null]);
  },
  "columns of the history become the series of the live values"() {
    const found = {};
    const put = (key, times, values, scale = 1) => (found[key] = values.map((value) => (value === null ? null : value * scale)));
    const past = pasts({ cache: { L1: { metrics: { hitRate: 1 } } }, "circuit-breaker": { circuits: [{ service: "p" }] }, system: {} });
    const take = (metric, series) => past.find((it) => it.metric === metric).take({ timestamps: [1, 2], series }, put);
    take("cache_gets_total", [{ labels: { cache: "c", tier: "L1", result: "hit" }, values: [3, null] }, { labels: { cache: "c", tier: "L1", result: "miss" }, values: [1, null] }]);
    take("circuit_breaker_state", [{ labels: { circuit: "p", state: "closed" }, values: [1, 0.4] }, { labels: { circuit: "p", state: "open" }, values: [0, 0.6] }]);
    take("process_cpu_usage_cores", [{ labels: {}, values: [0.5, null] }]);
    equal(found, { "tier/L1": [75, null], "breaker/p": [0, 2], cpu: [50] });
  },
  "the worst finding is the first"() {
    const of = (severity, penalty) => ({ severity, penalty, code: `${severity}${penalty}` });
    const topics = { a: { health: { issueDetails: [of("warning", 9), of("critical", 1)] } }, b: { health: { issueDetails: [of("critical", 7)] } }, c: {} };
    equal(findings(topics).map(({ code }) => code), ["critical7", "critical1", "warning9"]);
    equal([kind(86), kind(85), kind(69), kind("poor"), kind("unknown")], ["ok", "warn", "crit", "crit", ""]);
  },
};
