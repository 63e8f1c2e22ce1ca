// The editor of one face: picture, changes, history, download and export.

import * as api from "./api.js";
import { paintMask } from "./brush.js";
import { draft, fill } from "./draft.js";
import * as history from "./history.js";
import { notice, tell } from "./notice.js";
import { address, fromBase64, toDataUrl } from "./pictures.js";
import * as tree from "./tree.js";
import { Viewer } from "./viewer.js";

/** Amount of a new edit. */
const FULL = 0.8;
/** Amount of a new mix. A weaker edit counts as weak. */
const HALF = 0.5;
/** Milliseconds before a new picture is described. A slider makes many pictures. */
const LOOK = 400;

export class Editor {
  #panel;
  #parts = {};
  #gallery;
  #outside;
  #model = { edits: false, ideas: [] };
  #face = null;
  #viewer;
  #looking = 0;
  /** Maps pictures to the ideas that they do not show yet. */
  #open = new WeakMap();

  /** `outside` has `opened(face)`, `closed(face)` and `removed(face, restore)`. */
  constructor(panel, template, gallery, outside) {
    this.#panel = panel;
    this.#gallery = gallery;
    this.#outside = outside;
    panel.append(template.content.cloneNode(true));
    for (const part of panel.querySelectorAll("[data-id]")) this.#parts[part.dataset.id] = part;
    this.#viewer = new Viewer(this.#parts);
    this.#wire();
  }

  fit(model) {
    this.#model = model;
    const { change, ideas, mixing, cannot, more } = this.#parts;
    for (const part of [change, ideas, mixing, more]) part.hidden = !model.edits;
    cannot.hidden = model.edits;
    cannot.textContent = "This model draws faces but cannot change them.";
    ideas.replaceChildren(
      ...model.ideas.map((idea) => {
        const button = document.createElement("button");
        button.type = "button";
        button.textContent = idea;
        button.addEventListener("click", () => this.#change(idea));
        return button;
      }),
    );
  }

  async open(face) {
    await this.#gallery.open(face);
    this.#face = face;
    this.#panel.hidden = false;
    this.#panel.scrollTop = 0;
    this.#outside.opened(face);
    this.#show();
    // On phones, focus on the text field would open the keyboard, which covers half the screen.
    const wide = matchMedia("(min-width: 900px) and (pointer: fine)").matches;
    (wide && this.#model.edits ? this.#parts.text : this.#parts.close).focus({
      preventScroll: true,
    });
  }

