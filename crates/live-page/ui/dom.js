// Elements: made and changed in place, so that a selection or a focus survives an update.
//
// Text is only ever set as text. The page's policy forbids the browser to read it as HTML.

export const $ = (id) => document.getElementById(id);

/** Makes an element; attributes that are `false` or `null` are left out. */
export function make(tag, attributes = {}, ...children) {
  const element = document.createElement(tag);
  for (const [name, value] of Object.entries(attributes)) {
    if (name.startsWith("on")) element.addEventListener(name.slice(2), value);
    else if (value !== false && value != null) element.setAttribute(name, value === true ? "" : value);
  }
  element.append(...children);
  return element;
}

/** Makes a drawing of one path. */
export function icon(path) {
  const space = "http://www.w3.org/2000/svg";
  const svg = document.createElementNS(space, "svg"), line = document.createElementNS(space, "path");
  svg.setAttribute("viewBox", "0 0 16 16");
  svg.setAttribute("aria-hidden", "true");
  line.setAttribute("d", path);
  svg.append(line);
  return svg;
}

/** Sets the text of an element if it is another one. */
export function text(element, value) {
  if (element.textContent !== value) element.textContent = value;
}

/** Sets a sentence in which names stand between backticks. */
export function prose(element, sentence) {
  if (element.dataset.said === sentence) return;
  element.dataset.said = sentence;
  const parts = sentence.split("\x60").map((part, at) => (at % 2 ? make("code", {}, part) : part));
  element.replaceChildren(...parts);
}

/** Sets a number and its unit: an element with a `b` and a `.unit`. */
export function value(element, [number, unit]) {
  if (!element.firstChild) element.append(make("b"), make("span", { class: "unit" }));
  text(element.firstChild, number);
  text(element.lastChild, unit);
}

/** Sets an attribute if it has another value. */
export function set(element, name, to) {
  if (element.getAttribute(name) !== to) element.setAttribute(name, to);
}

/** Makes the children of an element those of a list, by their keys; known ones are kept. */
export function list(parent, items, key, create, update) {
  const known = (parent.kept ??= new Map()), wanted = new Set();
  let place = parent.firstElementChild;
  for (const item of items) {
    const name = key(item);
    if (wanted.has(name)) continue;
    wanted.add(name);
    let child = known.get(name);
    if (!child) known.set(name, (child = create(item)));
    if (child === place) place = place.nextElementSibling;
    else parent.insertBefore(child, place);
    update?.(child, item);
  }
  for (const [name, child] of known) {
    if (wanted.has(name)) continue;
    child.remove();
    known.delete(name);
  }
}
