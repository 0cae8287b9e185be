// What the page knows: for each series a value for each second of the last two hours.
//
// Live values and those of the history are put into the same rings. A second without a value is
// `NaN`, so what was not measured is never drawn.

export const SECONDS = 7200;
const MOST = 400;

/** The values of one quantity by second. */
export class Series {
  constructor() {
    this.values = new Float32Array(SECONDS).fill(NaN);
    this.newest = -Infinity;
    this.oldest = Infinity;
    this.filled = 0;
  }

  /** Sets the value of a second; what lies between the newest one and it is missing. */
  put(second, value) {
    if (second <= this.newest - SECONDS) return;
    if (second > this.newest) {
      const missed = Math.min(SECONDS, second - this.newest - 1);
      // A tick that is a little late skips a second in which nothing was missed.
      const between = missed === 1 ? value : NaN;
      for (let back = 1; back <= missed; back += 1) this.values[slot(second - back)] = between;
      this.newest = second;
    }
    this.values[slot(second)] = value ?? NaN;
    if (value < Infinity) this.oldest = Math.min(this.oldest, second);
  }

  /** Sets the value of a second that has none. */
  fill(second, value) {
    if (!Number.isNaN(this.at(second))) return;
    this.put(second, value);
    this.filled += 1;
  }

  /** Returns the value of a second, or `NaN`. */
  at(second) {
    if (second > this.newest || second <= this.newest - SECONDS) return NaN;
    return this.values[slot(second)];
  }

  /** Returns the newest value, or `NaN`. */
  last() {
    return this.at(this.newest);
  }

  /** Returns the newest value of some seconds that end with one, or `NaN`. */
  before(second, seconds) {
    let back = 0;
    while (back < seconds && Number.isNaN(this.at(second - back))) back += 1;
    return this.at(second - back);
  }

  /** Returns the lowest and the highest value of a range. */
  extremes(from, to) {
    let low = Infinity, high = -Infinity;
    for (let second = Math.ceil(from); second <= to; second += 1) {
      const value = this.at(second);
      if (value < low) low = value;
      if (value > high) high = value;
    }
    return [low, high];
  }

  /** Returns the known values of a range, one for each `step` seconds. */
  known(from, to, step = 7) {
    const known = [];
    for (let second = Math.ceil(from); second <= to; second += step) {
      const value = this.at(second);
      if (!Number.isNaN(value)) known.push(value);
    }
    return known;
  }

  /** Returns the median of a range, or `NaN`. */
  median(from, to) {
    const known = this.known(from, to);
    return known.length < 8 ? NaN : middle(known);
  }

  /** Returns what the series was before it last changed by a third or more, and the second until
   * which it was so; `null` if it has not changed in the last hour. What lasts less than twenty
   * seconds is no change.
   * @returns {[number, number]|null} */
  shift(now) {
    const end = Math.min(now, this.newest);
    if (end < 0) return null;
    const level = middle(this.known(end - 14, end, 1));
    let until = 0, times = 0;
    for (let second = end; second > end - 3600 && times < 5; second -= 5) {
      const value = this.at(second);
      if (Number.isNaN(value)) continue;
      const differs = isApart(value, level);
      if (differs && !times) until = second;
      times = differs ? times + 1 : 0;
    }
    // The last seconds before the change may belong to it.
    const was = middle(this.known(until - 30, until - 8, 1));
    return times === 5 && isApart(was, level) && isApart(was, this.at(end)) ? [was, until] : null;
  }
}

/** Whether two values differ by a third or more. */
const isApart = (a, b) => Math.abs(a - b) > Math.max(a, b) / 3;
const middle = (values) => values.sort((a, b) => a - b)[values.length >> 1];
const slot = (second) => ((second % SECONDS) + SECONDS) % SECONDS;

/** All series by name; of more than 400, the later ones are left out and counted. */
export class Store {
  constructor() {
    this.series = new Map();
    this.left = new Set();
  }

  get(key) {
    let series = this.series.get(key);
    if (!series && this.series.size < MOST) this.series.set(key, (series = new Series()));
    if (!series) this.left.add(key);
    return series ?? new Series();
  }

  peek(key) {
    return this.series.get(key);
  }

  /** Records what was measured at a moment in milliseconds. */
  record(millis, measured) {
    const second = Math.floor(millis / 1000);
    for (const [key, value] of measured) this.get(key).put(second, value ?? NaN);
  }

  /** Joins the history to what was live from a second on: the last step of the history had not
   * ended when it was asked. */
  bridge(second) {
    for (const series of this.series.values()) {
      const value = series.at(second);
      let back = 1;
      while (back < 12 && Number.isNaN(series.at(second - back))) back += 1;
      const before = series.at(second - back);
      for (let at = 1; at < back && before + value === before + value; at += 1) {
        series.put(second - at, value + ((before - value) * at) / back);
      }
    }
  }

  /** Adds a column of the history, where nothing is known yet.
   *
   * A point stands for the step that ends at it. Between two points that follow each other lies
   * a straight line; beside a point without a value lies nothing. */
  backfill(key, timestamps, values, scale = 1, shape = "line") {
    const series = this.get(key);
    for (let at = 0; at < values.length; at += 1) {
      if (values[at] == null) continue;
      const end = Math.floor(timestamps[at] / 1000), value = values[at] * scale;
      const step = at ? end - Math.floor(timestamps[at - 1] / 1000) : 1;
      const before = at && values[at - 1] != null && shape === "line" ? values[at - 1] * scale : value;
      for (let back = Math.min(step, 3600) - 1; back >= 0; back -= 1) {
        series.fill(end - back, value + ((before - value) * back) / step);
      }
    }
  }
}
