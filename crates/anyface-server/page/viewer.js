// The picture at work: the whole result, and what was before while a finger or a key is held.

import { address } from "./pictures.js";

/** The key that is held to see what was before. */
const KEY = "b";

export class Viewer {
  #parts;

  constructor(parts) {
    this.#parts = parts;
    const { compare } = parts;
    compare.addEventListener("pointerdown", () => this.#compare(true));
    for (const end of ["pointerup", "pointerleave", "pointercancel", "blur"]) {
      compare.addEventListener(end, () => this.#compare(false));
    }
    for (const kind of ["keydown", "keyup"]) {
      compare.addEventListener(kind, (event) => {
        if (event.key !== " " && event.key !== "Enter") return;
        event.preventDefault();
        this.#compare(kind === "keydown");
      });
    }
    // A click that no finger and no key made is a screen reader's, which cannot hold.
    compare.addEventListener("click", (event) => {
      if (event.detail === 0) this.#compare(compare.getAttribute("aria-pressed") !== "true");
    });
    // A long press is no wish for a menu.
    compare.addEventListener("contextmenu", (event) => {
      if (event.pointerType === "touch") event.preventDefault();
    });
    addEventListener("keydown", (event) => {
      if (event.key === KEY && !typing(event) && !compare.hidden) this.#compare(true);
    });
    addEventListener("keyup", (event) => {
      if (event.key === KEY) this.#compare(false);
    });
  }

  /** Shows a picture, and what was before it where something was. */
  show({ picture, alt, before }) {
    const { after, compare } = this.#parts;
    if (after.getAttribute("src") !== address(picture)) after.src = address(picture);
    after.alt = alt;
    if (before) this.#parts.before.src = address(before);
    compare.hidden = !before;
    if (!before) this.#compare(false);
  }

  #compare(before) {
    this.#parts.viewer.classList.toggle("comparing", before);
    this.#parts.compare.setAttribute("aria-pressed", before);
  }
}

function typing(event) {
  const field = event.target.matches?.("textarea, input:not([type=range])");
  return field || event.ctrlKey || event.metaKey || event.altKey;
}
