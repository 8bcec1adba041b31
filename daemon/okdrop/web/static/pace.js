// How quickly an upload's bytes come along: an average, since a slow line moves in leaps.

const OVER = 15_000; // milliseconds

/** Follows a count of bytes. */
export class Pace {
  #samples = [];

  note(done, now) {
    if (this.#samples.length && done < this.#samples.at(-1).done) this.#samples = [];
    this.#samples.push({ done, now });
    while (this.#samples.length > 2 && this.#samples[1].now <= now - OVER) this.#samples.shift();
  }

  /** Bytes a second; 0 where nothing moves, or nothing is known. */
  speed(now) {
    const first = this.#samples[0];
    if (!first || now <= first.now) return 0;
    return (1000 * (this.#samples.at(-1).done - first.done)) / (now - first.now);
  }
}
