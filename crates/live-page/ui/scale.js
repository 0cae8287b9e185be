// Scales: which ticks an axis has, and where a value lies on it.

const STEPS = [1, 2, 2.5, 5, 10];

/** Round numbers from zero, or near `low`, to at least `high`.
 * @returns {number[]} two to `most + 1` numbers, ascending */
export function ticks(low, high, most = 4) {
  if (!(high > low)) high = low + (Math.abs(low) || 1);
  const rough = (high - low) / most;
  const power = 10 ** Math.floor(Math.log10(rough));
  const step = STEPS.map((factor) => factor * power).find((size) => size >= rough * 0.999);
  const list = [];
  for (let at = Math.floor(low / step + 1e-9); list.length < 2 || list.at(-1) < high * 0.999; at += 1) {
    list.push(Number((at * step).toPrecision(12)));
  }
  return list;
}

/** The bounds of an axis for these extremes: it begins at `from`, reaches at least `to`, and its
 * ticks are round in multiples of `unit`. */
export function bounds(low, high, { from = 0, to = -Infinity, most = 4, unit = 1 } = {}) {
  const known = (value) => (Number.isFinite(value) ? value : from);
  const list = ticks(Math.min(from, known(low)) / unit, Math.max(to, known(high)) / unit, most).map((at) => at * unit);
  return { low: list[0], high: list.at(-1), ticks: list };
}

const SPANS = [5, 10, 15, 30, 60, 120, 300, 600, 900, 1800, 3600];

/** The seconds at which a time axis has labels, at most `most` of them. */
export function times(from, to, most) {
  const step = SPANS.find((span) => (to - from) / span <= most) ?? 7200;
  // Whole steps of the reader's clock, whose zone may be off by half an hour.
  const zone = new Date(to * 1000).getTimezoneOffset() * 60;
  const list = [];
  for (let at = Math.ceil((from - zone) / step) * step + zone; at <= to; at += step) list.push(at);
  return list;
}

/** Maps a value between two bounds to a place between two others. */
export const place = (value, low, high, first, last) =>
  first + ((value - low) / (high - low || 1)) * (last - first);

/** The extremes of some columns of a series, for each of `count` columns:
 * a line through them shows each spike, however many seconds share a column. */
export function columns(at, from, to, count) {
  const lows = new Float64Array(count).fill(NaN), highs = new Float64Array(count).fill(NaN);
  const width = (to - from) / count;
  for (let second = Math.ceil(from); second <= to; second += 1) {
    const value = at(second);
    if (Number.isNaN(value)) continue;
    const column = Math.min(count - 1, Math.floor((second - from) / width));
    if (!(lows[column] <= value)) lows[column] = value;
    if (!(highs[column] >= value)) highs[column] = value;
  }
  return { lows, highs };
}
