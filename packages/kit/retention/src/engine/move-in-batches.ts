/** Rows that go somewhere else, in short transactions: what leaves and what arrives is one statement, and proven. */
import type { Connection } from '@tenantry/core'
import type { RetentionRefusedError } from '../errors.ts'
import type { Phase, Stays } from '../rule/phase.ts'
import { type Access, accessTo, type Position } from './access.ts'
import { AdaptiveBatch } from './adaptive.ts'
import { nextRow } from './batches.ts'
import { closeIn, noteRefused, Obstacle } from './obstacle.ts'
import type { Work } from './work.ts'

export interface MoveBatch {
  readonly access: Access
  readonly position: Position | null
  readonly stays: Stays
}

export interface Move {
  /**
   * One statement. `$3`: rows at most; `$4`, `$5`, `$6`: run, fence, effect; from `$7` on the position. Answers how many
   * rows were chosen and moved, whether what arrived is what left, and where the batch ended.
   */
  statement(batch: MoveBatch): string
  /** What is said when something else arrives than left. Nothing of the batch is kept then. */
  refused(): RetentionRefusedError
}

export async function moveInBatches(work: Work, phase: Phase, move: Move): Promise<void> {
  const { rule, tally } = work
  const access = await work.read((connection) => accessTo(connection, rule, phase, work.shape))
  const batch = new AdaptiveBatch(rule.batch)
  let position: Position | null = null
  while (await work.proceed()) {
    const rows = batch.rows
    const started = performance.now()
    const moved = await closeIn(batch, rows, () =>
      proven(move, () =>
        work.change((connection, stays) =>
          moveBatch(connection, work, phase, move, rows, { access, position, stays }),
        ),
      ),
    )
    if (moved === 'narrowed') continue
    if (moved instanceof Obstacle) {
      // Locked, or a key that isn't there: whatever else there is waits for the next run.
      if (moved.passes) return
      const { end } = await nextRow(work, phase, access, position)
      if (end === null) return
      noteRefused(work, moved, access.order, end)
      position = end
      tally.kept += 1
      continue
    }
    const ms = performance.now() - started
    batch.took(ms)
    position = moved.position
    tally.add(phase.effect, moved.changed)
    tally.kept += moved.chosen - moved.changed
    tally.busyMs += ms
    if (moved.chosen > 0) {
      const { chosen, changed } = moved
      work.tell({
        type: 'batch',
        effect: phase.effect,
        changed,
        kept: chosen - changed,
        ms,
        nextRows: batch.rows,
      })
    }
    if (moved.chosen < rows) return
  }
}

interface Moved {
  readonly chosen: number
  readonly changed: number
  readonly position: Position | null
}

class Unequal extends Error {}

async function moveBatch(
  connection: Connection,
  work: Work,
  phase: Phase,
  { statement }: Move,
  rowsMax: number,
  batch: MoveBatch,
): Promise<Moved> {
  const { rows } = await connection.query({
    text: statement(batch),
    params: [...work.parameters, rowsMax, work.run.id, work.fence, phase.effect, ...(batch.position ?? [])],
  })
  const [chosen, changed, equal, last] = rows[0] ?? []
  if (equal !== true) throw new Unequal()
  return {
    chosen: Number(chosen),
    changed: Number(changed),
    position: Array.isArray(last) ? (last as Position) : batch.position,
  }
}

/** Tries of a batch: somebody else may have written the same row of the other table in the same moment. */
const ATTEMPTS = 3

async function proven<T>({ refused }: Move, run: () => Promise<T>): Promise<T> {
  for (let attempt = 1; ; attempt++) {
    try {
      return await run()
    } catch (error) {
      if (!(error instanceof Unequal)) throw error
      if (attempt === ATTEMPTS) throw refused()
    }
  }
}
