// The states of the page: what it says, and what it does meanwhile.
const states = {};

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
// An attempt is random within its limit, so time goes on until one is made.
for (const before = it.sockets.length; it.sockets.length === before; ) {
  await it.quiet(1000);
  await pause(20);
}
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

await it.quiet(100);
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

const fault = { code: "circuit_open", severity: "critical", component: "pay", message: "circuit `pay`: the breaker is open", advice: "Wait." };
const ill = await open({
  data: topics({ "circuit-breaker": { health: health(30, "unhealthy", { issueDetails: [fault, { ...fault, code: "failures", message: "circuit `pay`: 5 calls failed" }] }), circuits: [] } }),
  answers: {
    "/alerts": () => ({ active: [{ id: "a", name: "CircuitOpen", topic: "circuit-breaker", component: "pay", severity: "critical", message: "circuit pay: open", labels: {}, activeAt: START - 90_000, startsAt: null, endsAt: null }], recent: [] }),
    "/api/v1/rules": () => ({ data: { groups: [{ rules: [
      { name: "HighP95Latency", query: "histogram_quantile(0.95, a) > 1 and b >= 20" },
      { name: "ThroughputCollapsed", query: "sum(a) / (sum(b) >= 1) < 0.1" },
    ] }] } }),
    "/metrics/history": (asked) => asked.get("metric") === "operations_total" && { timestamps: Array.from({ length: 59 }, (_, at) => START + (at - 59) * 10_000), series: [{ labels: {}, values: Array(59).fill(40) }] },
  },
});
const slow = (p95) => () => ({ performance: { ...ill.data.performance, operations: { "http:request": operation({ p95 }), "orders:create": operation({ p95: 2 * p95 }) } } });
const glance = () => ill.ask(`
  app.render();
  const text = (selector) => document.querySelector(selector).textContent;
  return { sentence: text("#sentence"), facts: text("#facts"), note: text("#issues .note"), was: text("[data-number=p95] .was"), steady: text("[data-number=requests] .was"),
    limit: app.made.get("requests").limit };`);
await ill.tick(5, slow(20));
states["before fault"] = await glance();
await ill.tick(55, slow(20));
await ill.tick(30, slow(800));
states.ill = await glance();
await ill.page.close();

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
    rows: document.querySelectorAll("#rows tr").length, said: document.querySelector("#rows-left").textContent,
    tiers: document.querySelectorAll("#tiers .tier").length };`));
  states.own = await hostile.ask(`return { area: document.querySelector("#areas a:last-child .name").textContent, facts: document.querySelectorAll("#job-queue .facts > div").length };`);
  if (states.hostile.wide) problems.push(`${width} px: ${states.hostile.wide} px too wide`);
  await hostile.page.close();
}

const alone = await open({ document: order.alone });
await alone.quiet(2500);
await settle(alone, "live");
states.alone = await alone.look();
return states;
