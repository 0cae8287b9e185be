const page = await open();
await until("the history begins", async () => (await api("metrics/history?metric=http_server_request_duration_seconds")).series);
const shown = () => page.evaluate(() => {
  const text = (selector) => document.querySelector(selector)?.textContent;
  const number = (id) => [...document.querySelectorAll(`[data-number=${id}] .value > *`)].map((part) => part.textContent).join(" ").trim();
  return {
    requests: number("requests"), p95: number("p95"), errors: number("errors"), hits: number("hits"), pool: number("pool"), lag: number("lag"),
    "tier L1": text("[data-tier=L1] .value"), "tier L2": text("[data-tier=L2] .value"),
    seats: `${document.querySelectorAll("[data-pool=main] .used").length}/${document.querySelectorAll("[data-pool=main] .seats i").length}`,
    breaker: text("[data-breaker=payment-service] .pill"), fails: text("[data-breaker=payment-service] .about b"),
    score: text("#score-number"), word: text("#word").replace(", with issues", ""),
  };
});
/** What the page must show, in the page's own words for numbers, of what the API says. */
const told = async () => {
  const [performance, cache, database, circuits, system, health, past] = await Promise.all(
    ["metrics/performance", "metrics/cache", "metrics/database", "metrics/circuit-breaker", "metrics/system", "health/performance",
      "metrics/history?metric=http_server_request_duration_seconds&statistic=rate&from=-10s&step=10s"].map((path) => api(path)));
  const { number, millis, share } = await import(pathToFileURL(`${order.ui}/format.js`));
  const join = (parts) => parts.join(" ").trim(), { main: pool } = database.pools, [circuit] = circuits.circuits;
  let all = 0, failed = 0;
  for (const { labels, values } of past.series) {
    all += values.at(-1) ?? 0;
    if (labels.http_response_status_code.startsWith("5")) failed += values.at(-1) ?? 0;
  }
  return {
    requests: join([number(performance.throughput["http:requests"].ratePerSecond), "/s"]),
    p95: join(millis(performance.operations["http:request"].p95)),
    errors: join([number(all ? (failed / all) * 100 : null), "%"]),
    hits: join(share(cache.L1.metrics.hitRate)), pool: `${pool.metrics.activeConnections} of ${pool.metrics.maxConnections}`,
    lag: join(millis(system.runtime.lag.p99)), "tier L1": share(cache.L1.metrics.hitRate).join(""), "tier L2": share(cache.L2.metrics.hitRate).join(""),
    seats: `${pool.metrics.activeConnections}/${pool.metrics.maxConnections}`,
    breaker: { CLOSED: "closed", OPEN: "open", HALF_OPEN: "half-open" }[circuit.metrics.state], fails: share(circuit.failureRate).join(" "),
    score: String(Math.round(health.score)), word: health.status[0].toUpperCase() + health.status.slice(1),
  };
};
// Reading the API is traffic as well, so both move: each number must agree within two ticks of
// being told, and all must have agreed at some time.
const open_ = new Set(Object.keys(await shown()));
const tolds = [];
for (let round = 0; round < 40 && open_.size; round += 1) {
  tolds.push(await told());
  for (let look = 0; look < 8; look += 1) {
    const now = await shown();
    for (const key of [...open_]) if (tolds.slice(-1).some((said) => said[key] === now[key])) open_.delete(key);
    await pause(250);
  }
}
return { differ: [...open_], shown: await shown(), told: tolds.at(-1) };
