/** How many rows the next transaction takes, by how long the last ones took. */

/**
 * Growing ends at a quarter of the target: a batch that meets a checkpoint or a busy processor takes several times as
 * long as the one before it, and even that one should stay within. Below an eighth twice as many rows stay below it.
 */
const growthAt = (ms: number, targetMs: number): number =>
  ms < targetMs / 8 ? 2 : ms < targetMs / 4 ? 1.25 : 1

export class AdaptiveBatch {
  readonly #max: number
  readonly #targetMs: number
  #rows: number

  constructor({ rows, maxRows, targetMs }: { rows: number; maxRows: number; targetMs: number }) {
    this.#rows = rows
    this.#max = maxRows
    this.#targetMs = targetMs
  }

  get rows(): number {
    return this.#rows
  }

  /** Something in the batch can't be changed: smaller ones close in on it. False: it is a single row. */
  narrow(tried: number): boolean {
    this.#rows = Math.max(1, Math.floor(tried / 2))
    return tried > 1
  }

  took(ms: number): void {
    if (ms > this.#targetMs) this.#rows = Math.max(1, Math.floor(this.#rows / 2))
    else this.#rows = Math.min(this.#max, Math.ceil(this.#rows * growthAt(ms, this.#targetMs)))
  }
}
