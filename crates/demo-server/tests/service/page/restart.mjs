const page = await open();
await pause(4000);
isAway = true;
process.kill(order.pid, "SIGKILL");
await until("the page has lost it", async () => (await page.state()) === "reconnecting", 6);
const isGrey = await page.evaluate(() => getComputedStyle(document.getElementById("main")).filter.includes("grayscale"));
const lost = await page.state();
const known = await page.ask("return app.newest;");
await pause(5000);
const demo = spawn(order.demo, ["--listen", order.listen, "--load", "20", "--database", "embedded"], { stdio: "ignore" });
try {
  await until("the page is live again", async () => (await page.state()) === "live", 60);
  await pause(4000);
  isAway = false;
  const state = await page.ask(`
    const view = app.view();
    return { gaps: view.gaps.length, old: app.store.peek("requests").extremes(${Math.floor(known / 1000)} - 3, ${Math.floor(known / 1000)}) };`);
  return { lost, isGrey, back: await page.state(), gaps: state.gaps, isOlderKept: Number.isFinite(state.old[0]) };
} finally {
  demo.kill("SIGKILL");
}
