/** What this process did in a run. */
import type { RefusedRow } from '../errors.ts'

export class Tally {
  readonly #changed = new Map<string, number>()
  kept = 0
  readonly refused: RefusedRow[] = []
  segments = 0
  archivedRows = 0
  archivedBytes = 0
  busyMs = 0

  add(effect: string, rows: number): void {
    this.#changed.set(effect, (this.#changed.get(effect) ?? 0) + rows)
  }

  get changed(): Readonly<Record<string, number>> {
    return Object.fromEntries(this.#changed)
  }

  get rows(): number {
    return [...this.#changed.values()].reduce((sum, rows) => sum + rows, 0)
  }
}
