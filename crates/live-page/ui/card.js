// A card with a chart: its head, its canvas, the cursor, and what screen readers get instead.

import { draw, heatMap } from "./chart.js";
import { $, icon, make, set, text, value } from "./dom.js";
import { clock, number, span } from "./format.js";
import { place } from "./scale.js";

const TABLE = "M2.5 3.5h11v9h-11zM2.5 6.5h11M6.5 3.5v9";

/** `given`: `title`, `note`, `lines` as `{ key, color, label, fill, bars }`, `show` from a value to
 * `[text, unit]`, `tick` for the axis, and `axis`, `limit`, `ends`, `tall` as charts want them. */
export class ChartCard {
  constructor(page, given, section = make("section", { class: "card" })) {
    Object.assign(this, { tick: (value) => number(value), limit: null, axis: {} }, given);
    this.page = page;
    this.section = section;
    this.note = make("span", { class: "note" }, given.note ?? "");
    this.push = make("div", { class: "push" });
    this.keys = new Map();
    this.canvas = make("canvas", {});
    this.cursor = make("div", { class: "cursor", hidden: true });
    this.zoom = make("div", { class: "zoom", hidden: true });
    this.plot = make("div", { class: "plot", role: "img", tabindex: "0" }, this.canvas, this.cursor, this.zoom);
    if (given.tall) this.plot.style.setProperty("--tall", `${given.tall}px`);
    const table = make("button", { class: "as-table", "aria-label": `${given.title} as a table`, title: "As a table",
      onclick: () => this.showTable() }, icon(TABLE));
    this.head = make("header", {}, make("h2", {}, given.title), this.note, this.push);
    this.push.append(table);
    section.append(this.head, this.plot);
    this.listen();
    page.watch(this.plot, this);
  }

  /** Updates the legend and the sentence for screen readers. */
  update(view) {
    const at = view.cursor ?? view.last, parts = [], ends = this.ends && this.canvas.clientWidth > 520;
    for (const line of this.lines) {
      const series = view.store.peek(line.key), shown = this.show(series ? valueAt(series, at) : NaN);
      if (!ends || view.cursor !== null) this.key(line, shown);
      parts.push(`${line.label} ${shown.join(" ")}`);
    }
    const hide = ends && view.cursor === null;
    for (const [, key] of this.keys) key.hidden = hide || this.heat !== undefined;
    set(this.plot, "aria-label", `${this.title}, last ${span(view.to - view.from)}: ${parts.join(", ")}`);
  }

  key(line, shown) {
    let key = this.keys.get(line.key);
    if (!key) {
      key = make("span", { class: "key" }, make("i"), make("span", {}, line.label), make("span"));
      key.firstChild.style.setProperty("--key", `var(--${line.color})`);
      this.keys.set(line.key, key);
      this.push.insertBefore(key, this.push.lastElementChild);
    }
    value(key.lastChild, shown);
  }

  draw(view) {
    this.area = this.heat === undefined ? draw(this.canvas, this, view) : heatMap(this.canvas, this.heat, this, view);
    this.point(view);
  }

  /** Places the cursor and the zoom's frame. */
  point(view) {
    const { area, cursor, zoom } = this, drag = this.page.drag;
    cursor.hidden = view.cursor === null || !area || view.cursor < view.from;
    zoom.hidden = !drag || !area;
    if (!area) return;
    const x = (second) => place(Math.min(view.to, Math.max(view.from, second)), view.from, view.to, area.left, area.right);
    if (!cursor.hidden) cursor.style.transform = `translateX(${x(view.cursor)}px)`;
    if (!zoom.hidden) {
      const [from, to] = [Math.min(...drag), Math.max(...drag)].map(x);
      zoom.style.left = `${from}px`;
      zoom.style.width = `${to - from}px`;
    }
  }

  second(event) {
    const { left } = this.canvas.getBoundingClientRect(), view = this.page.view();
    if (!this.area) return view.to;
    const at = place(event.clientX - left, this.area.left, this.area.right, view.from, view.to);
    return Math.round(Math.min(view.to, Math.max(view.from, at)));
  }

  listen() {
    const { plot, page } = this;
    plot.addEventListener("pointermove", (event) => {
      const second = this.second(event);
      if (page.drag) page.drag[1] = second;
      page.pointAt(second);
      this.tell(event);
    });
    plot.addEventListener("pointerleave", () => {
      if (page.drag) return;
      page.pointAt(null);
      $("tip").hidden = true;
    });
    plot.addEventListener("pointerdown", (event) => {
      if (event.button !== 0 || event.pointerType === "touch") return;
      plot.setPointerCapture(event.pointerId);
      page.drag = [this.second(event), this.second(event)];
    });
    plot.addEventListener("pointerup", () => {
      const drag = page.drag;
      page.drag = null;
      if (drag && Math.abs(drag[0] - drag[1]) >= 5) page.zoomTo(Math.min(...drag), Math.max(...drag));
      else page.schedule();
    });
    plot.addEventListener("keydown", (event) => page.step(event, this));
  }

  /** Shows the values under the pointer. */
  tell(event) {
    const tip = $("tip"), view = this.page.view();
    if (view.cursor === null || this.heat !== undefined) return void (tip.hidden = true);
    const rows = this.lines.map((line) => {
      const series = view.store.peek(line.key), row = make("div", {}, make("i"), line.label);
      row.firstChild.style.setProperty("--key", `var(--${line.color})`);
      row.append(make("b", {}, this.show(series ? valueAt(series, view.cursor) : NaN).join(" ")));
      return row;
    });
    tip.replaceChildren(make("p", {}, clock(view.cursor * 1000)), ...rows);
    tip.hidden = false;
    const left = event.clientX + 14 + tip.offsetWidth > innerWidth ? event.clientX - tip.offsetWidth - 12 : event.clientX + 14;
    tip.style.transform = `translate(${left}px, ${Math.min(event.clientY + 14, innerHeight - tip.offsetHeight - 8)}px)`;
  }

  say(second) {
    const { store } = this.page;
    const parts = this.lines.map(({ key, label }) => `${label} ${this.show(store.peek(key)?.at(second) ?? NaN).join(" ")}`);
    return `${clock(second * 1000)}: ${parts.join(", ")}`;
  }

  /** Shows the chart's numbers as a table, sixty rows at most. */
  showTable() {
    const view = this.page.view(), step = Math.max(1, Math.ceil((view.to - view.from) / 60));
    const head = make("tr", {}, make("th", { scope: "col" }, "Time"));
    for (const { label } of this.lines) head.append(make("th", { scope: "col" }, label));
    const body = make("tbody");
    for (let second = Math.floor(view.to); second >= view.from; second -= step) {
      const row = make("tr", {}, make("th", { scope: "row" }, clock(second * 1000)));
      for (const { key } of this.lines) row.append(make("td", {}, this.show(view.store.peek(key)?.at(second) ?? NaN).join(" ")));
      body.append(row);
    }
    text($("table-title"), this.title);
    $("table-body").replaceChildren(make("thead", {}, head), body);
    $("table").showModal();
  }
}

/** The value of a second, or of the one before: the newest second may not have been reported yet. */
export function valueAt(series, second) {
  const value = series.at(second);
  return Number.isNaN(value) ? series.at(second - 1) : value;
}
