const runs = {
  "failing-payments": { worst: "POST /orders, [0-9.]+ % fail", topic: "circuit-breaker", code: "circuit_open", alert: "CircuitOpen", mark: "[data-breaker=payment-service] .pill.crit", series: "breaker/payment-service", low: 1, high: 2 },
  "slow-payments": { worst: "POST /orders, [0-9.]+ % fail", topic: "circuit-breaker", code: "circuit_open", alert: "CircuitOpen", mark: "[data-breaker=payment-service] .pill.crit", series: "breaker/payment-service", low: 1, high: 2 },
  // A slow database alone is within all limits of the demo, and so is a small pool.
  "slow-database small-pool": { topic: "database", code: "long_wait_queue", alert: "PoolWaitQueue", mark: "[data-pool=main] .waiting i", series: "pool/main/waiting", low: 1, high: 999 },
  "cold-cache": { topic: "cache", code: "low_hit_rate", alert: "LowCacheHitRate", mark: "[data-number=hits].warn", series: "tier/L1", low: 0, high: 69.9 },
};
const { worst = ".+", topic, code, alert, mark, series, low, high } = runs[order.faults];
const page = await open();
await until("a hundred requests", async () => (await api("metrics/performance")).operations["http:request"]?.count > 100);
const times = {};
/** Waits until the API has it, then measures how much later the page has. */
const follows = async (what, inApi, onPage) => {
  await until(`the API tells: ${what}`, inApi, 60);
  const since = Date.now();
  await until(`the page shows: ${what}`, onPage, 10);
  times[what] = Date.now() - since;
};
const has = (selector) => () => page.evaluate((selector) => document.querySelector(selector) !== null, selector);
const not = (condition) => async () => !(await condition());
const said = (id) => page.evaluate((id) => document.getElementById(id).textContent, id);
const isIssue = async () => (await api(`metrics/${topic}`)).health.issueDetails.some((it) => it.code === code);
const isFiring = async () => (await api("alerts")).active.some(({ name, state }) => name === alert && state === "firing");
const isBad = () => page.ask(`const at = app.store.peek("${series}").last(); return at >= ${low} && at <= ${high};`);
const bar = () => page.evaluate(() => document.querySelectorAll("#ribbon i")[59].className);

for (const fault of order.faults.split(" ")) await fetch(new URL(`chaos/${fault}`, order.url), { method: "POST" });
await follows("the issue", isIssue, has(`#issues [data-code=${code}]`));
await follows("the mark", async () => true, has(mark));
await follows("the strip", async () => true, isBad);
await follows("the ribbon", async () => true, async () => ["warn", "crit"].includes(await bar()));
await follows("the verdict", async () => true, async () => (await said("word")) !== "Healthy");
await follows("the alert", isFiring, has(`#alerts [data-alert=${alert}][data-state=firing]`));
// A route's errors are asked for every two seconds.
const facts = RegExp(`^Since \\d\\d:\\d\\d:\\d\\d \\(\\d+ s\\)\\. (Worst operation: ${worst}|No operation .+)`);
await follows("the time and the operation", async () => true, async () => facts.test(await said("facts")));

await fetch(new URL("chaos", order.url), { method: "DELETE" });
await follows("the alert ends", not(isFiring), has(`#alerts [data-alert=${alert}][data-state=resolved]`));
await follows("the issue ends", not(isIssue), not(has(`#issues [data-code=${code}]`)));
// A breaker that is half-open has no such issue any more, and is not closed yet.
const isClosed = async () => topic !== "circuit-breaker" || (await api("metrics/circuit-breaker")).circuits[0].metrics.state === "CLOSED";
await follows("the mark ends", isClosed, not(has(mark)));
await follows("the strip ends", async () => true, not(isBad));
return times;
