/** Query shapes, compiled once: the text of a statement depends on which fields are named, not on their values. */
import { type CompiledQuery, compiledQuery } from '@tenantry/core'
import type { SQL } from 'drizzle-orm'
import type { PgDialect } from 'drizzle-orm/pg-core'

/**
 * Kept for one repository and one gate. A product asks a few dozen shapes of a table; far more means that
 * shapes are made up at run time (free filters), and memory must stay bounded then: here the least recently used
 * are forgotten, and on the connections, which forget nothing, later ones aren't prepared.
 */
const SHAPES_MAX = 500

/** Stands for "no gate" as a key of the WeakMap. */
const UNGATED = {}

/** What was made for each shape, the least recently used dropped first. */
export class Shapes<Made> {
  // Weak: a gate belongs to a system, and a test makes many systems.
  readonly #byGate = new WeakMap<object, Map<string, Made>>()
  readonly #madeOf = new WeakMap<object, number>()

  /** `make` is told whether what it makes may be kept on connections too: only so many are. */
  get(gate: SQL | null, key: string, make: (recurs: boolean) => Made): Made {
    const shapes = this.#shapesOf(gate ?? UNGATED)
    const known = shapes.get(key)
    if (known !== undefined) {
      // Moved to the end: the first of a Map is then the one unused for longest. Not while most of it is free:
      // a Map that is rewritten with every statement costs more than the rest of the look-up.
      if (shapes.size > SHAPES_MAX / 2) {
        shapes.delete(key)
        shapes.set(key, known)
      }
      return known
    }
    const owner = gate ?? UNGATED
    const before = this.#madeOf.get(owner) ?? 0
    this.#madeOf.set(owner, before + 1)
    const made = make(before < SHAPES_MAX)
    const [oldest] = shapes.size >= SHAPES_MAX ? shapes.keys() : []
    if (oldest !== undefined) shapes.delete(oldest)
    shapes.set(key, made)
    return made
  }

  #shapesOf(owner: object): Map<string, Made> {
    const known = this.#byGate.get(owner)
    if (known !== undefined) return known
    const shapes = new Map<string, Made>()
    this.#byGate.set(owner, shapes)
    return shapes
  }
}

export function compile(
  dialect: PgDialect,
  statement: SQL,
  options: { readonly gated: boolean; readonly recurs: boolean },
): CompiledQuery {
  return { ...compiledQuery(dialect.sqlToQuery(statement), options), once: !options.recurs }
}
