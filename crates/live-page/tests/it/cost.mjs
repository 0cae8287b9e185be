// What the page costs a browser, beside a blank page and beside the library uPlot with the same data.
//
// A real server and a real WebSocket, since a played one would be part of the browser's work. All of
// the page is visible: forty operations, an hour, an update a second.

import { createHash } from "node:crypto";
import { readFileSync, readdirSync } from "node:fs";
import { createServer } from "node:http";
import { pathToFileURL } from "node:url";

const { default: playwright } = await import(pathToFileURL(process.env.NODE0_PLAYWRIGHT));
const order = JSON.parse(readFileSync(process.argv[2], "utf8"));
const pause = (millis) => new Promise((done) => setTimeout(done, millis));

/* ---- The service ---- */

const noise = (at) => { const it = Math.sin(at * 127.1) * 43758.5453; return it - Math.floor(it); };
const health = { score: 92, status: "healthy", issueDetails: [] };
function topics(at) {
  const operations = Object.fromEntries(Array.from({ length: 40 }, (_, nth) => {
    const p95 = 20 + 3 * nth + 9 * noise(at + nth);
    return [nth ? `orders:step-${nth}` : "http:request", { p50: p95 / 6, p95, p99: p95 * 2, max: p95 * 3, samples: 1000, windowSeconds: 25, count: at }];
  }));
  const tier = (hitRate) => ({ metrics: { hitRate, entries: 900 }, thresholds: { hitRate: 0.7 } });
  return {
    performance: { health, operations, throughput: { "http:requests": { ratePerSecond: 400 + 30 * noise(at) } } },
    cache: { health, L1: tier(0.9 + 0.05 * noise(at)), L2: tier(0.7 + 0.1 * noise(at + 1)) },
    database: { health, pools: { main: { metrics: { activeConnections: Math.round(9 * noise(at)), idleConnections: 1, maxConnections: 20, waitingClients: Math.round(2 * noise(at + 2)), p95WaitTime: 1 }, thresholds: { waitingClients: 5 } } } },
    "circuit-breaker": { health, circuits: ["pay", "mail", "geo"].map((service) => ({ service, metrics: { state: "CLOSED" }, failureRate: 0.01 })) },
    system: { health, process: { cpuPercent: 20 + 9 * noise(at), residentMemoryBytes: 4e8 + 1e6 * noise(at), uptime: 9e6 }, runtime: { lag: { p99: 2 + noise(at) } }, thresholds: { lagWarn: 100 } },
  };
}
const labels = {
  operation_duration_seconds: Array.from({ length: 40 }, (_, nth) => ({ operation: nth ? `orders:step-${nth}` : "http:request" })),
  cache_gets_total: ["L1", "L2"].flatMap((tier) => ["hit", "miss"].map((result) => ({ cache: "c", tier, result }))),
  db_client_connections: [{ pool: "main" }], db_client_pending_requests: [{ pool: "main" }],
  http_server_request_duration_seconds: [{ http_request_method: "POST", http_route: "/orders", http_response_status_code: "200" }],
  circuit_breaker_state: ["pay", "mail", "geo"].map((circuit) => ({ circuit, state: "closed" })),
};
function past(asked) {
  const short = asked.get("from") !== "-1h", now = Math.floor(Date.now() / 10_000) * 10_000, count = short ? 1 : 360;
  const timestamps = Array.from({ length: count }, (_, at) => now - 10_000 * (count - 1 - at));
  const series = (labels[asked.get("metric")] ?? [{}]).map((labels, nth) => ({ labels, values: timestamps.map((at) => (0.5 + 0.5 * noise(at / 1000 + nth)) * (asked.get("metric") === "node0_health_score" ? 100 : 1)) }));
  return { timestamps, series };
}
const UPLOT = `<!doctype html><link rel="stylesheet" href="uplot.css"><body><script src="uplot.js"></script><script>
  const charts = Array.from({ length: 12 }, (_, nth) => {
    const data = [[], [], [], []], now = Math.floor(Date.now() / 1000);
    for (let at = -3600; at < 0; at += 1) { data[0].push(now + at); for (let line = 1; line < 4; line += 1) data[line].push(line * 10 + Math.random() * 9); }
    const series = [{}, ...["#3fbfd4", "#5590ff", "#dcbcff"].map((stroke) => ({ stroke }))];
    return { data, plot: new uPlot({ width: 470, height: 150, series, cursor: { show: false }, legend: { show: false } }, data, document.body) };
  });
  document.body.style.cssText = "display:flex;flex-wrap:wrap";
  new WebSocket(location.href.replace("http", "ws").replace("uplot", "metrics/stream")).onmessage = (event) => {
    const { timestamp, data: topics } = JSON.parse(event.data);
    charts.forEach(({ data, plot }, nth) => {
      const { p50, p95, p99 } = Object.values(topics.performance.operations)[nth];
      [timestamp / 1000, p50, p95, p99].forEach((value, line) => { data[line].shift(); data[line].push(value); });
      plot.setData(data);
    });
  };
</script>`;
const state = { isSlow: false };
const server = createServer(async (request, response) => {
  const { pathname: path, searchParams: asked } = new URL(request.url, "http://service"), name = path.split("/").pop();
  const send = (type, body) => response.writeHead(200, { "content-type": type, "cache-control": path.startsWith("/live-page/") ? "max-age=9999, immutable" : "no-store" }).end(body);
  if (path === "/") return send("text/html", order.document);
  if (path === "/blank") return send("text/html", "<!doctype html><title>blank</title>");
  if (path === "/uplot") return send("text/html", UPLOT);
  if (order.files[name]) return send({ css: "text/css", svg: "image/svg+xml" }[name.split(".").pop()] ?? "text/javascript", order.files[name]);
  if (state.isSlow && path === "/metrics/history") await pause(2500);
  const answers = { "/metrics/history": () => past(asked), "/alerts": () => ({ active: [], recent: [] }), "/health/performance": () => health };
  send("application/json", JSON.stringify(answers[path]?.() ?? {}));
});
const open = new Set();
server.on("upgrade", (request, socket) => {
  const accept = createHash("sha1").update(`${request.headers["sec-websocket-key"]}258EAFA5-E914-47DA-95CA-C5AB0DC85B11`).digest("base64");
  socket.write(`HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Accept: ${accept}\r\n\r\n`);
  const send = (message) => {
    const body = Buffer.from(JSON.stringify({ timestamp: Date.now(), data: topics(Math.floor(Date.now() / 1000)), ...message })), head = Buffer.alloc(4);
    head.writeUInt16BE(0x817e);
    head.writeUInt16BE(body.length, 2);
    socket.write(Buffer.concat([head, body]));
  };
  send({ type: "snapshot", protocol: "1.0", epoch: "one" });
  const timer = setInterval(() => send({ type: "update" }), 1000);
  open.add(socket);
  socket.on("close", () => clearInterval(timer)).on("error", () => {});
});
await new Promise((done) => server.listen(0, "127.0.0.1", done));
const address = `http://127.0.0.1:${server.address().port}/`;

