// The grid of faces, newest first, grouped by description.

import { due, picture } from "./history.js";
import { address } from "./pictures.js";

export class Grid {
  #list;
  #act;
  #tiles = new Map();

  /** `act` has `pick(face)`, `reuse(words)` and `cancel(faces)`. */
  constructor(list, act) {
    this.#list = list;
    this.#act = act;
    list.addEventListener("keydown", (event) => this.#walk(event));
  }

  /** Shows a new or changed face. */
  show(face) {
    const tile = this.#tiles.get(face.id) ?? this.#place(face);
    const root = !face.tip.parent;
    const waiting = root && due(face.tip);
    const shown = picture(face.tip);
    const image = tile.button.querySelector("img") ?? document.createElement("img");
    if (shown && image.getAttribute("src") !== address(shown)) {
      image.src = address(shown);
      image.alt = "";
      tile.button.prepend(image);
    }
    tile.button.disabled = waiting;
    tile.button.classList.toggle("waiting", waiting);
    tile.item.classList.toggle("favourite", face.favourite);
    tile.tag.textContent = root ? (face.seed ?? "") : "changed";
    const words = [face.label, face.seed !== undefined && `seed ${face.seed}`, !root && "changed"];
    const name = [...words, face.favourite && "favourite"].filter(Boolean).join(", ");
    tile.button.setAttribute("aria-label", waiting ? "A face that is being drawn" : name);
    if (face.unclear) this.#markUnclear(tile.batch, face);
    this.#summarise(tile.batch);
  }

  remove(face) {
    const tile = this.#tiles.get(face.id);
    this.#tiles.delete(face.id);
    tile.item.remove();
    this.#summarise(tile.batch);
  }

  /** Marks the open face. */
  mark(face) {
    for (const [id, { button }] of this.#tiles)
      button.setAttribute("aria-pressed", id === face?.id);
  }

  /** Focuses a face, which scrolls to it. */
  focus(face) {
    this.#tiles.get(face.id)?.button.focus();
  }

  #place(face) {
    const batch = this.#batch(face);
    const [item, button, tag] = elements("li", "button", "span");
    button.type = "button";
    button.className = "face";
    button.setAttribute("aria-pressed", "false");
    button.addEventListener("click", () => this.#act.pick(tile.face));
    tag.className = "tag";
    button.append(tag);
    item.append(button);
    item.dataset.id = face.id;
    const places = [...batch.list.children];
    // Faces of a description are ordered by seed, photos from the newest on.
    const comesAfter = ({ dataset: { id } }) => (face.photo ? id < face.id : id > face.id);
    batch.list.insertBefore(item, places.find(comesAfter) ?? null);
    const tile = { face, batch, item, button, tag };
    this.#tiles.set(face.id, tile);
    return tile;
  }

  #batch(face) {
    const sections = [...this.#list.children];
    const known = sections.find((section) => section.dataset.batch === face.batch);
    if (known) return known.batch;
    const names = ["section", "header", "h3", "button", "p", "ul"];
    const [section, head, heading, cancel, unclear, list] = elements(...names);
    section.dataset.batch = face.batch;
    section.className = "batch";
    unclear.className = "unclear";
    unclear.hidden = true;
    list.className = "grid";
    cancel.type = "button";
    cancel.className = "quiet";
    cancel.textContent = "Stop";
    cancel.addEventListener("click", () => {
      this.#act.cancel(this.#unfinished(section.batch).map((tile) => tile.face));
    });
    heading.append(face.photo ? "From your photos" : this.#words(face.label));
    head.append(heading, cancel);
    section.append(head, unclear, list);
    section.batch = { section, heading, list, cancel, unclear };
    const older = sections.find((other) => other.dataset.batch < face.batch);
    this.#list.insertBefore(section, older ?? null);
    return section.batch;
  }

  #words(label) {
    const button = document.createElement("button");
    button.type = "button";
    button.textContent = label;
    button.title = "Use these words again";
    button.addEventListener("click", () => this.#act.reuse(label));
    return button;
  }

  /** Lists the words of a description that have no effect on its faces, and marks them in it. */
  #markUnclear({ heading, unclear }, { label, unclear: words }) {
    if (!unclear.hidden) return;
    unclear.textContent = `Not understood: ${words.join(", ")}`;
    unclear.hidden = false;
    heading.firstChild.replaceChildren(...marked(label, words));
  }

  #unfinished(batch) {
    return [...this.#tiles.values()].filter((tile) => tile.batch === batch && tile.button.disabled);
  }

  #summarise(batch) {
    const unfinished = this.#unfinished(batch).length > 0;
    batch.cancel.hidden = !unfinished;
    batch.list.setAttribute("aria-busy", unfinished);
    if (!batch.list.children.length) batch.section.remove();
  }

  /** Moves the focus between faces by the arrow keys. */
  #walk(event) {
    const all = [...this.#list.querySelectorAll(".face:not(:disabled)")];
    const buttons = all.filter((button) => button.offsetParent);
    const at = buttons.indexOf(document.activeElement);
    if (at < 0) return;
    const next = {
      ArrowRight: () => buttons[at + 1],
      ArrowLeft: () => buttons[at - 1],
      ArrowDown: () => nearest(buttons[at], buttons, 1),
      ArrowUp: () => nearest(buttons[at], buttons, -1),
    }[event.key]?.();
    if (!next) return;
    event.preventDefault();
    next.focus();
  }
}

function elements(...names) {
  return names.map((name) => document.createElement(name));
}

/** A text as nodes, with `words` in `mark` elements. The words are in the order of the text. */
function marked(text, words) {
  const nodes = [];
  let rest = text;
  for (const word of words) {
    const at = rest.indexOf(word);
    if (at < 0) continue;
    const [mark] = elements("mark");
    mark.textContent = word;
    nodes.push(rest.slice(0, at), mark);
    rest = rest.slice(at + word.length);
  }
  return [...nodes, rest];
}

/** The nearest button in the next row, down for `way` 1, up for −1. */
function nearest(from, buttons, way) {
  const here = from.getBoundingClientRect();
  const rows = buttons.map((button) => [button, button.getBoundingClientRect()]);
  const beyond = rows.filter(([, box]) => way * (box.top - here.top) > here.height / 2);
  const distance = ([, box]) => way * (box.top - here.top) * 1000 + Math.abs(box.left - here.left);
  return beyond.sort((a, b) => distance(a) - distance(b))[0]?.[0];
}
