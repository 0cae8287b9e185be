// Drawing: lines, sparklines, strips of states and the heat map, each on a canvas.
//
// A canvas is drawn whole, at most once a frame, from what the store has. Nothing moves by itself:
// an animation would keep the processor busy while nothing happens.

import { bounds, columns, place, times } from "./scale.js";
import { clock } from "./format.js";

const FONT = "11px system-ui, sans-serif";
const BOLD = `600 ${FONT}`;

/** The colours of the theme, by the names of their variables in the style sheet. */
export function palette(element) {
  const style = getComputedStyle(element);
  const names = ["text", "soft", "muted", "line", "line2", "grid", "panel", "ok-fill", "warn-fill",
    "crit-fill", "warn", "s1", "s2", "s3", "s4", "heat0", "heat1", "heat2", "heat3"];
  return Object.fromEntries(names.map((name) => [name, style.getPropertyValue(`--${name}`).trim()]));
}

/** Prepares a canvas for its size on the screen; `null` if it has none. */
function begin(canvas) {
  const width = canvas.clientWidth, height = canvas.clientHeight, dots = devicePixelRatio || 1;
  if (!width || !height) return null;
  const [w, h] = [Math.round(width * dots), Math.round(height * dots)];
  if (canvas.width !== w || canvas.height !== h) [canvas.width, canvas.height] = [w, h];
  const ink = canvas.getContext("2d");
  ink.setTransform(dots, 0, 0, dots, 0, 0);
  ink.clearRect(0, 0, width, height);
  ink.lineJoin = "round";
  ink.font = FONT;
  return { ink, width, height };
}

/** A path through the values of a series; it breaks where they are missing. */
function trace(series, from, to, x, y, width) {
  const path = new Path2D(), area = new Path2D();
  let start = null, end = null;
  const close = () => {
    if (start === null) return;
    area.lineTo(end, y(-Infinity));
    area.lineTo(start, y(-Infinity));
    area.closePath();
    start = null;
  };
  const point = (at, value) => {
    const [px, py] = [x(at), y(value)];
    if (start === null) {
      path.moveTo(px, py);
      // A single value is a dot.
      path.lineTo(px + 0.01, py);
      area.moveTo((start = px), py);
    } else {
      path.lineTo(px, py);
      area.lineTo(px, py);
    }
    end = px;
  };
  const at = (second) => series.at(second);
  if (to - from <= width) {
    for (let second = Math.ceil(from) - 1; second <= to; second += 1) {
      const value = at(second);
      if (Number.isNaN(value)) close();
      else point(Math.max(from, second), value);
    }
  } else {
    const count = Math.floor(width), { lows, highs } = columns(at, from, to, count);
    for (let column = 0; column < count; column += 1) {
      if (Number.isNaN(lows[column])) close();
      else {
        const middle = from + ((column + 0.5) * (to - from)) / count;
        point(middle, highs[column]);
        if (highs[column] !== lows[column]) path.lineTo(x(middle), y(lows[column]));
      }
    }
  }
  close();
  return { path, area };
}

/** Fills the area under a line; the opacities, at the top and below, are two hexadecimal digits. */
function shade(ink, area, top, bottom, color, ...opacities) {
  const fill = ink.createLinearGradient(0, top, 0, bottom);
  opacities.forEach((opacity, at) => fill.addColorStop(at, color + opacity));
  ink.fillStyle = fill;
  ink.fill(area);
}

/** Hatches the time in which nothing was received. */
function hatch(ink, ranges, x, top, bottom, colors) {
  for (const [from, to] of ranges) {
    const [left, right] = [x(from), x(to)];
    if (right - left < 1) continue;
    ink.save();
    ink.beginPath();
    ink.rect(left, top, right - left, bottom - top);
    ink.clip();
    ink.strokeStyle = colors.line2;
    ink.lineWidth = 1;
    ink.beginPath();
    for (let at = left - (bottom - top); at < right; at += 6) {
      ink.moveTo(at, bottom);
      ink.lineTo(at + bottom - top, top);
    }
    ink.stroke();
    ink.restore();
  }
}

