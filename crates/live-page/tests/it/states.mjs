// Plays a service to the page: its socket, its clock, and its answers.

import { readFileSync } from "node:fs";
import { pathToFileURL } from "node:url";

const { default: playwright } = await import(pathToFileURL(process.env.NODE0_PLAYWRIGHT));
const order = JSON.parse(readFileSync(process.argv[2], "utf8"));
const browser = await playwright.chromium.launch({ executablePath: order.chromium, args: ["--no-sandbox"] });
const problems = [], states = {}, START = 1_800_000_000_000;

const operation = (more = {}) => ({ p50: 13, p95: 90, p99: 195, max: 400, samples: 1000, windowSeconds: 25, count: 9000, ...more });
const health = (score, status, more = {}) => ({ score, status, issues: [], recommendations: [], issueDetails: [], ...more });
const tier = (hitRate) => ({ metrics: { hitRate, entries: 5 }, thresholds: { hitRate: 0.7 } });

function topics(more = {}) {
  return {
    performance: { health: health(71, "degraded"), operations: { "http:request": operation() }, throughput: { "http:requests": { ratePerSecond: 40 } } },
    cache: { health: { ...health(94, "optimal"), level: "healthy" }, L1: tier(0.954), L2: tier(null) },
    database: { health: health(76, "degraded"), pools: { main: { metrics: { activeConnections: 7, idleConnections: 1, maxConnections: 10, waitingClients: 3, p95WaitTime: 1 }, thresholds: {} } } },
    "circuit-breaker": { health: health(100, "healthy"), circuits: [{ service: "pay", metrics: { state: "HALF_OPEN" }, failureRate: 0.5 }] },
    system: { health: health(100, "healthy"), process: { cpuPercent: 3, residentMemoryBytes: 1 << 28, uptime: 5000 }, runtime: { lag: { p95: 1.5 } }, thresholds: { lagWarn: 100 } },
    ...more,
  };
}

/** Waits by the clock of this program, since the page's clock stands still. */
async function until(page, holds, argument) {
  for (const end = Date.now() + 30_000; !(await page.evaluate(holds, argument)); ) {
    if (Date.now() > end) throw new Error(`never: ${holds} ${argument}`);
    await new Promise((done) => setTimeout(done, 20));
  }
}

