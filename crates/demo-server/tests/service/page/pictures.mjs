// The pictures of the documentation: the demo in the second half of a fault, by both themes.
await pause(100_000);
const fault = (method, name) => fetch(new URL(`chaos/${name}`, order.url), { method });
await fault("POST", "failing-payments");
await pause(45_000);
await fault("DELETE", "failing-payments");
await pause(75_000);
await fault("POST", "slow-payments");
await pause(25_000);
const pages = [];
for (const theme of ["dark", "light"]) pages.push([theme, await open(`?theme=${theme}&range=5m`, { width: 1440, height: 900 })]);
await pause(15_000);
for (const [theme, page] of pages) await page.screenshot({ path: `${order.docs}/live-page${theme === "dark" ? "" : "-light"}.png` });
return { pictures: pages.length };
