// Draws the page in its states, themes and widths, and looks where it does not fit.
const { mkdirSync } = await import("node:fs");
const { layout, folder, isLong } = order.more, found = {};
mkdirSync(folder, { recursive: true });

/** A value that moves: a wave, a step where the fault is, and some noise that is always the same. */
const noise = (at) => { const it = Math.sin(at * 127.1) * 43758.5453; return it - Math.floor(it); };
const ill = (at) => (at > START / 1000 - 620 && at < START / 1000 - 200 ? 1 : 0);
const wave = (low, wide, more) => (at) => low + wide * noise(at) + ill(at) * more * (0.8 + 0.4 * noise(at / 3));
const routes = [["POST", "/orders", 0.012, 0.36, 4], ["GET", "/orders/{id}", 0.002, 0.03, 36]];
const shapes = {
  node0_health_score: [[{}, (at) => (ill(at) ? 40 + 10 * noise(at) : at < START / 1000 - 200 ? 97 : 78)]],
  operations_total: [[{}, wave(38, 5, -6)]],
  operation_duration_seconds: ["http:request", "orders:create", "orders:read"].map((operation, at) => [{ operation }, wave(0.01 * (3 - at), 0.008, 0.09), wave(0.03 * (3 - at), 0.02, 0.3)]),
  http_server_request_duration_seconds: routes.flatMap(([http_request_method, http_route, low, more, rate]) => [["200", 1], ["503", 0.1]].map(([http_response_status_code, part]) =>
    [{ http_request_method, http_route, http_response_status_code }, (at) => (part < 1 ? ill(at) * rate * part : rate), wave(low, low, more)])),
  cache_gets_total: [["L1", 0.95], ["L2", 0.76]].flatMap(([tier, share]) => [[{ cache: "demo", tier, result: "hit" }, wave(30 * share, 1, -2)], [{ cache: "demo", tier, result: "miss" }, wave(30 * (1 - share), 1, 1)]]),
  db_client_connections: [[{ pool: "orders" }, (at) => (ill(at) ? 10 : Math.round(3 + 3 * noise(at)))]],
  db_client_pending_requests: [[{ pool: "orders" }, (at) => (ill(at) ? Math.round(7 * noise(at)) : 0)]],
  circuit_breaker_state: ["closed", "half_open", "open"].map((state, kind) => [{ circuit: "payment-gateway", state }, (at) => Number((ill(at) ? 2 : at > START / 1000 - 200 ? 1 : 0) === kind)]),
  process_cpu_usage_cores: [[{}, wave(0.3, 0.1, 0.1)]], process_resident_memory_bytes: [[{}, wave(4.2e8, 1e7, 3e7)]],
  tokio_lag_seconds: [[{}, wave(0.002, 0.002, 0.02)]],
  orders_placed_total: [[{}, wave(30, 8, -20)]], queue_depth: [[{}, wave(20, 9, 300)]], cart_value: [[{}, wave(55, 4, 0)]], upload_seconds: [[{}, wave(0.2, 0.1, 0.4)]],
};
function past(asked) {
  const shape = shapes[asked.get("metric")], step = Number.parseInt(asked.get("step"), 10) * 1000, to = START;
  if (!shape) return { timestamps: [], series: [] };
  const from = asked.get("from").startsWith("-") ? to - { "-1h": 3600_000, "-10s": 10_000, "-3s": 1000, "-30s": 30_000 }[asked.get("from")] : Number(asked.get("from"));
  const timestamps = Array.from({ length: Math.min(720, Math.max(1, Math.floor((to - from) / step))) }, (_, at) => to - step * at).reverse();
  if (asked.get("statistic") === "buckets") {
    const bounds = Array.from({ length: 19 }, (_, at) => 0.001 * Math.SQRT2 ** at);
    const hill = (row, middle, tall) => Math.max(0, Math.round(tall * (1 - Math.abs(row - middle) / 4)));
    return { timestamps, series: [{ labels: {}, bounds, buckets: timestamps.map((at) => bounds.slice(1).map((_, row) => hill(row, 4 + noise(at), 60) + ill(at / 1000) * hill(row, 13 + noise(at + row), 40))) }] };
  }
  const part = { 0.5: 0.15, 0.95: 1, 0.99: 2.2 }[asked.get("quantile")] ?? 1;
  return { timestamps, series: shape.map(([labels, of, late]) => ({ labels, values: timestamps.map((at) => (asked.get("quantile") && late ? late : of)(at / 1000) * part) })) };
}
const issue = (severity, component, message, advice) => ({ code: message.split(" ")[1], severity, component, message, advice, penalty: 20 });
const data = {
  performance: { health: health(71, "degraded"), throughput: { "http:requests": { ratePerSecond: 40.2 } },
    operations: Object.fromEntries([["http:request", 90], ["orders:create", 196], ["orders:read", 12], ["payments:charge", 412], ["stock:reserve", 41], ["mail:send", 17.4]].map(([name, p95], at) => [name, operation({ p50: p95 / 7, p95, p99: p95 * 2.2, max: p95 * 3.1, samples: 1000 - 130 * at })])) },
  cache: { health: { ...health(94, "optimal"), level: "healthy" }, L1: tier(0.954), L2: tier(0.765) },
  database: { health: health(76, "degraded", { issueDetails: [issue("warning", "orders", "pool `orders`: 3 callers wait, the longest for 41 ms", "Raise `max_connections` from 10, or hold connections for a shorter time.")] }),
    pools: { orders: { metrics: { activeConnections: 9, idleConnections: 1, maxConnections: 10, waitingClients: 3, p95WaitTime: 22, oldestWait: 41 }, thresholds: { waitingClients: 5, slowWait: 100 } } } },
  "circuit-breaker": { health: health(64, "unhealthy", { issueDetails: [issue("critical", "payment-gateway", "circuit `payment-gateway`: the breaker is half-open after 52 % of calls failed", "Keep the fallback on. It closes by itself after 2 more calls that pass.")] }),
    circuits: [["payment-gateway", "HALF_OPEN", 0.041], ["inventory", "CLOSED", 0.001], ["geo-ip", "CLOSED", 0], ["mail", "CLOSED", 0.003]].map(([service, state, failureRate]) => ({ service, metrics: { state }, failureRate })) },
  system: { health: health(96, "healthy"), process: { cpuPercent: 33, residentMemoryBytes: 4.4e8, memoryLimitBytes: 2 ** 31, uptime: 533_520_000 }, runtime: { lag: { p99: 3.1 } }, thresholds: { lagWarn: 100, memoryFail: 0.9 } },
  "job-queue": { health: health(100, "healthy"), waiting: 44, workers: { busy: 6, idle: 2 }, oldestSeconds: 3.4 },
};
const alert = (id, name, severity, component, began, lasted, topic) => ({ id, name, severity, component, topic, labels: {}, message: `${component}: it is so`, state: lasted ? "resolved" : "firing", startsAt: START - began * 1000, endsAt: lasted ? START - (began - lasted) * 1000 : null });
const family = (name, type, help, unit) => ({ name, type, help, unit });
const answers = {
  "/metrics/history": past,
  "/metrics/openapi.json": () => ({ info: { version: "2.14.0" }, paths: {} }),
  "/api/v1/rules": () => ({ data: { groups: [{ rules: [{ name: "HighP95Latency", query: "p95 > 0.15" }, { name: "ThroughputCollapsed", query: "now / (mean >= 1) < 0.1" }] }] } }),
  "/alerts": () => ({ active: [alert("a", "CircuitHalfOpen", "warning", "payment-gateway", 198, 0, "circuit-breaker"), alert("b", "PoolWaitQueue", "warning", "orders", 609, 0, "database")],
    recent: [alert("c", "CircuitOpen", "critical", "payment-gateway", 613, 415, "circuit-breaker"), alert("d", "HighP95Latency", "warning", "http:request", 616, 420, "performance"), alert("e", "RuntimeLag", "warning", "main", 2100, 34, "runtime")] }),
  "/metrics/export.json": () => ({ families: [family("orders_placed_total", "counter", "Orders that were paid for and stored."), family("queue_depth", "gauge", "Jobs that wait.", "jobs"), family("cart_value", "gauge", "The mean value of a cart.", "euros"), family("upload_seconds", "histogram", "Uploads of receipts.", "seconds")] }),
};
const THEMES = ["dark", "light"], WIDTHS = [390, 768, 1440, 1920];
const calm = { ...data, ...Object.fromEntries(Object.entries(data).map(([topic, report]) => [topic, { ...report, health: health(100, "healthy") }])) };
const lose = async (it) => {
  it.refuses = true;
  await it.sockets.at(-1).close();
  await it.quiet(4000);
};
const states = {
  issues: {}, "heat map": { query: "&view=heat" }, "one operation": { query: "&op=payments%3Acharge&range=5m" },
  healthy: { data: calm, score: { score: 100, status: "healthy" }, answers: { "/alerts": () => ({ active: [], recent: [] }) } },
  paused: { then: (it) => it.ask("app.pause();") }, stale: { then: (it) => it.quiet(4000) }, disconnected: { then: lose },
  stopped: { then: (it) => it.ask("app.net.give('The service does not let you read it: log in.');") },
  empty: { data: {}, score: {}, answers: Object.fromEntries(Object.keys(answers).map((path) => [path, undefined])) },
  "no stream": { document: order.alone }, table: { then: (it) => it.page.click("#latency .as-table") }, keys: { then: (it) => it.page.keyboard.press("?") },
};
const short = [["issues", "dark", 1440], ["issues", "light", 390], ["issues", "light", 1920], ["heat map", "light", 1440], ["disconnected", "dark", 768], ["empty", "light", 390], ["healthy", "dark", 390], ["keys", "dark", 768]];
const all = Object.keys(states).flatMap((state) => THEMES.flatMap((theme) => WIDTHS.map((width) => [state, theme, width])));
for (const [state, theme, width] of isLong ? all : short) {
  const { then, query = "", ...more } = states[state];
  const it = await open({ data, width, height: 2600, score: { score: 78, status: "degraded" }, ...more, query: `?theme=${theme}${query}`, answers: { ...answers, ...more.answers } });
  await it.tick(state === "no stream" ? 0 : 6);
  await it.quiet(state === "no stream" ? 5000 : 50);
  await then?.(it);
  await it.quiet(200);
  const name = `${state}, ${theme}, ${width}`, wrong = await it.page.evaluate(layout);
  if (wrong.length) found[name] = [...new Set(wrong)];
  const tall = await it.page.evaluate(() => Math.max(600, document.body.scrollHeight));
  await it.page.screenshot({ path: `${folder}/${name.replaceAll(", ", "-").replaceAll(" ", "-")}.png`, clip: { x: 0, y: 0, width, height: Math.min(2600, tall) } });
  await it.page.context().close();
}
return found;
