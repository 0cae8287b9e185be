// Elements: made and changed in place, so that a selection or a focus survives an update.
//
// Text is only ever set as text. The page's policy forbids the browser to read it as HTML. What
// is repeated is a template of the document, so scripts fill in elements and make few.

/** @type {(id: string) => any} */
export const $ = (id) => document.getElementById(id);

/** Makes the element of a template. */
export const clone = (/** @type {string} */ name) => $(`t-${name}`).content.firstElementChild.cloneNode(true);

/** Makes an element with these children.
 * @param {string} tag
 * @param {(string|Node)[]} children
 * @returns {any} */
export function make(tag, ...children) {
  const element = document.createElement(tag);
  element.append(...children);
  return element;
}

/** Sets the text of an element if it is another one. */
export function text(element, value) {
  const node = element.firstChild;
  if (!node) element.textContent = value;
  else if (node.data !== value) node.data = value;
}

/** Sets a sentence in which names stand between backticks. */
export function prose(element, sentence) {
  if (element.said === sentence) return;
  element.said = sentence;
  element.replaceChildren(...sentence.split("\x60").map((part, at) => (at % 2 ? make("code", part) : part)));
}

/** Sets a number and its unit, in an element with a `b` and a `.unit`. */
export function value(element, [number, unit]) {
  text(element.firstChild, number);
  text(element.lastChild, unit);
}

/** Sets an attribute if it has another value. */
export function set(element, name, to) {
  if (element.getAttribute(name) !== to) element.setAttribute(name, to);
}

/** Shows an element if there is something for it; returns whether there is. To hide it again would have the
 * browser reckon its style anew. */
export function shown(element, is) {
  if (element.hidden === Boolean(is)) element.hidden = !is;
  return is;
}

/** Makes the children of an element those of a list, by their keys; known ones are kept.
 * @template T
 * @param {any} parent
 * @param {string} template of a new child
 * @param {T[]} items
 * @param {(item: T) => string} key
 * @param {(child: any, item: T, at: number) => void} update */
export function list(parent, template, items, key, update) {
  const known = (parent.kept ??= new Map()), wanted = new Set();
  let place = parent.firstElementChild;
  items.forEach((item, at) => {
    const name = key(item);
    if (wanted.has(name)) return;
    wanted.add(name);
    let child = known.get(name);
    if (!child) known.set(name, (child = clone(template)));
    if (child === place) place = place.nextElementSibling;
    else parent.insertBefore(child, place);
    update(child, item, at);
  });
  for (const [name, child] of known) {
    if (wanted.has(name)) continue;
    child.remove();
    known.delete(name);
  }
}
