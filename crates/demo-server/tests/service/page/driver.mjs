// Opens the live page and runs a test's script; prints its result and the page's problems.

import { readFileSync } from "node:fs";
import { spawn } from "node:child_process";
import { pathToFileURL } from "node:url";

const { default: playwright } = await import(pathToFileURL(process.env.NODE0_PLAYWRIGHT));
const order = JSON.parse(readFileSync(process.argv[2], "utf8"));
const browser = await playwright.chromium.launch({ executablePath: order.chromium, args: ["--no-sandbox"] });
const problems = [];
/** While a service is away, the browser itself writes that it cannot be reached. */
let isAway = false;

const pause = (millis) => new Promise((done) => setTimeout(done, millis));

async function until(what, condition, seconds = 20) {
  const limit = Date.now() + seconds * 1000;
  for (;;) {
    const value = await condition();
    if (value) return value;
    if (Date.now() > limit) throw new Error(`never: ${what}`);
    await pause(25);
  }
}

const api = async (path, more) => (await fetch(new URL(path, order.url), more)).json();

async function open(query = "", viewport = { width: 1440, height: 1000 }) {
  const page = await (await browser.newContext({ viewport })).newPage();
  page.on("console", (message) => {
    if (["error", "warning"].includes(message.type()) && !isAway) problems.push(message.text());
  });
  page.on("pageerror", (error) => problems.push(String(error.stack)));
  const { host } = new URL(order.url);
  page.on("request", (request) => new URL(request.url()).host === host || problems.push(request.url()));
  await page.goto(order.url + query);
  /** Runs a script that knows the page's own object as `app`. */
  page.ask = (script) => page.evaluate(`import(document.querySelector("script[type=module]").src).then(async ({ page: app }) => { ${script} })`);
  page.state = () => page.evaluate(() => document.body.dataset.state);
  await until("the page is live", async () => (await page.state()) === "live");
  return page;
}

async function test() {
  /* script */
}

try {
  const result = await test();
  console.log(JSON.stringify({ result, problems }));
} finally {
  await browser.close();
}
