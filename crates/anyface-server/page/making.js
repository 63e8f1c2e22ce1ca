// The queue of steps whose pictures are to be made. Each step waits for its parent. Of the amounts
// that a slider sets, only the latest is made.

import * as api from "./api.js";
import { due, request } from "./history.js";

/** Number of concurrent requests. Browsers open at most six connections per server. */
const AT_ONCE = 4;
/** Status codes that concern the server, not the step: no answer, no key, busy, stopping. */
const OUTAGE = [0, 401, 429, 503];

export class Making {
  #waiting = new Set();
  #running = new Map();
  #failed = new Set();
  #paused = false;
  #listener;

  /**
   * `listener` has `made(step, answer, amount)`; `refused(step, error)`, for an invalid step;
   * `failed(error)`, if a retry may help; and `changed()`.
   */
  constructor(listener) {
    this.#listener = listener;
  }

  /** Makes the pictures of steps, or makes them again. */
  ask(...steps) {
    for (const step of steps) {
      step.failed = false;
      this.#failed.delete(step);
      this.#waiting.add(step);
    }
    this.#paused = false;
    this.#fill();
  }

  /** Continues after a failure. */
  retry() {
    this.ask(...this.#failed);
  }

  /** Cancels steps. */
  drop(...steps) {
    for (const step of steps) {
      this.#waiting.delete(step);
      this.#failed.delete(step);
      this.#running.get(step)?.abort();
    }
  }

  /** Whether a step is running or waiting. */
  busy(step) {
    return this.#running.has(step) || (this.#waiting.has(step) && !this.#paused);
  }

  #fill() {
    const ready = [...this.#waiting].filter(
      (step) => !this.#running.has(step) && !(step.parent && due(step.parent)),
    );
    // Changes come before new faces, because the visitor waits for them.
    ready.sort((a, b) => Boolean(b.parent) - Boolean(a.parent));
    const places = this.#paused ? 0 : Math.max(0, AT_ONCE - this.#running.size);
    for (const step of ready.slice(0, places)) this.#make(step);
    this.#listener.changed();
  }

  async #make(step) {
    const controller = new AbortController();
    const amount = step.amount;
    this.#waiting.delete(step);
    this.#running.set(step, controller);
    try {
      const answer = await api.face(await request(step), controller.signal);
      if (!controller.signal.aborted) this.#listener.made(step, answer, amount);
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
      this.#listener.refused(step, error);
      return;
    } else {
      step.failed = true;
      this.#failed.add(step);
    }
    this.#listener.failed(error);
  }
}