const dashed = (ink, dash, color, draw) => {
  ink.save();
  ink.setLineDash(dash);
  ink.strokeStyle = color;
  ink.beginPath();
  draw();
  ink.stroke();
  ink.restore();
};

/** Draws the lines of a chart and returns where its plot is, for the cursor.
 *
 * `view`: `from` and `to` in seconds, `store`, `colors`, `gaps` and `marks`.
 * `chart`: `lines` as `{ key, color, label, fill, bars }`, `show` for values, `axis`, `limit`. */
export function draw(canvas, chart, view) {
  const surface = begin(canvas);
  if (!surface) return null;
  const { ink, width, height } = surface, { from, to, store, colors } = view;
  const lines = chart.lines.map((line) => ({ ...line, series: store.peek(line.key) })).filter((line) => line.series);
  let [low, high] = [Infinity, -Infinity];
  for (const line of lines) {
    const [min, max] = line.series.extremes(from, to);
    [low, high] = [Math.min(low, min), Math.max(high, max)];
  }
  // A limit that is far above would press the lines flat; it is then named at the top.
  const limit = chart.limit, near = limit && limit.value <= high * 2.5;
  const axis = bounds(low, Math.max(high, near ? limit.value : high), { ...chart.axis, most: height > 170 ? 4 : 3 });
  const labels = axis.ticks.map((tick) => chart.tick(tick));
  const left = Math.max(...labels.map((label) => ink.measureText(label).width)) + 14;
  const ends = chart.ends && width > 520;
  const plot = { left, right: width - (ends ? 92 : 10), top: chart.ends ? 30 : 8, bottom: height - 22, wide: width > 520 };
  const x = (second) => place(second, from, to, plot.left, plot.right);
  const y = (value) => place(Math.max(axis.low, value), axis.low, axis.high, plot.bottom, plot.top);
  ink.textBaseline = "middle";
  ink.textAlign = "right";
  ink.fillStyle = colors.muted;
  ink.strokeStyle = colors.grid;
  ink.lineWidth = 1;
  ink.beginPath();
  axis.ticks.forEach((tick, at) => {
    const line = Math.round(y(tick)) + 0.5;
    ink.moveTo(plot.left, line);
    ink.lineTo(plot.right, line);
    ink.fillText(labels[at], plot.left - 8, line);
  });
  ink.stroke();
  timeScale(ink, plot, from, to, x);
  hatch(ink, view.gaps, x, plot.top, plot.bottom, colors);
  if (chart.ends) marks(ink, view.marks, plot, x, colors, width);
  ink.save();
  ink.beginPath();
  ink.rect(plot.left, plot.top - 2, plot.right - plot.left, plot.bottom - plot.top + 3);
  ink.clip();
  for (const line of [...lines].reverse()) {
    const { path, area } = trace(line.series, from, to, x, y, plot.right - plot.left);
    const color = colors[line.color];
    if (line.fill || line.bars) shade(ink, area, plot.top, plot.bottom, color, line.bars ? "bf" : "29", line.bars ? "bf" : "05");
    ink.strokeStyle = color;
    // A thin line is drawn much faster, and a dense one looks better thin.
    ink.lineWidth = to - from > plot.right - plot.left ? 1 : 1.5;
    ink.stroke(path);
  }
  ink.restore();
  if (limit) threshold(ink, limit, near, plot, y, colors);
  if (ends) endLabels(ink, lines, chart, view, plot, y, colors);
  return plot;
}

function timeScale(ink, plot, from, to, x) {
  ink.textAlign = "center";
  const most = Math.max(2, Math.floor((plot.right - plot.left) / 90));
  for (const second of times(from, to, most)) {
    const at = x(second), short = second % 60 === 0;
    if (at < plot.left + 12 || at > plot.right - 8) continue;
    ink.fillText(clock(second * 1000, !short), at, plot.bottom + 13);
  }
}