  close() {
    if (!this.#face) return;
    const face = this.#face;
    this.#face = null;
    this.#panel.hidden = true;
    this.#outside.closed(face);
  }

  /** Updates the view of a changed face, if it is open or one to mix with. */
  changed(face) {
    if (this.#face === face) this.#show();
    else if (this.#face) this.#fillShelf();
  }

  removed(face) {
    if (this.#face === face) this.close();
    else this.changed(face);
  }

  /** Shows whether the current step is running or waiting. */
  progress() {
    if (!this.#face) return;
    const node = this.#face.tree.current;
    this.#parts.viewer.classList.toggle("busy", this.#gallery.busy(node));
    this.#showState(node);
  }

  /** Puts words that the server refused back into the field. */
  giveBack(face, words) {
    if (this.#face === face && !this.#parts.text.value) fill(this.#parts.text, words);
  }

  /** Goes back to the parent step. */
  undo() {
    const parent = this.#face?.tree.current.parent;
    if (parent) this.#gallery.choose(this.#face, parent);
  }

  #wire() {
    const { close, undo, favourite, download, curl, remove, change, strength, text, keep } =
      this.#parts;
    const { again, brush, character } = this.#parts;
    const acts = [
      [close, () => this.close()],
      [undo, () => this.undo()],
      [favourite, () => this.#gallery.favour(this.#face)],
      [download, () => this.#download()],
      [curl, () => this.#copy()],
      [remove, () => this.#remove()],
      [again, () => this.#gallery.retry()],
      [brush, () => this.#paint()],
      [character, () => this.#redraw({ character: !this.#face.tree.root.character })],
    ];
    for (const [button, act] of acts) button.addEventListener("click", act);
    strength.addEventListener("input", () =>
      this.#gallery.adjust(this.#face, Number(strength.value)),
    );
    change.addEventListener("submit", (event) => {
      event.preventDefault();
      const words = text.value.trim();
      fill(text, "");
      if (words) this.#change(words);
    });
    draft(text);
    draft(keep);
  }

  #change(label) {
    const keep = this.#parts.keep.value
      .split(",")
      .map((part) => part.trim())
      .filter(Boolean);
    this.#step({ kind: "edit", label, amount: FULL, keep });
  }

  #mix({ id, label, tip }) {
    const other = { face: id, label, image: tip.image, latent: tip.latent };
    this.#step({ kind: "mix", label: `mixed with “${label}”`, amount: HALF, other });
  }

  /** Adds a step, and scrolls to the picture, where its result appears. */
  #step(change) {
    this.#gallery.change(this.#face, change);
    this.#panel.scrollTop = 0;
  }

  /** Lets the visitor paint where the photo may change. */
  async #paint() {
    const face = this.#face;
    const { original, mask } = face.tree.root;
    const painted = await paintMask(original, mask).catch(notice);
    if (painted !== undefined && this.#face === face) this.#redraw({ mask: painted });
  }

  #redraw(how) {
    this.#gallery.redraw(this.#face, how);
  }

  #showPhoto({ original, mask, character }) {
    const parts = this.#parts;
    parts.photo.hidden = !original || !this.#model.edits;
    parts.brush.hidden = Boolean(character);
    parts.brush.setAttribute("aria-pressed", Boolean(mask));
    parts.character.setAttribute("aria-pressed", Boolean(character));
  }

  #show() {
    const { label, favourite, tree: known } = this.#face;
    const node = known.current;
    const edited = node.kind !== "root";
    this.#viewer.show({
      picture: history.picture(node),
      alt: edited ? `${label}, ${node.label}` : label,
      before: node.parent && history.picture(node.parent),
    });
    this.#parts.title.textContent = label;
    this.#parts.undo.disabled = !node.parent;
    this.#parts.download.disabled = this.#parts.curl.disabled = !node.latent;
    this.#parts.favourite.setAttribute("aria-pressed", favourite);
    this.progress();
    this.#showPhoto(known.root);
    this.#showStrength(node);
    this.#showIdeas(node);
    this.#fillShelf();
    tree.draw(known, this.#parts.tree, (step) => this.#gallery.choose(this.#face, step));
  }

  /** Says that a step is not made yet, or that its change is not visible. */
  #showState(node) {
    const { state, again } = this.#parts;
    const stuck = history.due(node) && !this.#gallery.busy(node);
    state.textContent = stuck ? `“${node.label}” is not made yet.` : unseen(node);
    state.parentElement.hidden = !state.textContent;
    again.hidden = !stuck;
  }

  #showStrength(node) {
    const { adjust, strength } = this.#parts;
    adjust.hidden = node.kind === "root";
    if (adjust.hidden) return;
    const mix = node.kind === "mix";
    this.#parts["adjust-name"].textContent = node.label;
    this.#parts["adjust-value"].value = history.shown(node);
    this.#parts["end-low"].textContent = mix ? "this face" : "the opposite";
    this.#parts["end-high"].textContent = mix ? "the other" : "all the way";
    strength.min = mix ? 0 : -1;
    strength.setAttribute("list", mix ? "" : "strength-marks");
    strength.value = node.amount;
    const name = mix ? "How much of the other face" : `Strength of “${node.label}”`;
    strength.setAttribute("aria-label", name);
  }

  /** Disables ideas that the face already shows, or that had no visible effect on it. */
  #showIdeas(node) {
    const tried = node.children.filter((step) => !history.seen(step)).map((step) => step.label);
    const open = this.#open.get(node.image);
    if (!open) this.#look(node);
    for (const button of this.#parts.ideas.children) {
      const idea = button.textContent;
      const shown = node.label.includes(idea) || (open && !open.includes(idea));
      button.disabled = Boolean(shown) || tried.includes(idea);
      button.title = button.disabled ? "Nothing would change" : "";
    }
  }

  /** Asks after a delay which ideas a picture does not show yet. */
  #look(node) {
    clearTimeout(this.#looking);
    const { image } = node;
    if (!this.#model.describes || !image) return;
    this.#looking = setTimeout(async () => {
      // After an error, all ideas stay enabled.
      const seen = await api.describe(await toDataUrl(image)).catch(() => null);
      this.#open.set(image, seen?.ideas ?? this.#model.ideas);
      if (this.#face?.tree.current.image === image) this.#showIdeas(this.#face.tree.current);
    }, LOOK);
  }

  #fillShelf() {
    const others = this.#gallery.faces().filter((face) => face !== this.#face && face.tip.latent);
    this.#parts.mixing.hidden = !this.#model.edits || !others.length;
    const { shelf } = this.#parts;
    const known = new Map([...shelf.children].map((button) => [button.dataset.face, button]));
    shelf.replaceChildren(...others.map((face) => this.#shelved(face, known.get(face.id))));
  }

  #shelved(face, button) {
    if (!button) {
      button = document.createElement("button");
      button.type = "button";
      button.dataset.face = face.id;
      button.append(document.createElement("img"));
      button.firstChild.alt = "";
      button.addEventListener("click", () => this.#mix(face));
    }
    const seed = face.seed === undefined ? "" : `, seed ${face.seed}`;
    button.setAttribute("aria-label", `Mix with ${face.label}${seed}`);
    button.firstChild.src = address(face.tip.image);
    return button;
  }

  async #remove() {
    const face = this.#face;
    this.#outside.removed(face, await this.#gallery.remove(face));
  }

  /** Requests the whole chain of edits again, so that the file names all words and the seed. */
  async #download() {
    const node = this.#face.tree.current;
    const photograph = await history.photographOf(node);
    // The photograph's own latent marks the start of the change, even without any edit.
    const latent = photograph?.latent ?? node.latent;
    const whole = photograph && { photograph: { ...photograph, latent, whole: true } };
    const request = { ...history.wholeRequest(node), ...whole };
    const made = await api.face(request).catch(() => null);
    const link = document.createElement("a");
    // If the server fails, this downloads the picture here, whose mark names only the last step.
    link.href = address(made ? fromBase64(made.b64_json) : node.image);
    const name = node.label
      .toLowerCase()
      .replace(/[^\p{L}\p{N}]+/gu, "-")
      .slice(0, 60);
    link.download = `${name || "face"}.png`;
    link.click();
  }

  async #copy() {
    const text = history.curl(this.#face.tree.current, location.origin);
    try {
      await navigator.clipboard.writeText(text);
      tell("Copied. Paste it into a terminal.");
    } catch {
      notice(new Error("The browser does not let this page copy."));
    }
  }
}

/** The message for a change that is not visible; empty for a visible one. */
function unseen(node) {
  if (history.due(node) || history.seen(node)) return "";
  if (Math.abs(node.amount) < HALF) return "At this strength, no change is visible.";
  return `“${node.label}” makes no visible change here. Other words may do more.`;
}
