// Walks through the page by the tab key, and uses what it meets.
const it = await open();
await it.tick(5);
const { page } = it;
const all = await page.evaluate(() => {
  const able = [...document.querySelectorAll("a[href], button:enabled, input, [tabindex='0']")].filter((element) => element.checkVisibility({ visibilityProperty: true }));
  able.forEach((element, at) => (element.dataset.walk = at));
  return able.map((element) => element.outerHTML.slice(0, 90));
});
const reached = new Set(), unmarked = [];
for (let step = 0; step < all.length + 5; step += 1) {
  await page.keyboard.press("Tab");
  const [at, outline] = await page.evaluate(() => {
    const { outlineStyle, outlineWidth } = getComputedStyle(document.activeElement);
    return [document.activeElement.dataset.walk, outlineStyle !== "none" && parseFloat(outlineWidth) >= 1];
  });
  if (at === undefined) continue;
  reached.add(Number(at));
  if (!outline) unmarked.push(all[at]);
}
const missed = all.filter((_, at) => !reached.has(at));

await page.focus("#latency .plot");
await page.keyboard.press("ArrowLeft");
await it.quiet(400);
const said = await page.evaluate(() => /p95 90 ms/.test(document.getElementById("spoken").textContent));
await page.focus("#latency .as-table");
await page.keyboard.press("Enter");
const table = await page.textContent("#table[open] h2");
await page.keyboard.press("Escape");
await page.keyboard.press("?");
await page.uncheck("#keys-on");
await page.keyboard.press("Escape");
const range = () => page.textContent("#ranges [aria-pressed=true]");
await page.keyboard.press("[");
await it.quiet(50);
const off = await range();
await page.evaluate(() => (document.getElementById("keys-on").checked = true));
await page.keyboard.press("[");
await it.quiet(50);
const charts = await page.evaluate(() => {
  const plots = [...document.querySelectorAll(".plot")].filter((plot) => plot.checkVisibility());
  const isNamed = (plot) => plot.getAttribute("role") === "img" && plot.getAttribute("aria-label").length > 10 && plot.closest("section").querySelector(".as-table");
  return { count: plots.length, unnamed: plots.filter((plot) => !isNamed(plot)).map((plot) => plot.outerHTML) };
});
return { reached: reached.size, missed, unmarked, said, table, keys: { off, on: await range() }, charts };