/** Vertical lines at what happened, with a label each where there is room. */
function marks(ink, list, plot, x, colors, width) {
  const ends = [plot.left, plot.left];
  ink.textAlign = "left";
  for (const { second, label } of list) {
    const at = Math.round(x(second)) + 0.5;
    if (at < plot.left || at > plot.right) continue;
    dashed(ink, [2, 3], colors.line2, () => {
      ink.moveTo(at, 4);
      ink.lineTo(at, plot.bottom);
    });
    const wide = ink.measureText(label).width;
    const row = ends.findIndex((end) => at >= end);
    if (row < 0 || at + wide + 8 > width) continue;
    ink.fillStyle = colors.muted;
    ink.fillText(label, at + 5, 9 + row * 13);
    ends[row] = at + wide + 12;
  }
}

function threshold(ink, limit, near, plot, y, colors) {
  ink.fillStyle = ink.strokeStyle = colors.warn;
  if (!near) {
    ink.textAlign = "right";
    ink.fillText(`${limit.label} ↑`, plot.right - 4, plot.top + 8);
    return;
  }
  const line = Math.round(y(limit.value)) + 0.5;
  dashed(ink, [5, 4], colors.warn, () => {
    ink.moveTo(plot.left, line);
    ink.lineTo(plot.right, line);
  });
  const above = line - 8 > plot.top ? line - 8 : line + 9;
  ink.textAlign = "left";
  ink.fillStyle = colors.panel + "bf";
  ink.fillRect(plot.left + 2, above - 7, ink.measureText(limit.label).width + 8, 14);
  ink.fillStyle = colors.warn;
  ink.fillText(limit.label, plot.left + 6, above);
}

/** The newest value of each line beside its end, moved apart where they would overlap. */
function endLabels(ink, lines, chart, view, plot, y, colors) {
  const list = lines.map((line) => ({ ...line, value: line.series.at(view.last) }))
    .filter((line) => !Number.isNaN(line.value))
    .map((line) => ({ ...line, at: y(line.value) }))
    .sort((a, b) => b.at - a.at);
  let last = plot.bottom + 14;
  for (const line of list) {
    last = Math.min(line.at, last - 14);
    ink.textAlign = "left";
    ink.font = FONT;
    ink.fillStyle = colors.muted;
    ink.fillText(line.label, plot.right + 8, last);
    const wide = ink.measureText(line.label).width;
    ink.font = BOLD;
    ink.fillStyle = colors[line.color];
    ink.fillText(chart.show(line.value).join(" "), plot.right + 13 + wide, last);
  }
  ink.font = FONT;
}

/** Whether a picture would look as it does: its lines moved by less than a pixel, and nothing else that
 * it shows is another one. */
export function isSame(canvas, { from, to, colors }, ...more) {
  const look = [Math.floor((to / (to - from)) * canvas.clientWidth), colors.text, ...more].join();
  return canvas.look === (canvas.look = look);
}

/** A small line without axes, in a box from `top` on. */
function small(series, { from, to }, width, top, height) {
  const [low, high] = series.extremes(from, to), bottom = top + height;
  const y = (value) => (value === -Infinity ? bottom : high > low ? place(value, low, high, bottom - 3, top + 3) : bottom - 8);
  return trace(series, from, to, (second) => place(second, from, to, 0, width), y, width);
}

/** Draws a small line that fills its canvas. */
export function sparkline(canvas, series, color, view) {
  if (isSame(canvas, view, series?.filled)) return;
  const surface = begin(canvas);
  if (!surface || !series) return;
  const { ink, width, height } = surface, { path, area } = small(series, view, width, 0, height);
  shade(ink, area, 0, height, view.colors[color], "2e", "00");
  ink.strokeStyle = view.colors[color];
  ink.lineWidth = 1.25;
  ink.stroke(path);
}

/** Draws the small lines of all rows of a table on one canvas: a browser needs some time for each. */
export function rowLines(canvas, keys, view) {
  if (isSame(canvas, view, ...keys.map((key) => key + view.store.peek(key)?.filled))) return;
  const surface = begin(canvas);
  if (!surface) return;
  const { ink, width, height } = surface, row = height / keys.length;
  ink.strokeStyle = view.colors.s2;
  keys.forEach((key, at) => {
    const series = view.store.peek(key);
    if (series) ink.stroke(small(series, view, width, row * at + 6, row - 12).path);
  });
}

