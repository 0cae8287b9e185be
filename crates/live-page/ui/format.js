// Numbers, durations and times as people read them.
//
// A number and its unit are two texts, since the page shows the unit smaller. A value that is
// missing is a dash and never a zero, which would look like a measured one.

const DASH = "–";
/** By the number of digits after the point. */
const FORMATS = [0, 1, 2, 3].map((maximumFractionDigits) => new Intl.NumberFormat("en", { maximumFractionDigits }));
const known = (value) => typeof value === "number" && Number.isFinite(value);

/** Three significant digits, with a comma between thousands.
 * @param {number|null|undefined} value
 * @returns {string} */
export function number(value) {
  if (!known(value)) return DASH;
  const size = Math.abs(value);
  if (size !== 0 && size < 0.001) return value < 0 ? "-0" : "<0.001";
  // A sum with zero is no negative zero.
  return FORMATS[size >= 99.95 || size === 0 ? 0 : size >= 9.995 ? 1 : size < 0.1 ? 3 : 2].format(value + 0);
}

/** A number of milliseconds: `[text, unit]` in µs, ms or s.
 * @returns {[string, string]} */
export function millis(value) {
  if (!known(value)) return [DASH, ""];
  const size = Math.abs(value);
  if (size >= 1000) return [number(value / 1000), "s"];
  return size > 0 && size < 0.1 ? [number(value * 1000), "µs"] : [number(value), "ms"];
}

/** A number of bytes, in powers of 1024.
 * @returns {[string, string]} */
export function bytes(value) {
  if (!known(value)) return [DASH, ""];
  const units = ["B", "KiB", "MiB", "GiB", "TiB"];
  let at = 0;
  for (; Math.abs(value) >= 1000 && at < units.length - 1; at += 1) value /= 1024;
  return [number(value), units[at]];
}

/** A share from 0 to 1 as a percentage.
 * @returns {[string, string]} */
export function share(value) {
  return percent(known(value) ? value * 100 : null);
}

/** Any number with a unit that is known from elsewhere.
 * @returns {(value: number|null|undefined) => [string, string]} */
export const plain = (unit) => (value) => [number(value), known(value) ? unit : ""];

/** A percentage. */
export const percent = plain("%");

/** What a time span is called: `45 s`, `12 min`, `3 h 20 min`, `6 d 4 h`.
 * @param {number} seconds */
export function span(seconds) {
  if (!known(seconds)) return DASH;
  const whole = Math.max(0, Math.round(seconds));
  if (whole < 100) return `${whole} s`;
  const minutes = Math.round(whole / 60);
  if (minutes < 100) return `${minutes} min`;
  const parts = (a, unit, b, small) => (b ? `${a} ${unit} ${b} ${small}` : `${a} ${unit}`);
  if (minutes < 2880) return parts(Math.floor(minutes / 60), "h", minutes % 60, "min");
  const hours = Math.round(minutes / 60);
  return parts(Math.floor(hours / 24), "d", hours % 24, "h");
}

/** The time of day of a moment in milliseconds, in the reader's zone. */
export function clock(millis, seconds = true) {
  if (!known(millis)) return DASH;
  return new Date(millis).toTimeString().slice(0, seconds ? 8 : 5);
}

/** How a value compares with the usual one, in words. */
export function usual(value, median) {
  if (!known(value) || !known(median)) return "";
  if (Math.abs(value - median) <= Math.abs(median) * 0.12) return "as usual";
  if (median === 0) return "usually 0";
  const ratio = value / median;
  if (ratio === 0) return `usually ${number(median)}`;
  return `${ratio >= 10 ? Math.round(ratio) : number(Math.round(ratio * 10) / 10 || ratio)}× usual`;
}

export const capital = (sentence) => sentence.charAt(0).toUpperCase() + sentence.slice(1);

/** The name of an alert's rule as words: `HighP95Latency` is `High p95 latency`. */
export const words = (name) => capital(name.replace(/([a-z0-9])([A-Z])/g, "$1 $2").replace(/_/g, " ").toLowerCase());
