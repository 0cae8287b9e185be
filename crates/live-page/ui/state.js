// What the page says about itself: its state, since when, and what the service does not offer.

import { $, prose, set, shown, text } from "./dom.js";
import { clock, span } from "./format.js";
import { POLL } from "./read.js";

/** Shows the state in the chip, the banner, the header and the footer. */
export function renderState(page) {
  const state = page.paused && !page.isOld() ? "paused" : page.state, { net, newest, past, stream } = page, paused = clock((page.paused?.at ?? 0) * 1000);
  const ago = (then) => span(Math.max(0, (Date.now() - then) / 1000)), attempt = `Attempt ${net?.attempt ?? 1}.`;
  set(document.body, "data-state", state);
  const [word, note = ""] = {
    connecting: ["Connecting"], live: ["Live", stream ? "every 1 s" : `every ${POLL / 1000} s, without a stream`], paused: ["Paused", `at ${paused}`],
    stale: [`No data for ${span((performance.now() - page.received) / 1000)}`],
    reconnecting: ["Reconnecting", net?.next ? `in ${span(Math.max(0, (net.next - Date.now()) / 1000))}` : ""], fatal: ["Stopped"],
  }[state];
  text($("chip-word"), word);
  text($("chip-note"), note);
  // One step for each message: an endless animation would cost more than the whole page.
  if (newest !== page.beaten) $("chip").firstChild.classList.toggle("beat");
  page.beaten = newest;
  set($("pause"), "aria-pressed", String(Boolean(page.paused)));
  const uptime = page.topics.system?.process?.uptime;
  text($("meta"), [page.version && page.version !== "unknown" && `v${page.version}`, uptime && `up ${span(uptime / 1000)}`, !stream && "no stream", !past.address && "no history"].filter(Boolean).join("  ·  "));
  // What the service does not offer is said, so that an empty chart is no riddle.
  const lacks = (stream ? "" : "stream") + (past.address ? "" : "history");
  const [kind, sentence, button = ""] = {
    paused: ["calm", `Paused at \`${paused}\`. Recording goes on; updates kept: ${page.kept}.`, "Resume"],
    reconnecting: ["bad", newest ? `Connection lost ${ago(net?.lost ?? Date.now())} ago. What you see is from \`${clock(newest)}\`. ${attempt}` : `The service does not answer. ${attempt}`, "Try now"],
    fatal: ["bad", net?.why, "Load again"],
  }[state] ?? ["calm", lacks && $(`no-${lacks}`).content.textContent];
  shown($("banner"), sentence);
  set($("banner"), "class", `banner ${kind}`);
  prose($("banner-text"), sentence);
  shown($("banner-button"), button);
  text($("banner-button"), button);
  const left = page.store.left.size;
  text($("left"), left ? `${left} lines left out` : "");
  for (const button of $("ranges").children) set(button, "aria-pressed", String(!page.zoom && Number(button.dataset.seconds) === page.range));
}
