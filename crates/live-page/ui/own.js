// Metrics that the host registered itself: a card for each family, by its kind.

import { $, list, set, text, value } from "./dom.js";
import { bytes, millis, plain } from "./format.js";
import { ownFamilies } from "./read.js";

/** Lists the families, and reads their last hour. */
export async function readOwn(page) {
  page.own = await ownFamilies(page.root);
  $("custom-title").hidden = !page.own.length;
  list($("custom"), "metric", page.own, ({ name }) => name, (card, { name, help }) => {
    set(card, "data-metric", name);
    set(card, "title", help ?? "");
    text(card.firstChild.firstChild, name);
  });
  page.customs = page.own.map(({ name }) => ({ host: $("custom").kept.get(name).lastChild, key: `own/${name}` }));
  await updateOwn(page, "-1h");
  page.schedule();
}

/** A counter is shown by its rate, a gauge by its value, a histogram by its p95; series are summed. */
export async function updateOwn(page, from = "-30s") {
  for (const { name, type, unit, help } of page.own) {
    const isHistogram = type === "histogram", join = isHistogram ? Math.max : (a, b) => a + b;
    const answer = await page.past.ask({ metric: name, from, step: "10s", quantile: isHistogram ? 0.95 : null });
    if (!answer) continue;
    const joined = answer.timestamps.map((_, at) => answer.series.map(({ values }) => values[at]).filter((it) => it != null).reduce((a, b) => (a === null ? b : join(a, b)), null));
    page.store.backfill(`own/${name}`, answer.timestamps, joined);
    const last = joined.findLast((it) => it !== null) ?? null, [, numeral, about] = $("custom").kept.get(name).children;
    value(numeral, unit === "seconds" ? millis(last === null ? null : last * 1000) : unit === "bytes" ? bytes(last) : plain(type === "counter" ? "/s" : unit ?? "")(last));
    text(about, (isHistogram ? "p95 · " : "") + (help ?? ""));
  }
}
