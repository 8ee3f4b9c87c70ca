// The few lines between data and the page: making elements, and keeping those that are still wanted.

const SVG = "http://www.w3.org/2000/svg";

function fill(element, attributes, children) {
  for (const [name, value] of Object.entries(attributes)) {
    if (value === null || value === undefined || value === false) continue;
    if (name.startsWith("on")) element.addEventListener(name.slice(2), value);
    else element.setAttribute(name, value === true ? "" : value);
  }
  element.append(...children.filter((child) => child !== null && child !== undefined));
  return element;
}

export const make = (tag, attributes = {}, ...children) => fill(document.createElement(tag), attributes, children);
export const draw = (tag, attributes = {}, ...children) => fill(document.createElementNS(SVG, tag), attributes, children);

/** Write `text` only where it differs: what is not touched is not laid out again. */
export function say(element, text) {
  if (element.textContent !== text) element.textContent = text;
}

export function set(element, attributes) {
  for (const [name, value] of Object.entries(attributes)) {
    if (value === null || value === undefined) element.removeAttribute(name);
    else if (element.getAttribute(name) !== String(value)) element.setAttribute(name, value);
  }
}

/**
 * Make the children of `parent` be one for each of `items`, in their order. An element is made once for each key and kept
 * for as long as its item is there; one that is not wanted any more fades (class "leaving") and goes.
 */
export function keep(parent, items, key, create, update, linger = 0) {
  const known = new Map([...parent.children].filter((child) => !child.classList.contains("leaving")).map((child) => [child.dataset.key, child]));
  let before = null;
  for (const item of items) {
    const name = String(key(item));
    let child = known.get(name);
    known.delete(name);
    if (!child) {
      child = create(item);
      child.dataset.key = name;
    }
    const wanted = before ? before.nextSibling : parent.firstChild;
    if (child !== wanted) parent.insertBefore(child, wanted);
    update(child, item);
    before = child;
  }
  for (const child of known.values()) {
    if (linger === 0) child.remove();
    else {
      child.classList.add("leaving");
      child.disabled = true;
      setTimeout(() => child.remove(), linger);
    }
  }
}
