// What to draw: the words, and the options behind them.

const EXAMPLES = [
  "an old sailor with a white beard",
  "a young woman with curly red hair and freckles",
  "a smiling child with blond hair",
  "a bald man with glasses and a moustache",
  "a tired professor with grey hair",
  "a woman with red lipstick",
];
const REMEMBERED = "anyface-options";

export class Composer {
  #form;
  #submit;
  #lastSeed = null;

  constructor(form, submit) {
    this.#form = form;
    this.#submit = submit;
    this.#byId("examples").append(...EXAMPLES.map((text) => this.#exampleButton(text)));
    form.addEventListener("submit", (event) => {
      event.preventDefault();
      this.#send();
    });
    this.#byId("prompt").addEventListener("keydown", (event) => {
      // Enter sends, as in a chat; Shift+Enter starts a line.
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
    this.#recall();
  }

  /** Fits the options to what the model can do. */
  fit(model) {
    const number = this.#byId("number");
    number.max = model.max_n;
    number.value = Math.min(number.value, model.max_n);
    const variety = this.#byId("truncation");
    if (!variety.dataset.recalled) variety.value = model.truncation;
    this.#showVariety();
  }

  /** Shows which seed was used, to be locked. */
  used(seed) {
    this.#lastSeed = seed;
    this.#byId("seed").placeholder = `last: ${seed}`;
  }

  busy(busy) {
    this.#byId("generate").textContent = busy ? "Drawing…" : "Make faces";
    this.#form.setAttribute("aria-busy", busy);
  }

  /** Draws the first example. */
  example() {
    this.#byId("prompt").value = EXAMPLES[0];
    this.#send();
  }

  #byId(id) {
    return document.getElementById(id);
  }

  #exampleButton(text) {
    const button = document.createElement("button");
    button.type = "button";
    button.textContent = text;
    button.addEventListener("click", () => {
      this.#byId("prompt").value = text;
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
    const request = { prompt: prompt.value.trim(), n, truncation: Number(this.#byId("truncation").value) };
    const seed = this.#byId("seed").value;
    if (this.#locked() && /^\d+$/.test(seed)) request.seed = Number(seed);
    this.#remember();
    this.#submit(request);
  }

  #step(by) {
    const number = this.#byId("number");
    by > 0 ? number.stepUp() : number.stepDown();
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
    localStorage.setItem(REMEMBERED, JSON.stringify({ number, variety, open: this.#byId("options").open }));
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
