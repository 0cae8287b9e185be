// Metrics that the host registered itself: a card for each family, by its kind.

import { $, list, make, text, value } from "./dom.js";
import { bytes, millis, number } from "./format.js";
import { ownFamilies } from "./read.js";

/** Lists the families, and reads their last hour. */
export async function readOwn(page) {
  page.own = await ownFamilies(page.root);
  $("custom-title").hidden = !page.own.length;
  list($("custom"), page.own, ({ name }) => name,
    ({ name, help }) => make("section", { class: "card metric", "data-metric": name, title: help ?? "" },
      make("header", {}, make("h3", {}, name)), make("p", { class: "value" }), make("p", { class: "about" }), make("canvas", { "aria-hidden": true })));
  page.customs = page.own.map(({ name }) => ({ host: $("custom").kept.get(name).lastChild, key: `own/${name}` }));
  await updateOwn(page, "-1h");
}

/** A counter is shown by its rate, a gauge by its value, a histogram by its p95; series are summed. */
export async function updateOwn(page, from = "-30s") {
  for (const { name, type, unit, help } of page.own ?? []) {
    const isHistogram = type === "histogram";
    const answer = await page.past.ask({ metric: name, from, step: "10s", quantile: isHistogram ? 0.95 : null });
    if (!answer) continue;
    const columns = answer.series.map(({ values }) => values), join = isHistogram ? Math.max : (a, b) => a + b;
    const joined = answer.timestamps.map((_, at) => columns.map((column) => column[at]).filter((it) => it != null).reduce((a, b) => (a === null ? b : join(a, b)), null));
    page.store.backfill(`own/${name}`, answer.timestamps, joined);
    const last = joined.findLast((it) => it !== null) ?? null, card = $("custom").kept.get(name);
    const [numeral, about] = [card.children[1], card.children[2]];
    value(numeral, unit === "seconds" ? millis(last === null ? null : last * 1000) : unit === "bytes" ? bytes(last) : [number(last), type === "counter" ? "/s" : unit ?? ""]);
    text(about, isHistogram ? `p95 · ${help ?? ""}` : help ?? "");
  }
  page.schedule();
}