/** Opens the page; the answers are those of a service with this health. */
async function open({ document = order.document, score = { score: 78, status: "degraded", checks: {} }, width = 1440, data = topics() } = {}) {
  const context = await browser.newContext({ viewport: { width, height: 900 } });
  const page = await context.newPage();
  const it = { page, data, now: START, seq: 0, sockets: [] };
  page.on("console", (message) => ["error", "warning"].includes(message.type()) && problems.push(message.text()));
  page.on("pageerror", (error) => problems.push(String(error.stack)));
  page.on("request", (request) => /^(http|ws):\/\/page\.test\//.test(request.url()) || problems.push(request.url()));
  await page.clock.install({ time: START });
  await page.route("**/*", (route) => {
    const { pathname: path, searchParams: asked } = new URL(route.request().url()), name = path.split("/").pop();
    const json = (body) => route.fulfill({ contentType: "application/json", body: JSON.stringify(body) });
    if (path === "/") return route.fulfill({ contentType: "text/html", body: document, headers: { "content-security-policy": order.policy } });
    if (order.files[name]) return route.fulfill({ contentType: { css: "text/css", svg: "image/svg+xml" }[name.split(".").pop()] ?? "text/javascript", body: order.files[name] });
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
  await page.goto("http://page.test/");
  await until(page, () => document.querySelector("#ranges button") !== null);
  await it.quiet(100);
  return it;
}

/** Waits until the page has taken what was sent to it. */
const settle = (it, state) => until(it.page, (state) => document.body.dataset.state === state, state);

try {
  const empty = await open({ data: {}, score: {} });
  await empty.tick(1);
  // Areas and numbers are there before the first value is.
  states.empty = await empty.look();
  await empty.page.close();

  const it = await open();
  await it.tick(12);
  await settle(it, "live");
  states.live = await it.look();
  await it.quiet(4000);
  states.stale = await it.look();
  await it.tick(3);
  it.refuses = true;
  await it.sockets.at(-1).close();
  await it.quiet(1000);
  await settle(it, "reconnecting");
  states.lost = await it.look();
  await it.quiet(20_000);
  it.refuses = false;
  await it.quiet(60_000);
  await settle(it, "live");
  await it.tick(3);
  states.back = await it.look();

  await it.tick(2);
  states["before pause"] = await it.look();
  await it.ask("app.pause();");
  await it.tick(300, (second) => ({ performance: { ...it.data.performance, throughput: { "http:requests": { ratePerSecond: 100 + second } } } }));
  states.paused = await it.look();
  states.paused.recorded = await it.ask(`
    const series = app.store.peek("requests"); let count = 0;
    for (let second = series.newest; series.at(second) >= 100; second -= 1) count += 1;
    return count;`);
  await it.ask("app.resume();");
  states.resumed = await it.look();

  states.hidden = { drawn: await it.ask(`
    Object.defineProperty(document, "hidden", { value: true, configurable: true });
    window.drawnBefore = app.drawn; return 0;`) };
  await it.tick(5);
  states.hidden.drawn = await it.ask("return app.drawn - window.drawnBefore;");
  states.shown = { drawn: await it.ask(`
    delete document.hidden;
    document.dispatchEvent(new Event("visibilitychange"));
    return app.drawn > window.drawnBefore;`) };
  await it.page.close();

  const fatal = await open();
  fatal.protocol = "2.0";
  await fatal.sockets.at(-1).close();
  await fatal.quiet(2000);
  await settle(fatal, "fatal");
  states.fatal = await fatal.look();
  await fatal.page.close();

  const names = ["<img src=x onerror=alert(1)>", "\u202Eright to left", "x".repeat(300)];
  const operations = Object.fromEntries([...names, ...Array.from({ length: 199 }, (_, at) => `operation ${at}`), "http:request"].map((name, at) => [name, operation({ p95: 1000 - at })]));
  const data = topics({
    performance: { health: health(100, "healthy"), operations, throughput: {} },
    cache: { health: health(100, "healthy"), ...Object.fromEntries(Array.from({ length: 50 }, (_, at) => [`${names[at % 3]}${at}`, tier(0.5)])) },
    "circuit-breaker": { health: health(0, "unhealthy", { issueDetails: names.map((name) => ({ code: name, severity: "critical", component: name, message: `circuit \`${name}\`: is ${name}`, advice: name })) }), circuits: names.map((service) => ({ service, metrics: { state: "OPEN" }, failureRate: 1 })) },
    "job-queue": { health: health(50, "unhealthy"), waiting: 3, workers: { busy: 2, idle: null } },
  });
  for (const width of [390, 1440]) {
    const hostile = await open({ data, width });
    await hostile.tick(3);
    states.hostile = await hostile.look();
    Object.assign(states.hostile, await hostile.ask(`return {
      images: document.images.length, wide: document.documentElement.scrollWidth - innerWidth,
      rows: document.querySelectorAll("#operations tbody tr").length, said: document.querySelector("#operations .limit").textContent,
      tiers: document.querySelectorAll(".tier").length };`));
    states.own = await hostile.ask(`return { area: document.querySelector("#areas a:last-child .name").textContent, facts: document.querySelectorAll("#job-queue .facts > div").length };`);
    if (states.hostile.wide) problems.push(`${width} px: ${states.hostile.wide} px too wide`);
    await hostile.page.close();
  }

  const alone = await open({ document: order.alone });
  await alone.quiet(2500);
  await settle(alone, "live");
  states.alone = await alone.look();
  console.log(JSON.stringify({ states, problems }));
} finally {
  await browser.close();
}
