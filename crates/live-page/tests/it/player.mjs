// Plays a service to the page: its socket, its clock, and its answers.

import { readFileSync } from "node:fs";
import { pathToFileURL } from "node:url";

const { default: playwright } = await import(pathToFileURL(process.env.NODE0_PLAYWRIGHT));
const order = JSON.parse(readFileSync(process.argv[2], "utf8"));
const browser = await playwright.chromium.launch({ executablePath: order.chromium, args: ["--no-sandbox"] });
const problems = [], START = 1_800_000_000_000;

const operation = (more = {}) => ({ p50: 13, p95: 90, p99: 195, max: 400, samples: 1000, windowSeconds: 25, count: 9000, ...more });
const health = (score, status, more = {}) => ({ score, status, issues: [], recommendations: [], issueDetails: [], ...more });
const tier = (hitRate) => ({ metrics: { hitRate, entries: 5 }, thresholds: { hitRate: 0.7 } });

function topics(more = {}) {
  return {
    performance: { health: health(71, "degraded"), operations: { "http:request": operation() }, throughput: { "http:requests": { ratePerSecond: 40 } } },
    cache: { health: { ...health(94, "optimal"), level: "healthy" }, L1: tier(0.954), L2: tier(null) },
    database: { health: health(76, "degraded"), pools: { main: { metrics: { activeConnections: 7, idleConnections: 1, maxConnections: 10, waitingClients: 3, p95WaitTime: 1 }, thresholds: {} } } },
    "circuit-breaker": { health: health(100, "healthy"), circuits: [{ service: "pay", metrics: { state: "HALF_OPEN" }, failureRate: 0.5 }] },
    system: { health: health(100, "healthy"), process: { cpuPercent: 3, residentMemoryBytes: 1 << 28, uptime: 5000 }, runtime: { lag: { p99: 1.5 } }, thresholds: { lagWarn: 100 } },
    ...more,
  };
}

/** Time of this program. */
const pause = (millis) => new Promise((done) => setTimeout(done, millis));

/** Waits by the clock of this program, since the page's clock stands still. */
async function until(page, holds, argument) {
  for (const end = Date.now() + 30_000; !(await page.evaluate(holds, argument)); ) {
    if (Date.now() > end) throw new Error(`never: ${holds} ${argument}`);
    await pause(20);
  }
}

/** Opens the page; the answers are those of a service with this health. */
async function open({ document = order.document, score = { score: 78, status: "degraded", checks: {} }, width = 1440, data = topics(), query = "", answers = {}, height = 900, ...more } = {}) {
  const context = await browser.newContext({ viewport: { width, height }, ...more });
  const page = await context.newPage();
  const it = { page, data, now: START, seq: 0, sockets: [], asked: [] };
  page.on("console", (message) => ["error", "warning"].includes(message.type()) && problems.push(message.text()));
  page.on("pageerror", (error) => problems.push(String(error.stack)));
  page.on("request", (request) => /^(http|ws):\/\/page\.test\//.test(request.url()) || problems.push(request.url()));
  await page.clock.install({ time: START });
  // The waits between attempts to connect are the longest that chance allows.
  await page.addInitScript(() => (Math.random = () => 0.999));
  await page.route("**/*", (route) => {
    const { pathname: path, searchParams: asked } = new URL(route.request().url()), name = path.split("/").pop();
    const json = (body) => route.fulfill({ contentType: "application/json", body: JSON.stringify(body) });
    if (path === "/") return route.fulfill({ contentType: "text/html", body: document, headers: { "content-security-policy": order.policy } });
    if (order.files[name]) return route.fulfill({ contentType: { css: "text/css", svg: "image/svg+xml" }[name.split(".").pop()] ?? "text/javascript", body: order.files[name] });
    if (path === "/metrics/history") it.asked.push(asked);
    const own = answers[path]?.(asked);
    if (own) return json(own);
    if (path === "/health/performance") return json(score);
    if (path === "/alerts") return json({ active: [], recent: [] });
    if (path === "/metrics/openapi.json") return json({ paths: { "/metrics/performance": {} } });
    if (path === "/metrics/performance") return json({ ...data.performance, timestamp: START });
    if (path === "/metrics/export.json") return json({ families: [] });
    if (asked.get("metric") === "node0_health_score" && asked.get("step") === "1s") {
      return json({ timestamps: [it.now], series: [{ labels: {}, values: [score.score ?? null] }] });
    }
    if (path === "/metrics/history") return json({ timestamps: [], series: [] });
    return json({});
  });
  await page.routeWebSocket("**/metrics/stream", (socket) => {
    it.sockets.push(socket);
    if (it.refuses) return void socket.close();
    it.send({ type: "snapshot", protocol: it.protocol ?? "1.0", epoch: "one", data: it.data });
  });
  it.send = (message) => it.sockets.at(-1).send(JSON.stringify({ timestamp: it.now, seq: (it.seq += 1), ...message }));
  /** Lets seconds pass, each with an update. */
  it.tick = async (seconds, change = () => ({})) => {
    for (let second = 0; second < seconds; second += 1) {
      it.now += 1000;
      it.send({ type: "update", data: change(second) });
      await page.clock.runFor(1000);
    }
  };
  it.quiet = async (millis) => {
    it.now += millis;
    await page.clock.runFor(millis);
  };
  /** Runs a script that knows the page's own object as `app`. */
  it.ask = (script) => page.evaluate(`import(document.querySelector("script[type=module]").src).then(async ({ page: app }) => { ${script} })`);
  it.look = () => it.ask(`
    await new Promise((done) => setTimeout(done));
    app.render();
    const texts = (selector) => [...document.querySelectorAll(selector)].map((element) => element.textContent);
    const view = app.view();
    return {
      state: document.body.dataset.state, title: document.title, word: document.getElementById("word").textContent,
      numbers: texts("#numbers .value b"), banner: document.getElementById("banner-text").textContent,
      grey: getComputedStyle(document.getElementById("main")).filter, gaps: view.gaps.length, kept: app.kept,
    };`);
  await page.goto(`http://page.test/${query}`);
  await until(page, () => document.querySelector("#ribbon i") !== null);
  await it.quiet(100);
  return it;
}

/** Waits until the page has taken what was sent to it. */
const settle = (it, state) => until(it.page, (state) => document.body.dataset.state === state, state);

/** What a test plays to the page, and what it saw. */
async function scenario() {
  /* scenario */
}

try {
  console.log(JSON.stringify({ seen: await scenario(), problems }));
} finally {
  await browser.close();
}
