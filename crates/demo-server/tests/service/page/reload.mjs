await pause(14_000);
const page = await open("?range=5m&op=orders%3Aread&theme=light&view=heat");
await until("the history is there", () => page.ask(`
  const series = app.store.peek("requests"), now = Math.floor(app.newest / 1000);
  return Number.isFinite(series?.extremes(now - 12, now - 8)[0]);`), 10);
await until("the heat map is there", () => page.ask("return app.latency.heat?.columns.length > 0;"), 20);
return page.ask(`return {
  isBackfilled: true, range: document.querySelector("#ranges [aria-pressed=true]").textContent,
  operation: document.querySelector("#operations .chosen").dataset.operation,
  theme: document.documentElement.dataset.theme, hasHeat: app.latency.heat.bounds.length > 2 };`);
