// A card with a chart: its head, its canvas, the cursor, and what screen readers get instead.

import { draw, heatMap, isSame } from "./chart.js";
import { $, clone, make, set, shown, text, value } from "./dom.js";
import { clock, number, span } from "./format.js";
import { place } from "./scale.js";
import { step } from "./steer.js";

/** @typedef {{key: string, color: string, label: string, fill?: boolean, bars?: boolean}} Line */
/** @typedef {{value: number, label: string}|null|undefined} Limit */
/** @typedef {[string, string]} Shown a number and its unit */

/** `given`: `lines`, `show` from a value to its text and unit, `tick` for the axis, and `axis`,
 * `limit`, `ends` as charts want them. */
export class ChartCard {
  /** @type {Line[]} */ lines = [];
  /** @type {Limit} */ limit;
  /** @type {object} */ axis = {};
  /** @type {any} the heat map, `null` while it is read, `undefined` if lines are shown */ heat;
  /** Whether the newest values stand beside the ends of their lines. */ ends = false;
  /** Whether a legend is shown. */ legend = true;
  /** @type {any} where the plot is on the canvas */ area;
  /** @type {Map<string, any>} */ keys = new Map();
  /** @type {(value: any) => string} */ tick = number;
  /** @type {(value: any) => Shown} */ show;

  /** @param {any} page
   * @param {any} section
   * @param {Partial<ChartCard>} given */
  constructor(page, section, given) {
    Object.assign(this, given);
    this.page = page;
    this.section = section;
    const head = section.querySelector("header"), table = clone("as-table");
    this.title = head.firstElementChild.textContent;
    this.note = head.children[1];
    this.push = head.children[2];
    this.plot = clone("plot");
    const [canvas, cursor, zoom] = this.plot.children;
    this.canvas = canvas;
    this.cursor = cursor;
    this.zoom = zoom;
    set(table, "aria-label", `${this.title} as a table`);
    table.onclick = () => this.#showTable();
    this.push.append(table);
    section.append(this.plot);
    this.#listen();
    page.watcher.observe(this.plot);
  }

  /** The values of all lines at a second, as texts.
   * @returns {[Line, Shown][]} */
  #values(second) {
    return this.lines.map((line) => {
      const series = this.page.store.peek(line.key), at = series?.at(second);
      // The newest second may not have been reported yet.
      return [line, this.show(series && Number.isNaN(at) ? series.at(second - 1) : at)];
    });
  }

  /** Updates the legend and the sentence for screen readers. */
  update(view) {
    const ends = this.ends && this.area?.wide, hide = !this.legend || (ends && view.cursor === null) || this.heat !== undefined;
    const values = this.#values(view.cursor ?? view.last);
    for (const [line, shown] of values) {
      if (hide) continue;
      let key = this.keys.get(line.key);
      if (!key) {
        this.keys.set(line.key, (key = clone("key")));
        paint(key, line);
        this.push.insertBefore(key, this.push.lastElementChild);
      }
      value(key.lastChild, shown);
    }
    for (const [name, key] of this.keys) shown(key, !hide && this.lines.some((line) => line.key === name));
    set(this.plot, "aria-label", `${this.title}, last ${span(view.to - view.from)}: ${told(values)}`);
  }

  draw(view) {
    const { canvas, heat } = this;
    if (!isSame(canvas, view, !heat, heat?.at, ...this.lines.map(({ key }) => key + view.store.peek(key)?.filled))) {
      this.area = heat === undefined ? draw(canvas, this, view) : heatMap(canvas, heat, this, view);
    }
    this.#point(view);
  }

  /** Places the cursor and the zoom's frame. */
  #point(view) {
    const { area, cursor, zoom } = this, { drag } = this.page;
    shown(cursor, area && view.cursor !== null && view.cursor >= view.from);
    shown(zoom, area && drag);
    if (!area) return;
    const x = (second) => place(Math.min(view.to, Math.max(view.from, second)), view.from, view.to, area.left, area.right);
    if (!cursor.hidden) cursor.style.transform = `translateX(${x(view.cursor)}px)`;
    if (!zoom.hidden) {
      const [from, to] = [Math.min(...drag), Math.max(...drag)].map(x);
      zoom.style.left = `${from}px`;
      zoom.style.width = `${to - from}px`;
    }
  }

  #second(event) {
    const { left } = this.canvas.getBoundingClientRect(), view = this.page.view();
    if (!this.area) return view.to;
    const at = place(event.clientX - left, this.area.left, this.area.right, view.from, view.to);
    return Math.round(Math.min(view.to, Math.max(view.from, at)));
  }

  #listen() {
    const { plot, page } = this;
    plot.onpointermove = (event) => {
      const second = this.#second(event);
      if (page.drag) page.drag[1] = second;
      page.pointAt(second);
      this.#tell(event);
    };
    plot.onpointerleave = () => {
      if (page.drag) return;
      page.pointAt(null);
      $("tip").hidden = true;
    };
    plot.onpointerdown = (event) => {
      if (event.button !== 0 || event.pointerType === "touch") return;
      plot.setPointerCapture(event.pointerId);
      page.drag = [this.#second(event), this.#second(event)];
    };
    plot.onpointerup = () => {
      const { drag } = page;
      page.drag = null;
      if (drag && Math.abs(drag[0] - drag[1]) >= 5) page.zoomTo(Math.min(...drag), Math.max(...drag));
      else page.schedule();
    };
    plot.onkeydown = (event) => step(page, event, this);
  }

  /** Shows the values under the pointer. */
  #tell({ clientX, clientY }) {
    const tip = $("tip"), { cursor } = this.page;
    tip.hidden = cursor === null || this.heat !== undefined;
    if (tip.hidden) return;
    const rows = this.#values(cursor).map(([line, shown]) => {
      const row = clone("tip");
      paint(row, line);
      text(row.lastChild, shown.join(" "));
      return row;
    });
    tip.replaceChildren(make("p", clock(cursor * 1000)), ...rows);
    const left = clientX + 14 + tip.offsetWidth > innerWidth ? clientX - tip.offsetWidth - 12 : clientX + 14;
    tip.style.transform = `translate(${left}px, ${Math.min(clientY + 14, innerHeight - tip.offsetHeight - 8)}px)`;
  }

  say(second) {
    return `${clock(second * 1000)}: ${told(this.#values(second))}`;
  }

  /** Shows the chart's numbers as a table, sixty rows at most. */
  #showTable() {
    const { from, to } = this.page.view(), step = Math.max(1, Math.ceil((to - from) / 60));
    const scoped = (scope, label) => {
      const head = make("th", label);
      head.scope = scope;
      return head;
    };
    const body = make("tbody");
    for (let second = Math.floor(to); second >= from; second -= step) {
      body.append(make("tr", scoped("row", clock(second * 1000)), ...this.#values(second).map(([, shown]) => make("td", shown.join(" ")))));
    }
    text($("table-title"), this.title);
    $("table-body").replaceChildren(make("thead", make("tr", ...["Time", ...this.lines.map(({ label }) => label)].map((label) => scoped("col", label)))), body);
    $("table").showModal();
  }
}

/** Gives a line's name and colour to an entry of a legend. */
function paint(entry, { color, label }) {
  entry.firstChild.style.background = `var(--${color})`;
  text(entry.children[1], label);
}

/** @param {[Line, Shown][]} values */
const told = (values) => values.map(([{ label }, shown]) => `${label} ${shown.join(" ")}`).join(", ");
