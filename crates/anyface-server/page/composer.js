// The form for new faces: the description and the options.

import { draft, fill } from "./draft.js";

const REMEMBERED = "anyface-options";

export class Composer {
  #form;
  #submit;
  #lastSeed = null;

  constructor(form, submit) {
    this.#form = form;
    this.#submit = submit;
    form.addEventListener("submit", (event) => {
      event.preventDefault();
      this.#send();
    });
    this.#byId("prompt").addEventListener("keydown", (event) => {
      // Enter submits, as in a chat; Shift+Enter starts a new line.
      if (event.key === "Enter" && !event.shiftKey && !event.isComposing) {
        event.preventDefault();
        this.#send();
      }
    });
    this.#byId("fewer").addEventListener("click", () => this.#step(-1));
    this.#byId("more").addEventListener("click", () => this.#step(1));
    this.#byId("truncation").addEventListener("input", () => this.#showVariety());
    this.#byId("lock").addEventListener("click", () => this.#lock(!this.#locked()));
    this.#byId("seed").addEventListener("input", (event) => this.#lock(event.target.value !== ""));
    draft(this.#byId("prompt"));
    this.#recall();
  }

  /** Shows the examples of the model, and limits the options to its range. */
  fit(model) {
    this.#byId("examples").replaceChildren(
      ...model.examples.map((text) => this.#exampleButton(text)),
    );
    const number = this.#byId("number");
    number.max = model.max_n;
    number.value = Math.min(number.value, model.max_n);
    const variety = this.#byId("truncation");
    if (!variety.dataset.recalled) variety.value = model.truncation;
    this.#showVariety();
  }

  busy(busy) {
    this.#byId("generate").textContent = busy ? "Drawing…" : "Make faces";
    this.#form.setAttribute("aria-busy", busy);
  }

  /** Submits the first example. */
  example() {
    this.#byId("examples").firstChild?.click();
  }

  /** Puts a description into the field and focuses it. */
  reuse(words) {
    const prompt = this.#byId("prompt");
    fill(prompt, words);
    prompt.focus();
  }

  #byId(id) {
    return document.getElementById(id);
  }

  #exampleButton(text) {
    const button = document.createElement("button");
    button.type = "button";
    button.textContent = text;
    button.addEventListener("click", () => {
      fill(this.#byId("prompt"), text);
      this.#send();
    });
    return button;
  }

  #send() {
    const prompt = this.#byId("prompt");
    if (!prompt.value.trim()) {
      prompt.focus();
      return;
    }
    const number = this.#byId("number");
    const n = Math.round(Math.min(Math.max(Number(number.value) || 1, 1), Number(number.max)));
    number.value = n;
    const truncation = Number(this.#byId("truncation").value);
    this.#remember();
    this.#submit({ prompt: prompt.value.trim(), n, truncation, seed: this.#seed() });
  }

  #step(by) {
    const number = this.#byId("number");
    by > 0 ? number.stepUp() : number.stepDown();
  }

  /** The locked seed, or a random one, which is shown so that it can be locked. */
  #seed() {
    const field = this.#byId("seed");
    if (this.#locked() && /^\d+$/.test(field.value)) return Number(field.value);
    [this.#lastSeed] = crypto.getRandomValues(new Uint32Array(1));
    field.placeholder = `last: ${this.#lastSeed}`;
    return this.#lastSeed;
  }

  #locked() {
    return this.#byId("lock").getAttribute("aria-pressed") === "true";
  }

  #lock(locked) {
    const seed = this.#byId("seed");
    if (locked && seed.value === "") seed.value = this.#lastSeed ?? 0;
    if (!locked) seed.value = "";
    this.#byId("lock").setAttribute("aria-pressed", locked);
  }

  #showVariety() {
    this.#byId("truncation-value").value = Number(this.#byId("truncation").value).toFixed(2);
  }

  #remember() {
    const [number, variety] = [this.#byId("number").value, this.#byId("truncation").value];
    localStorage.setItem(
      REMEMBERED,
      JSON.stringify({ number, variety, open: this.#byId("options").open }),
    );
  }

  #recall() {
    const kept = JSON.parse(localStorage.getItem(REMEMBERED) ?? "null");
    if (!kept) return;
    this.#byId("number").value = kept.number;
    this.#byId("options").open = kept.open;
    const variety = this.#byId("truncation");
    variety.value = kept.variety;
    variety.dataset.recalled = "yes";
  }
}
