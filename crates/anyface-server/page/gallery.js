// The visitor's faces: in memory, in the browser's store, and in requests to the server.
//
// A face in memory is its record in the store, with `tip`, its current step, and `tree`, its
// history, once that is read.

import * as history from "./history.js";
import { Making } from "./making.js";
import { difference, fromBase64, release } from "./pictures.js";
import * as store from "./store.js";

export class Gallery {
  #model = null;
  #faces = new Map();
  #making;
  #listener;
  #unsaved = { faces: new Map(), steps: new Map() };
  #saving = null;
  #warned = false;

  /**
   * `listener` has `changed(face)`, `removed(face)`, `done(face, step)`,
   * `refused(face, step, error)`, `failed(error)`, `unsaved()`, called once, and `busy(isBusy)`.
   */
  constructor(listener) {
    this.#listener = listener;
    this.#making = new Making({
      made: (step, answer, amount) => this.#made(step, answer, amount),
      refused: (step, error) => this.#refused(step, error),
      failed: (error) => listener.failed(error),
      changed: () => this.#progress(),
    });
  }

  /**
   * Reads the faces of a model, and continues unfinished steps.
   * Resolves to the number of faces of other models.
   */
  async load(model) {
    this.#model = model;
    const stored = await store.faces();
    const faces = stored.filter((face) => face.model === model && !this.#faces.has(face.id));
    const tips = await store.steps(faces.map((face) => face.current));
    for (const [i, face] of faces.entries()) {
      if (!tips[i]) continue;
      this.#faces.set(face.id, Object.assign(face, { tip: tips[i], tree: null }));
      this.#listener.changed(face);
    }
    // Reads all their steps, because a step may wait for another one.
    for (const face of faces) if (face.tip && history.due(face.tip)) await this.open(face);
    return stored.filter((face) => face.model !== model).length;
  }

  get(id) {
    return this.#faces.get(id);
  }

  /** All faces, newest first. */
  faces() {
    return [...this.#faces.values()].sort((a, b) => (a.id < b.id ? 1 : -1));
  }

  /** Requests new faces, each `{label, seed, from}` or `{label, original}`. */
  create(starts) {
    const newest = this.faces()[0];
    const photo = starts.some((start) => start.original);
    // Consecutive photos share a batch.
    const batch = photo && newest?.photo ? newest.batch : store.newId();
    const created = starts.map(({ seed, ...start }) => {
      const id = store.newId();
      const root = history.root(id, start);
      const known = {
        id,
        model: this.#model,
        batch,
        label: start.label,
        seed,
        photo,
        favourite: false,
      };
      const face = { ...known, current: root.id, tip: root, tree: { root, current: root } };
      this.#faces.set(id, face);
      this.#keep(face, root);
      this.#listener.changed(face);
      return face;
    });
    this.#making.ask(...created.map((face) => face.tree.root));
    return created;
  }

  /** Reads the history of a face, and continues its unfinished steps. */
  async open(face) {
    if (face.tree) return;
    const records = await store.stepsOf(face.id);
    face.tree ??= history.tree(records, face.current);
    face.tip = face.tree.current;
    this.#listener.changed(face);
    this.#making.ask(...history.all(face.tree.root).filter(history.due));
  }

  /** Adds a step to the current step of a face, even if that is not finished. */
  change(face, change) {
    const step = history.step(face.tree.current, change);
    this.#go(face, step);
    this.#making.ask(step);
  }

  /** Changes the amount of the current step. If other steps build on it, a new step is added. */
  adjust(face, amount) {
    let step = face.tree.current;
    if (step.children.length) {
      const { kind, label, keep, other } = step;
      step = history.step(step.parent, { kind, label, keep, other });
    }
    step.amount = amount;
    this.#go(face, step);
    this.#making.ask(step);
  }

  /** Changes `{mask}` or `{character}` of a photo, and makes its steps again. */
  redraw(face, how) {
    const { root } = face.tree;
    Object.assign(root, how);
    this.#keep(face, root);
    this.#listener.changed(face);
    this.#making.ask(...history.all(root).filter((step) => step.kind !== "mix"));
  }

  /** Makes another step of a face current. */
  choose(face, step) {
    this.#go(face, step);
    if (step.failed) this.#making.ask(step);
  }

  favour(face) {
    face.favourite = !face.favourite;
    this.#keep(face);
    this.#listener.changed(face);
  }

  /** Removes a face. Resolves to a function that restores it. */
  async remove(face) {
    await this.open(face);
    const steps = history.all(face.tree.root);
    this.#making.drop(...steps);
    this.#faces.delete(face.id);
    this.#listener.removed(face);
    await this.#saved(() => store.remove({ faces: [face.id] }));
    return () => {
      this.#faces.set(face.id, face);
      this.#keep(face, ...steps);
      this.#listener.changed(face);
      this.#making.ask(...steps.filter(history.due));
    };
  }

  /** Continues after a failure. */
  retry() {
    this.#making.retry();
  }

  /** Whether a step is running or waiting. */
  busy(step) {
    return this.#making.busy(step);
  }

  #go(face, step) {
    face.tree.current = face.tip = step;
    face.current = step.id;
    this.#keep(face, step);
    this.#listener.changed(face);
  }

  async #made(step, answer, amount) {
    const face = this.#faces.get(step.face);
    const old = step.image;
    if (answer.not_understood) face.unclear = answer.not_understood;
    Object.assign(step, {
      image: fromBase64(answer.b64_json),
      latent: answer.latent,
      made: amount,
    });
    this.#keep(face, step);
    this.#listener.changed(face);
    if (old) release(old);
    if (step.parent) step.change = await difference(step.parent.image, step.image);
    if (history.due(step) || !this.#faces.has(face.id)) return;
    this.#keep(face, step);
    this.#listener.changed(face);
    this.#listener.done(face, step);
  }

  #refused(step, error) {
    const face = this.#faces.get(step.face);
    if (step.parent) {
      history.detach(step);
      if (face.tree.current === step) face.tree.current = face.tip = step.parent;
      face.current = face.tip.id;
      this.#keep(face, ...step.children);
      this.#saved(() => store.remove({ steps: [step.id] }));
      this.#making.ask(...step.children);
      this.#listener.changed(face);
    } else {
      this.remove(face);
    }
    this.#listener.refused(face, step, error);
  }

  #progress() {
    this.#listener.busy([...this.#faces.values()].some((face) => this.busy(face.tree?.root)));
  }

  /** Stores a face and its steps. While the store writes, only the latest version of each waits. */
  #keep(face, ...steps) {
    const { tip, tree, ...record } = face;
    this.#unsaved.faces.set(face.id, record);
    for (const step of steps) this.#unsaved.steps.set(step.id, history.record(step));
    this.#saving ??= this.#flush();
  }

  async #flush() {
    while (this.#unsaved.faces.size) {
      const { faces, steps } = this.#unsaved;
      this.#unsaved = { faces: new Map(), steps: new Map() };
      await this.#write(() =>
        store.save({ faces: [...faces.values()], steps: [...steps.values()] }),
      );
    }
    this.#saving = null;
  }

  /** Changes the store after all earlier writes. */
  async #saved(act) {
    await this.#saving;
    await this.#write(act);
  }

  async #write(act) {
    try {
      await act();
    } catch {
      if (!this.#warned) this.#listener.unsaved();
      this.#warned = true;
    }
  }
}
