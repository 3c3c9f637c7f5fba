// A map that forgets what was not used for longest.

export class Remembered {
  #values = new Map();
  #most;

  /** Keeps at most that many. */
  constructor(most) {
    this.#most = most;
  }

  get(key) {
    const value = this.#values.get(key);
    if (value !== undefined) {
      this.#values.delete(key);
      this.#values.set(key, value);
    }
    return value;
  }

  set(key, value) {
    this.#values.delete(key);
    this.#values.set(key, value);
    if (this.#values.size > this.#most) this.#values.delete(this.#values.keys().next().value);
  }
}
