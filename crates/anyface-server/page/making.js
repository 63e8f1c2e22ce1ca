// The steps whose pictures are to be made. Each waits for the step it builds on; of what a slider
// asks for only the latest counts.

import * as api from "./api.js";
import { due, request } from "./history.js";

/** Requests at a time. Browsers open six connections to a server. */
const AT_ONCE = 4;
/** What speaks of the server, not of the step: no answer, no key, too much to do, stopping. */
const OUTAGE = [0, 401, 429, 503];

export class Making {
  #waiting = new Set();
  #running = new Map();
  #failed = new Set();
  #paused = false;
  #told;

  /**
   * `told` hears of `made(step, answer, amount)`; of `refused(step, error)`, when the step itself
   * is to blame; of `failed(error)`, when trying again may help; and of `changed()`.
   */
  constructor(told) {
    this.#told = told;
  }

  /** Makes the pictures of steps, or makes them anew. */
  ask(...steps) {
    for (const step of steps) {
      step.failed = false;
      this.#failed.delete(step);
      this.#waiting.add(step);
    }
    this.#paused = false;
    this.#fill();
  }

  /** Goes on after a failure. */
  retry() {
    this.ask(...this.#failed);
  }

  /** Makes steps no more. */
  drop(...steps) {
    for (const step of steps) {
      this.#waiting.delete(step);
      this.#failed.delete(step);
      this.#running.get(step)?.abort();
    }
  }

  /** Whether the server is at work on a step, or will be. */
  busy(step) {
    return this.#running.has(step) || (this.#waiting.has(step) && !this.#paused);
  }

  #fill() {
    const ready = [...this.#waiting].filter(
      (step) => !this.#running.has(step) && !(step.parent && due(step.parent)),
    );
    // Somebody looks at a change; new faces can wait for it.
    ready.sort((a, b) => Boolean(b.parent) - Boolean(a.parent));
    const places = this.#paused ? 0 : Math.max(0, AT_ONCE - this.#running.size);
    for (const step of ready.slice(0, places)) this.#make(step);
    this.#told.changed();
  }

  async #make(step) {
    const controller = new AbortController();
    const amount = step.amount;
    this.#waiting.delete(step);
    this.#running.set(step, controller);
    try {
      const answer = await api.face(await request(step), controller.signal);
      if (!controller.signal.aborted) this.#told.made(step, answer, amount);
    } catch (error) {
      if (!controller.signal.aborted) this.#fail(step, error);
    } finally {
      this.#running.delete(step);
      this.#fill();
    }
  }

  #fail(step, error) {
    if (OUTAGE.includes(error.status)) {
      this.#waiting.add(step);
      this.#paused = true;
    } else if (error.status < 500) {
      this.drop(step);
      this.#told.refused(step, error);
      return;
    } else {
      step.failed = true;
      this.#failed.add(step);
    }
    this.#told.failed(error);
  }
}
