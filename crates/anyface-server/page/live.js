// Requests that follow a slider: one at a time, and only the latest of those that wait.

import * as api from "./api.js";

export class Live {
  #running = null;
  #waiting = null;
  #failed;
  #busy;

  constructor(failed, busy) {
    this.#failed = failed;
    this.#busy = busy;
  }

  /** Asks for a face; whatever waits is forgotten, what runs is finished so that the picture keeps up. */
  ask(request, done) {
    this.#waiting = { request, done };
    if (!this.#running) this.#run();
  }

  /** Forgets everything. */
  stop() {
    this.#waiting = null;
    this.#running?.abort();
  }

  async #run() {
    this.#busy(true);
    while (this.#waiting) {
      const { request, done } = this.#waiting;
      this.#waiting = null;
      this.#running = new AbortController();
      try {
        done(await api.face(request, this.#running.signal));
      } catch (error) {
        if (error.name !== "AbortError") this.#failed(error);
      }
    }
    this.#running = null;
    this.#busy(false);
  }
}
