/** How many rows the next transaction takes, by how long the last ones took. */

/** Fast enough to grow: at half the target a quarter more rows stays well below it. */
const GROWTH = 1.25

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
    else if (ms < this.#targetMs / 2) this.#rows = Math.min(this.#max, Math.ceil(this.#rows * GROWTH))
  }
}