/** Draws the states of a breaker over time: 0 closed, 1 half-open, 2 open. */
export function strip(canvas, series, view) {
  if (!series || isSame(canvas, view, series.filled)) return;
  const surface = begin(canvas);
  if (!surface) return;
  const { ink, width, height } = surface, { from, to, colors } = view;
  ink.fillStyle = colors.grid;
  ink.fillRect(0, 0, width, height);
  const worst = columns((second) => series.at(second), from, to, Math.floor(width)).highs;
  worst.forEach((state, column) => {
    if (Number.isNaN(state)) return;
    ink.fillStyle = state > 1 ? colors["crit-fill"] : state > 0 ? colors["warn-fill"] : colors["ok-fill"] + "57";
    ink.fillRect(column, 0, 1.01, height);
    if (state > 0 && state <= 1) {
      // Half-open is hatched, so that it differs by more than its colour.
      ink.fillStyle = colors.panel;
      for (let row = column % 5; row < height; row += 5) ink.fillRect(column, row, 1, 1.6);
    }
  });
}

/** Draws how many values fell into each bucket of each step of time.
 * `heat`: `bounds` of the rows, `columns` as `{ from, to, counts }`. */
export function heatMap(canvas, heat, chart, view) {
  const surface = begin(canvas);
  if (!surface) return null;
  const { ink, width, height } = surface, { from, to, colors } = view;
  const plot = { left: 58, right: width - (width > 520 ? 92 : 10), top: 30, bottom: height - 22 };
  const x = (second) => place(second, from, to, plot.left, plot.right);
  ink.textBaseline = "middle";
  ink.fillStyle = colors.muted;
  const rows = heat ? heat.bounds.length - 1 : 0;
  timeScale(ink, plot, from, to, x);
  hatch(ink, view.gaps, x, plot.top, plot.bottom, colors);
  if (rows < 1) return plot;
  const tall = (plot.bottom - plot.top) / rows, shades = ramp(colors);
  const y = (row) => plot.bottom - row * tall;
  const most = Math.max(...heat.columns.flatMap(({ counts }) => counts), 1);
  for (const column of heat.columns) {
    const left = Math.max(plot.left, x(column.from)), right = Math.min(plot.right, x(column.to));
    if (right <= left) continue;
    column.counts.forEach((count, row) => {
      if (!count) return;
      // The root shows few values beside many.
      ink.fillStyle = shades(Math.sqrt(count / most));
      ink.fillRect(left, y(row + 1), Math.max(1, right - left - 1), Math.max(1, tall - 1));
    });
  }
  ink.fillStyle = colors.muted;
  ink.textAlign = "right";
  const [low, high] = [heat.bounds[0], heat.bounds[rows]].map(Math.log10);
  for (let power = Math.ceil(low); power <= high; power += 1) {
    ink.fillText(chart.show(10 ** power).join(" "), plot.left - 8, place(power, low, high, plot.bottom, plot.top));
  }
  marks(ink, view.marks, plot, x, colors, width);
  if (width > 520) legend(ink, plot, shades, colors.muted);
  return plot;
}

function legend(ink, plot, shades, color) {
  const left = plot.right + 14, tall = 88, top = plot.bottom - tall;
  for (let step = 0; step < tall; step += 1) {
    ink.fillStyle = shades(1 - step / tall);
    ink.fillRect(left, top + step, 8, 1.2);
  }
  ink.fillStyle = color;
  ink.textAlign = "left";
  ink.fillText("many", left + 14, top + 5);
  ink.fillText("few", left + 14, plot.bottom - 5);
}

/** Returns a function from 0..1 to the colours of the heat map. */
function ramp(colors) {
  const shades = Array.from({ length: 33 }, (_, at) => {
    const stop = Math.min(2, Math.floor((at / 32) * 3));
    return `color-mix(in srgb, ${colors[`heat${stop}`]}, ${colors[`heat${stop + 1}`]} ${((at / 32) * 3 - stop) * 100}%)`;
  });
  return (value) => shades[Math.round(Math.min(1, value) * 32)];
}
