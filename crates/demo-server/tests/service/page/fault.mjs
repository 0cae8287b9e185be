const page = await open();
await pause(1500);
const times = {};
/** Waits until the API has it, then measures how much later the page has. */
const follows = async (what, inApi, onPage) => {
  await until(`the API tells: ${what}`, inApi, 30);
  const since = Date.now();
  await until(`the page shows: ${what}`, onPage, 10);
  times[what] = Date.now() - since;
};
const has = (selector) => () => page.evaluate((selector) => document.querySelector(selector) !== null, selector);
const circuit = async (state) => (await api("metrics/circuit-breaker")).circuits[0].metrics.state === state;
const alert = async (state) => {
  const { active } = await api("alerts");
  return active.some(({ name, state }) => name === "CircuitOpen" && state === "firing") === (state === "firing");
};
const bar = () => page.evaluate(() => document.querySelectorAll("#ribbon i")[59].className);
const strip = (from) => page.ask(`const series = app.store.peek("breaker/payment-service"); return series.last() >= ${from};`);

await fetch(new URL("chaos/failing-payments", order.url), { method: "POST" });
await follows("the breaker opens", () => circuit("OPEN"), has("[data-breaker=payment-service] .pill.crit"));
await follows("its strip", async () => true, () => strip(1));
await follows("the issue", async () => true, has("#issues [data-code=circuit_open]"));
await follows("the ribbon", async () => (await api("health/performance")).status !== "healthy", async () => ["warn", "crit"].includes(await bar()));
await follows("the alert", () => alert("firing"), has("#alerts [data-alert=CircuitOpen][data-state=firing]"));
await follows("the verdict", async () => true, () => page.evaluate(() => document.getElementById("word").textContent !== "Healthy"));

await fetch(new URL("chaos", order.url), { method: "DELETE" });
await follows("the breaker closes", () => circuit("CLOSED"), has("[data-breaker=payment-service] .pill.ok"));
await follows("the alert ends", () => alert("resolved"), has("#alerts [data-alert=CircuitOpen][data-state=resolved]"));
await follows("the issue ends", async () => (await api("metrics/circuit-breaker")).health.issueDetails.length === 0,
  async () => !(await has("#issues [data-topic=circuit-breaker]")()));
await follows("the verdict ends", async () => (await api("health/performance")).status === "healthy",
  () => page.evaluate(() => document.getElementById("word").textContent.startsWith("Healthy")));
return times;
