/** How many rows the next transaction takes, by how long the last ones took. */

/** Below a quarter of the target twice as many rows stay below half of it; then smaller steps close in. */
const growthAt = (ms: number, targetMs: number): number =>
  ms < targetMs / 4 ? 2 : ms < targetMs / 2 ? 1.25 : 1

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
