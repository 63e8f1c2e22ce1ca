// The picture in the editor, and the picture before the change while a finger or a key is held.

import { address } from "./pictures.js";

/** The key to hold for the picture before the change. */
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
    // A click without a pointer comes from a screen reader, which cannot hold, so it toggles.
    compare.addEventListener("click", (event) => {
      if (event.detail === 0) this.#compare(compare.getAttribute("aria-pressed") !== "true");
    });
    // A long press must not open the context menu.
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

  /** Shows a picture, and prepares the picture before it, if there is one. */
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
