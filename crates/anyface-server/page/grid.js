// The faces, which appear as they are drawn.

export class Grid {
  #list;
  #pick;
  #faces = new Map();

  constructor(list, pick) {
    this.#list = list;
    this.#pick = pick;
    list.addEventListener("keydown", (event) => this.#walk(event));
  }

  /** The faces that are there. */
  faces() {
    return [...this.#faces.values()];
  }

  /** Makes places for `count` faces; the old ones go, unless they are to be kept. */
  wait(count, { keep = false } = {}) {
    if (!keep) {
      this.#list.replaceChildren();
      this.#faces.clear();
    }
    const buttons = Array.from({ length: count }, () => this.#place());
    const items = buttons.map((button) => {
      const item = document.createElement("li");
      item.append(button);
      return item;
    });
    keep ? this.#list.prepend(...items) : this.#list.append(...items);
    this.#list.setAttribute("aria-busy", "true");
    return {
      fill: (index, face) => this.#fill(buttons[index], face),
      close: () => {
        for (const button of buttons) if (!this.#faces.has(button)) button.parentElement?.remove();
        this.#list.removeAttribute("aria-busy");
      },
    };
  }

  /** Opens a face as a click does. */
  select(face) {
    for (const [button, known] of this.#faces) if (known === face) button.click();
  }

  deselect() {
    for (const button of this.#faces.keys()) button.setAttribute("aria-pressed", "false");
  }

  #place() {
    const button = document.createElement("button");
    button.type = "button";
    button.className = "face waiting";
    button.disabled = true;
    button.setAttribute("aria-label", "A face that is being drawn");
    return button;
  }

  #fill(button, face) {
    const image = button.querySelector("img") ?? button.appendChild(document.createElement("img"));
    image.src = face.image;
    image.alt = "";
    button.classList.toggle("sketch", !face.finished);
    if (!face.finished) return;
    button.classList.remove("waiting");
    button.disabled = false;
    const seed = face.seed === undefined ? "" : `, seed ${face.seed}`;
    button.setAttribute("aria-label", `${face.label}${seed}`);
    button.setAttribute("aria-pressed", "false");
    if (face.seed !== undefined) {
      const tag = document.createElement("span");
      tag.className = "seed";
      tag.textContent = face.seed;
      button.append(tag);
    }
    this.#faces.set(button, face);
    button.addEventListener("click", () => {
      this.deselect();
      button.setAttribute("aria-pressed", "true");
      this.#pick(face);
    });
  }

  /** Arrow keys go from face to face. */
  #walk(event) {
    const buttons = [...this.#list.querySelectorAll(".face:not(:disabled)")];
    const at = buttons.indexOf(document.activeElement);
    const columns = getComputedStyle(this.#list).gridTemplateColumns.split(" ").length;
    const step = { ArrowRight: 1, ArrowLeft: -1, ArrowDown: columns, ArrowUp: -columns }[event.key];
    const next = at < 0 || !step ? null : buttons[at + step];
    if (!next) return;
    event.preventDefault();
    next.focus();
  }
}
