// One face at work: compare, change in words, mix, go back, take home.

import * as api from "./api.js";
import * as history from "./history.js";
import { Live } from "./live.js";
import { notice, tell, clearNotice } from "./notice.js";

const IDEAS = ["smiling", "with glasses", "older", "with a beard", "blond hair", "surprised", "with a hat"];
const FULL = 0.8;
const HALF = 0.5;

export class Editor {
  #panel;
  #parts = {};
  #outside;
  #model = { edits: false };
  #history = null;
  #live;
  #opener = null;

  constructor(panel, template, outside) {
    this.#panel = panel;
    this.#outside = outside;
    panel.append(template.content.cloneNode(true));
    for (const part of panel.querySelectorAll("[data-id]")) this.#parts[part.dataset.id] = part;
    this.#live = new Live((error) => notice(error), (busy) => this.#parts.viewer.classList.toggle("busy", busy));
    this.#wire();
  }

  fit(model) {
    this.#model = model;
    const { change, ideas, mixing, cannot } = this.#parts;
    for (const part of [change, ideas, mixing, this.#panel.querySelector(".more")]) part.hidden = !model.edits;
    cannot.hidden = model.edits;
    cannot.textContent = "This model draws faces but cannot change them.";
  }

  open(opened) {
    this.#opener = document.activeElement;
    this.#history = opened;
    this.#panel.hidden = false;
    this.#outside.opened();
    this.#fillShelf();
    this.#show();
    // A keyboard that covers half a phone must not come up by itself.
    const wide = matchMedia("(min-width: 900px) and (pointer: fine)").matches;
    (wide && this.#model.edits ? this.#parts.text : this.#parts.close).focus({ preventScroll: true });
  }

  close() {
    if (this.#panel.hidden) return;
    this.#live.stop();
    this.#panel.hidden = true;
    this.#outside.closed();
    this.#opener?.focus?.();
  }

  /** Back to the step before. */
  undo() {
    if (this.#panel.hidden || !this.#history.current.parent) return;
    this.#choose(this.#history.current.parent);
  }

  #wire() {
    const { close, undo, download, curl, change, strength, curtain, viewer, ideas, text } = this.#parts;
    close.addEventListener("click", () => this.close());
    undo.addEventListener("click", () => this.undo());
    download.addEventListener("click", () => this.#download());
    curl.addEventListener("click", () => this.#copy());
    strength.addEventListener("input", () => this.#adjust(Number(strength.value)));
    curtain.addEventListener("input", () => viewer.style.setProperty("--cut", `${curtain.value}%`));
    change.addEventListener("submit", (event) => {
      event.preventDefault();
      if (text.value.trim()) this.#change(text.value.trim());
    });
    for (const idea of IDEAS) {
      const button = document.createElement("button");
      button.type = "button";
      button.textContent = idea;
      button.addEventListener("click", () => this.#change(idea));
      ideas.append(button);
    }
  }

  #change(label) {
    const keep = this.#parts.keep.value.split(",").map((part) => part.trim()).filter(Boolean);
    this.#parts.text.value = "";
    this.#add({ kind: "edit", label, amount: FULL, keep });
  }

  #mix(face) {
    this.#add({ kind: "mix", label: `mixed with “${face.label}”`, amount: HALF, other: face.latent });
  }

  /** Takes a step from where we are; it joins the history once the server has made it. */
  #add(change) {
    clearNotice();
    const node = history.step(this.#history.current, change);
    const at = this.#history;
    this.#live.ask(history.request(node), (made) => {
      this.#take(node, made);
      history.attach(node);
      at.current = node;
      if (this.#history === at) this.#show();
    });
  }

  /** Moves the slider of the step we are at; a step that others build on forks instead. */
  #adjust(amount) {
    let node = this.#history.current;
    if (node.children.length) {
      node = history.step(node.parent, { kind: node.kind, label: node.label, keep: node.keep, other: node.other });
      history.attach(node);
      this.#history.current = node;
    }
    node.amount = amount;
    this.#parts["adjust-value"].value = history.shown(node);
    this.#live.ask(history.request(node), (made) => {
      this.#take(node, made);
      if (this.#history?.current !== node) return;
      this.#parts.after.src = node.image;
      this.#drawTree();
    });
  }

  #take(node, made) {
    node.image = api.picture(made.b64_json);
    node.latent = made.latent;
  }

  #choose(node) {
    this.#live.stop();
    this.#history.current = node;
    this.#show();
  }

  #show() {
    const node = this.#history.current;
    const before = node.parent?.image ?? node.original;
    const { viewer, after, title, adjust, undo, strength } = this.#parts;
    title.textContent = this.#history.root.label;
    title.title = this.#history.root.label;
    after.src = node.image;
    after.alt = node.kind === "root" ? node.label : `${this.#history.root.label}, ${node.label}`;
    viewer.classList.toggle("single", !before);
    if (before) this.#parts.before.src = before;
    undo.disabled = !node.parent;
    adjust.hidden = node.kind === "root";
    if (node.kind !== "root") {
      const mix = node.kind === "mix";
      this.#parts["adjust-name"].textContent = node.label;
      this.#parts["adjust-value"].value = history.shown(node);
      this.#parts["end-low"].textContent = mix ? "this face" : "the opposite";
      this.#parts["end-high"].textContent = mix ? "the other" : "all the way";
      strength.min = mix ? 0 : -1;
      strength.value = node.amount;
      strength.setAttribute("aria-label", mix ? "How much of the other face" : `Strength of “${node.label}”`);
    }
    this.#drawTree();
  }

  #drawTree() {
    if (this.#history) history.draw(this.#history, this.#parts.tree, (node) => this.#choose(node));
  }

  #fillShelf() {
    const others = this.#outside.shelf().filter((face) => face.history !== this.#history);
    this.#parts.mixing.hidden = !this.#model.edits || !others.length;
    this.#parts.shelf.replaceChildren(...others.map((face) => {
      const button = document.createElement("button");
      button.type = "button";
      button.setAttribute("aria-label", `Mix with ${face.label}${face.seed === undefined ? "" : `, seed ${face.seed}`}`);
      const image = document.createElement("img");
      image.src = face.image;
      image.alt = "";
      button.append(image);
      button.addEventListener("click", () => this.#mix(face));
      return button;
    }));
  }

  /** The picture again from its beginning, so that the file names all its words and its seed. */
  async #download() {
    try {
      const node = this.#history.current;
      const made = await api.face(history.wholeRequest(node));
      const link = document.createElement("a");
      link.href = api.picture(made.b64_json);
      link.download = `${node.label.toLowerCase().replace(/[^\p{L}\p{N}]+/gu, "-").slice(0, 60) || "face"}.png`;
      link.click();
    } catch (error) {
      notice(error);
    }
  }

  async #copy() {
    const text = history.curl(this.#history.current, location.origin);
    try {
      await navigator.clipboard.writeText(text);
      tell("Copied. Paste it into a terminal.");
    } catch {
      notice(new Error("The browser does not let this page copy."));
    }
  }
}
