// The page after it was away: a laptop that slept, the back-forward cache, a reader that was too slow.
const since = (it) => it.asked.filter((asked) => asked.get("metric") === "operations_total").map((asked) => asked.get("from"));
const away = async (it, what) => {
  const sockets = it.sockets.length;
  it.asked.length = 0;
  await what();
  await it.quiet(200);
  await settle(it, "live");
  await it.tick(2);
  return { sockets: it.sockets.length - sockets, asked: since(it).map((from) => (it.now - from) / 1000), gaps: (await it.look()).gaps, state: (await it.look()).state };
};
const seen = {}, it = await open();
await it.tick(12);
await it.quiet(15_000);
await it.tick(5);

// No timer ran meanwhile, and the socket is dead without having said so.
seen.slept = await away(it, async () => {
  it.now += 3600_000;
  await it.page.clock.fastForward(3600_000);
  for (const before = it.sockets.length; it.sockets.length === before; ) {
    await it.quiet(500);
    await pause(20);
  }
});

// The browser closed the socket, and no timer runs before the page is shown again.
seen.cached = await away(it, async () => {
  it.refuses = true;
  await it.sockets.at(-1).close();
  await settle(it, "reconnecting");
  await it.quiet(9000);
  it.refuses = false;
  const before = it.sockets.length;
  await it.page.evaluate(() => dispatchEvent(new PageTransitionEvent("pageshow", { persisted: true })));
  while (it.sockets.length === before) await pause(20);
});

seen.lagged = await away(it, async () => {
  it.now += 37_000;
  it.send({ type: "snapshot", protocol: "1.0", epoch: "one", missed: 37, data: it.data });
});
seen.skipped = await away(it, async () => {
  it.now += 8000;
  it.send({ type: "update", data: {} });
});
await it.page.close();
return seen;
