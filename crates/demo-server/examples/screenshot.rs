//! Takes a picture of a page in the Chromium of the tests: `screenshot URL FILE [WIDTH [HEIGHT]]`.
//!
//! It waits some seconds, so that the live page has its history and a few values.

use anyhow::{Context as _, bail};
use serde_json::json;
use testbed::chromium::Browser;
use testbed::tools;

const PROGRAM: &str = r#"
import { readFileSync } from "node:fs";
import { pathToFileURL } from "node:url";

const { default: playwright } = await import(pathToFileURL(process.env.NODE0_PLAYWRIGHT));
const { chromium, url, file, width, height } = JSON.parse(readFileSync(process.argv[2], "utf8"));
const browser = await playwright.chromium.launch({ executablePath: chromium, args: ["--no-sandbox"] });
try {
  const page = await browser.newPage({ viewport: { width, height } });
  await page.goto(url);
  await page.waitForTimeout(16_000);
  await page.screenshot({ path: file });
  console.log(JSON.stringify(await page.title()));
} finally {
  await browser.close();
}
"#;

fn main() -> anyhow::Result<()> {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let [url, file, size @ ..] = arguments.as_slice() else {
        bail!("usage: screenshot URL FILE [WIDTH [HEIGHT]]");
    };
    let pixels = |at: usize, default: u32| match size.get(at) {
        Some(text) => text.parse().context("width and height are numbers of pixels"),
        None => Ok(default),
    };
    let file = std::path::absolute(file)?;
    let order =
        json!({ "url": url, "file": file, "width": pixels(0, 1440)?, "height": pixels(1, 900)? });
    let browser = Browser::new(tools::chromium()?, tools::playwright()?);
    browser.drive(PROGRAM, order, 60)?;
    Ok(())
}
