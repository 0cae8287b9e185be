// How the page is steered: its controls, its keys, the ribbon, and what the browser tells.

import { palette } from "./chart.js";
import { $, text } from "./dom.js";

export const RANGES = { "1m": 60, "5m": 300, "15m": 900, "1h": 3600 };
const SECONDS = Object.values(RANGES);

/** Connects the controls, the keys, and what the browser tells. */
export function listen(page) {
  for (const button of $("ranges").children) button.onclick = () => page.rangeTo(Number(button.dataset.seconds));
  for (const button of $("kinds").children) button.onclick = () => page.show(button.dataset.heat === "true");
  for (const head of $("columns").children) if (head.dataset.column) head.firstChild.onclick = () => page.sortBy(head.dataset.column);
  $("all").onclick = () => page.choose(null);
  $("pause").onclick = () => (page.paused ? page.resume() : page.pause());
  $("theme").onclick = () => turnTheme(page);
  $("help").onclick = () => $("keys").showModal();
  $("banner-button").onclick = () => {
    if (page.state === "fatal") location.reload();
    else if (page.paused) page.resume();
    else page.net?.connect();
  };
  $("more-issues").onclick = () => {
    page.allIssues = !page.allIssues;
    page.refresh();
  };
  $("keys-on").checked = kept("node0-keys") !== "off";
  $("keys-on").onchange = (event) => kept("node0-keys", event.target.checked ? "on" : "off");
  listenRibbon(page);
  addEventListener("keydown", (event) => press(page, event));
  addEventListener("resize", () => page.schedule());
  const back = () => {
    if (document.hidden) return void (page.left ??= page.newest);
    page.net?.hurry();
    page.render();
    if (page.left) page.catchUp(page.left);
    page.left = null;
  };
  addEventListener("beforeprint", () => {
    document.documentElement.dataset.theme = "light";
    page.colors = palette(document.documentElement);
    page.seen.forEach((_, plot) => page.seen.set(plot, true));
    page.render();
  });
  addEventListener("afterprint", () => page.applyTheme());
  document.addEventListener("visibilitychange", back);
  addEventListener("pageshow", back);
  addEventListener("online", () => page.net?.hurry());
  matchMedia("(prefers-color-scheme: light)").addEventListener("change", () => page.applyTheme());
}

function turnTheme(page) {
  page.theme = document.documentElement.dataset.theme === "light" ? "dark" : "light";
  page.applyTheme();
  page.remember();
}

function listenRibbon(page) {
  const ribbon = $("ribbon");
  const show = (bar) => {
    const now = page.now(), second = (Math.floor(now / 60) - 59 + bar) * 60 + 30;
    if (bar >= 59) return page.resume();
    page.pause();
    page.zoomTo(Math.max(now - 3600, second - page.range / 2), Math.min(now, second + page.range / 2));
  };
  ribbon.addEventListener("click", (event) => {
    const { left, width } = ribbon.getBoundingClientRect();
    show(Math.min(59, Math.max(0, Math.floor(((event.clientX - left) / width) * 60))));
  });
  ribbon.addEventListener("keydown", (event) => {
    const by = { ArrowLeft: -1, ArrowDown: -1, ArrowRight: 1, ArrowUp: 1, PageDown: -10, PageUp: 10, Home: -59, End: 59 }[event.key];
    if (!by) return;
    event.preventDefault();
    event.stopPropagation();
    page.bar = Math.min(59, Math.max(0, (page.zoom ? page.bar ?? 59 : 59) + by));
    show(page.bar);
  });
}

function press(page, event) {
  if (event.ctrlKey || event.metaKey || event.altKey || event.target.closest("input, dialog, textarea")) return;
  if (event.key === "Escape") return page.resume();
  if (!$("keys-on").checked) return;
  if (event.key === " ") {
    if (event.target.closest("button, a")) return;
    event.preventDefault();
    return page.paused ? page.resume() : page.pause();
  }
  const area = page.areas[Number(event.key) - 1], by = { "[": -1, "]": 1 }[event.key], range = by && SECONDS[SECONDS.indexOf(page.range) + by];
  if (area) $(area)?.scrollIntoView({ block: "start" });
  else if (range) page.rangeTo(range);
  else if (event.key.toLowerCase() === "t") turnTheme(page);
  else if (event.key === "?") $("keys").showModal();
  else if (event.key === "ArrowLeft" || event.key === "ArrowRight") step(page, event, page.latency);
}

/** Moves the cursor by the keys, on all charts, and says the value. */
export function step(page, event, card) {
  const by = { ArrowLeft: -1, ArrowRight: 1, PageUp: -10, PageDown: 10 }[event.key];
  if (!by) return;
  event.preventDefault();
  event.stopPropagation();
  const view = page.view(), wide = Math.max(1, Math.round((view.to - view.from) / 180));
  page.pointAt(Math.min(Math.floor(view.to), Math.max(Math.ceil(view.from), (page.cursor ?? Math.floor(view.to)) + by * wide)));
  clearTimeout(page.speaking);
  page.speaking = setTimeout(() => text($("spoken"), card.say(page.cursor)), 300);
}

/** Reads or sets what the browser keeps for this reader, where it may keep anything. */
function kept(name, value) {
  try {
    if (value) localStorage.setItem(name, value);
    return localStorage.getItem(name);
  } catch {
    return null;
  }
}
