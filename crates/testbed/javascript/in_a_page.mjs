// Opens a page in Chromium, runs a script there and prints what it returns.
//
// The argument is a file of JSON: the browser's path, the page, the script and its argument.
// Messages of the page's console and its uncaught errors go to stderr.

import { readFileSync } from "node:fs";
import { pathToFileURL } from "node:url";

const { default: playwright } = await import(pathToFileURL(process.env.NODE0_PLAYWRIGHT));
const order = JSON.parse(readFileSync(process.argv[2], "utf8"));

const browser = await playwright.chromium.launch({
  executablePath: order.chromium,
  args: [
    "--no-sandbox",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
  ],
});
try {
  const page = await browser.newPage();
  page.on("console", (message) => console.error(message.text()));
  page.on("pageerror", (error) => console.error(String(error)));
  await page.goto(order.url);
  // An expression, since a page's policy may forbid to make functions of text.
  const answer = await page.evaluate(
    `(async (argument) => { ${order.script}\n })(${JSON.stringify(order.argument)})`,
  );
  console.log(JSON.stringify(answer ?? null));
} finally {
  await browser.close();
}
