// Opens the page through the proxy: as a stranger, with a password in the address, and with a cookie.

import { readFileSync } from "node:fs";
import { pathToFileURL } from "node:url";

const { default: playwright } = await import(pathToFileURL(process.env.NODE0_PLAYWRIGHT));
const { chromium, origin } = JSON.parse(readFileSync(process.argv[2], "utf8"));
const browser = await playwright.chromium.launch({ executablePath: chromium, args: ["--no-sandbox"] });
const problems = [], ops = `${origin}/ops/`;

async function visit(context, address) {
  const page = await context.newPage();
  let updates = 0;
  page.on("console", (message) => ["error", "warning"].includes(message.type()) && problems.push(message.text()));
  page.on("pageerror", (error) => problems.push(String(error)));
  page.on("request", (request) => new URL(request.url()).pathname.startsWith("/ops/") || problems.push(request.url()));
  page.on("websocket", (socket) => {
    if (!socket.url().endsWith("/ops/metrics/stream")) problems.push(socket.url());
    socket.on("framereceived", () => (updates += 1));
  });
  await page.goto(address);
  await page.waitForFunction(() => document.body.dataset.state === "live");
  // Each visit to the service is a request of its own, which the page shows as a route.
  const work = setInterval(() => page.evaluate(() => fetch(new URL("parcels/7", location.origin + location.pathname)).then((it) => it.text())), 250);
  await page.waitForSelector('[data-operation="GET /parcels/{id}"]');
  clearInterval(work);
  await page.waitForTimeout(2500);
  const seen = await page.evaluate(() => ({ state: document.body.dataset.state, title: document.getElementById("title").textContent, route: true }));
  return { ...seen, updates };
}

try {
  const stranger = (await fetch(ops)).status;
  const password = await visit(await browser.newContext(), ops.replace("//", "//ada:lovelace@"));
  const known = await browser.newContext();
  await known.addCookies([{ name: "session", value: "ada", url: ops }]);
  const cookie = await visit(known, ops);
  console.log(JSON.stringify({ stranger, password, cookie, problems }));
} finally {
  await browser.close();
}
