// Judges each state of the page by all default rules.
const found = {};
const judge = async (state, it) => {
  await it.quiet(100);
  await it.page.evaluate(order.more.axe);
  const pending = it.page.evaluate(() => axe.run());
  // The page's clock stands still, and axe waits by it.
  let result;
  pending.then((it) => (result = it), (error) => problems.push(String(error)));
  while (!result && !problems.length) await it.quiet(50);
  found[state] = { passes: result?.passes.length, violations: result?.violations.map(({ id, nodes }) => `${id}: ${nodes.map(({ html, failureSummary }) => html + failureSummary).slice(0, 3)}`) };
};
const finding = { code: "slow", severity: "critical", component: "pay", message: "circuit `pay`: the breaker is open", advice: "Wait." };
const bad = topics({ "circuit-breaker": { health: health(20, "unhealthy", { issueDetails: [finding] }), circuits: [{ service: "pay", metrics: { state: "OPEN" }, failureRate: 1 }] }, "job-queue": { health: health(50, "unhealthy"), waiting: 3 } });

const it = await open({ query: "?theme=dark", data: bad });
await it.tick(5);
await judge("dark", it);
await it.page.keyboard.press("t");
await judge("light", it);
await it.ask("app.show(true);");
await judge("heat map", it);
await it.page.keyboard.press("?");
await judge("keys", it);
await it.page.keyboard.press("Escape");
await it.page.click("#latency .as-table");
await judge("table", it);
await it.page.keyboard.press("Escape");
await it.ask("app.show(false); app.pause();");
await judge("paused", it);
await it.ask("app.resume();");
await it.quiet(5000);
await judge("stale", it);
it.refuses = true;
await it.sockets.at(-1).close();
await it.quiet(1000);
await settle(it, "reconnecting");
await judge("disconnected", it);
await it.page.keyboard.press("t");
await judge("disconnected, dark", it);
await it.page.close();

const empty = await open({ query: "?theme=light", data: {}, score: {} });
await empty.tick(1);
await judge("empty", empty);
await empty.page.close();

for (const theme of ["dark", "light"]) {
  const small = await open({ query: `?theme=${theme}`, width: 390, data: bad });
  await small.tick(5);
  await judge(`390 px, ${theme}`, small);
  await small.page.close();
}
return found;
