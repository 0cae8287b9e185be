// What the page says about itself: its state, since when, and what the service does not offer.

import { $, make, prose, set, text } from "./dom.js";
import { bytes, clock, span } from "./format.js";
import { POLL } from "./read.js";

/** Shows the state in the chip, the banner, the header and the footer. */
export function renderState(page) {
  const state = page.paused && !page.isOld() ? "paused" : page.state, { net } = page, since = (then) => span(Math.max(0, (Date.now() - then) / 1000));
  set(document.body, "data-state", state);
  const every = page.stream ? "every 1 s" : `every ${POLL / 1000} s, without a stream`;
  const chips = {
    connecting: ["Connecting", ""], live: ["Live", every], paused: ["Paused", `at ${clock((page.paused?.at ?? 0) * 1000)}`],
    stale: [`No data for ${span((performance.now() - page.received) / 1000)}`, ""],
    reconnecting: ["Reconnecting", net?.next ? `in ${span(Math.max(0, (net.next - Date.now()) / 1000))}` : ""], fatal: ["Stopped", ""],
  };
  text($("chip-word"), chips[state][0]);
  text($("chip-note"), chips[state][1]);
  // One step for each message: an endless animation would cost more than the whole page.
  if (page.newest !== page.beaten) $("chip").firstElementChild.classList.toggle("beat");
  page.beaten = page.newest;
  set($("pause"), "aria-pressed", String(Boolean(page.paused)));
  const process = page.topics.system?.process, about = [page.version && page.version !== "unknown" && `v${page.version}`, process?.uptime != null && `up ${span(process.uptime / 1000)}`, page.net === undefined && page.stream === "" && "no stream", !page.past.address && "no history"];
  text($("meta"), about.filter(Boolean).join("  ·  "));
  renderBanner(page, state, net, since);
  renderFooter(page);
  for (const button of $("ranges").children) set(button, "aria-pressed", String(!page.zoom && Number(button.dataset.seconds) === page.range));
}

function renderBanner(page, state, net, since) {
  const banners = {
    paused: ["calm", `Paused at \`${clock((page.paused?.at ?? 0) * 1000)}\`. ${page.kept} ${page.kept === 1 ? "update is" : "updates are"} kept, and the page goes on recording.`, "Resume"],
    reconnecting: ["bad", page.newest ? `Connection lost ${since(net?.lost ?? Date.now())} ago. What you see is from \`${clock(page.newest)}\`. Attempt ${net?.attempt ?? 1}.` : `The service does not answer. Attempt ${net?.attempt ?? 1}.`, "Try now"],
    fatal: ["bad", net?.why ?? "The page cannot go on.", "Load again"],
  };
  const [kind, sentence, button] = banners[state] ?? lacks(page);
  $("banner").hidden = !sentence;
  if (!sentence) return;
  set($("banner"), "class", `banner ${kind}`);
  prose($("banner-text"), sentence);
  $("banner-button").hidden = !button;
  text($("banner-button"), button ?? "");
}

/** What the service does not offer, so that an empty chart is no riddle. */
function lacks(page) {
  if (!page.stream && !page.past.address) return ["calm", "This service has neither a stream nor a history: the page asks every few seconds and begins empty. `enable_streaming()` adds the stream."];
  if (!page.stream) return ["calm", "This service has no stream: the page asks every few seconds. `enable_streaming()` adds it."];
  if (!page.past.address) return ["calm", "This service keeps no history: the charts begin now."];
  return [];
}

function renderFooter(page) {
  const footer = $("footer"), seconds = (performance.now() - (page.began ??= performance.now())) / 1000;
  if (!footer.firstChild) {
    footer.append(make("span"), make("span"), make("span", {}, "Same data: ", make("code", {}, `curl -N -H 'Accept: text/event-stream' ${new URL(`${page.root}${page.stream || "metrics"}`, location.href)}`)));
    for (const [path, name] of [["metrics", "Prometheus"], ["metrics/export.json", "JSON"], ["metrics/openapi.json", "OpenAPI"]]) footer.append(make("a", { href: page.root + path }, name));
  }
  const left = page.store.left.size;
  text(footer.children[0], `node0 · ${Object.keys(page.topics).length} topics`);
  text(footer.children[1], `${bytes(seconds > 2 ? page.bytes / seconds : NaN).join(" ")}/s${left ? ` · ${left} lines left out` : ""}`);
}