/* ---- The measurement ---- */

/** The processor time of a process and of those that it started, in seconds. */
function cpu(root) {
  const all = readdirSync("/proc").filter((name) => /^\d+$/.test(name)).flatMap((pid) => {
    try {
      const fields = readFileSync(`/proc/${pid}/stat`, "utf8").replace(/^.*\) /s, "").split(" ");
      return [{ pid, parent: fields[1], ticks: Number(fields[11]) + Number(fields[12]) }];
    } catch {
      return [];
    }
  });
  const family = new Set([String(root)]);
  for (let size = 0; size < family.size; ) {
    size = family.size;
    for (const { pid, parent } of all) if (family.has(parent)) family.add(pid);
  }
  return all.filter(({ pid }) => family.has(pid)).reduce((sum, { ticks }) => sum + ticks, 0) / 100;
}

const host = await playwright.chromium.launchServer({ executablePath: order.chromium, args: ["--no-sandbox", "--enable-precise-memory-info"] });
const browser = await playwright.chromium.connect(host.wsEndpoint());
async function visit(path) {
  const page = await (await browser.newContext({ viewport: { width: 1440, height: 3300 } })).newPage();
  await page.goto(address + path);
  page.ask = (script) => page.evaluate(`import(document.querySelector("script[type=module]").src).then(async ({ page: app }) => { ${script} })`);
  return page;
}
/** The share of a core that a page costs, in percent. */
async function costs(path, prepare) {
  const page = await visit(path);
  await pause(order.settle);
  if (prepare) {
    await prepare(page);
    await pause(3000);
  }
  const [before, since] = [cpu(host.process().pid), performance.now()];
  await pause(order.watch);
  const percent = ((cpu(host.process().pid) - before) / (performance.now() - since)) * 100_000;
  await page.context().close();
  return percent;
}
const figures = {};
try {
  // The second visit finds script and style in the cache.
  const isDrawn = () => document.querySelector("[data-number=p95] b").textContent !== "–";
  const warm = await visit("?range=1h");
  await warm.waitForFunction(isDrawn);
  await warm.reload();
  await warm.waitForFunction(isDrawn, null, { polling: "raf" });
  figures.firstDrawMillis = await warm.evaluate(() => performance.now());
  state.isSlow = true;
  await warm.reload();
  await warm.waitForFunction(isDrawn, null, { polling: "raf" });
  figures.drawnWhileHistoryLoadsMillis = await warm.evaluate(() => performance.now());
  state.isSlow = false;

  const heap = await warm.context().newCDPSession(warm);
  const used = async () => {
    // What a browser keeps for a moment, such as compiled code, comes and goes.
    const sizes = [];
    for (let round = 0; round < 4; round += 1) {
      await pause(300);
      await heap.send("HeapProfiler.collectGarbage");
      sizes.push((await heap.send("Runtime.getHeapUsage")).usedSize);
    }
    return Math.min(...sizes);
  };
  const ticks = (count) => warm.ask(`
    const data = ${JSON.stringify(topics(1))};
    for (let tick = 0; tick < ${count}; tick += 1) {
      app.receive({ type: "update", timestamp: app.newest + 1000, data: structuredClone(data) }, 1000);
      app.render();
    }`);
  await ticks(200);
  const before = await used();
  const since = performance.now();
  await ticks(order.ticks);
  figures.tickMillis = (performance.now() - since) / order.ticks;
  figures.heapGrowthBytes = (await used()) - before;
  await warm.context().close();

  if (order.watch) {
    const rounds = [];
    for (let round = 0; round < 2; round += 1) {
      rounds.push({ blank: await costs("blank"), live: await costs("?range=1h"), paused: await costs("?range=1h", (page) => page.ask("app.pause();")), uplot: await costs("uplot") });
    }
    for (const name of ["live", "paused", "uplot"]) figures[`${name}Percent`] = rounds.reduce((sum, it) => sum + it[name] - it.blank, 0) / rounds.length;
    figures.blankPercent = rounds.reduce((sum, { blank }) => sum + blank, 0) / rounds.length;
  }
  console.log(JSON.stringify(figures));
} finally {
  await browser.close();
  await host.close();
  for (const socket of open) socket.destroy();
  server.close();
}
