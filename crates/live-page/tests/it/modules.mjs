// Runs the cases in a page of an invented address, whose files are those of the folder.

import { readFileSync } from "node:fs";
import { join } from "node:path";
import { pathToFileURL } from "node:url";

const { default: playwright } = await import(pathToFileURL(process.env.NODE0_PLAYWRIGHT));
const order = JSON.parse(readFileSync(process.argv[2], "utf8"));
const browser = await playwright.chromium.launch({ executablePath: order.chromium, args: ["--no-sandbox"] });
try {
  const context = await browser.newContext({ timezoneId: "Europe/Berlin" });
  const page = await context.newPage();
  await page.route("**/*", (route) => {
    const name = new URL(route.request().url()).pathname.slice(1);
    if (name === "") return route.fulfill({ contentType: "text/html", body: "<!doctype html><title>cases</title>" });
    const path = name === "cases.js" ? order.cases : join(order.modules, name);
    return route.fulfill({ contentType: "text/javascript", body: readFileSync(path) });
  });
  await page.goto("http://page.test/");
  const results = await page.evaluate(async () => {
    const { cases } = await import("/cases.js");
    const results = [];
    for (const [name, run] of Object.entries(cases)) {
      const error = await Promise.resolve().then(run).then(() => null, (error) => String(error.stack ?? error));
      results.push({ name, error });
    }
    return results;
  });
  console.log(JSON.stringify(results));
} finally {
  await browser.close();
}
