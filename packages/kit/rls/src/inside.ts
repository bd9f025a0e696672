/** Which transaction a call stands in, and the executors of one. */
import { AsyncLocalStorage } from 'node:async_hooks'
import {
  type Answer,
  bindQuery,
  type CompiledQuery,
  ConfigurationError,
  type Connection,
  type Database,
  type Executor,
} from '@tenantry/core'
import { refuseUnfit } from './refuse-unfit.ts'

/** A transaction, or a part of one that can fail by itself. */
interface Level {
  readonly database: Database
  /** The one that the call which opened this one stood in. */
  readonly around: Level | undefined
  ended: boolean
  /** The part that is open in it, and the promise that it has ended. */
  part: { readonly level: Level; readonly ending: Promise<void> } | null
}

const standing = new AsyncLocalStorage<Level>()

function standsIn(matches: (level: Level) => boolean): boolean {
  for (let level = standing.getStore(); level !== undefined; level = level.around) {
    if (matches(level)) return true
  }
  return false
}

/**
 * A statement outside the transaction that the caller is in would run on another connection: it wouldn't
 * see the transaction's work, could wait for its locks, and on the embedded database waits for ever. What was
 * left behind by a transaction that has ended, such as a timer, is free to go on.
 */
export function refuseInside(database: Database): void {
  if (!standsIn((level) => level.database === database && !level.ended)) return
  throw new ConfigurationError('A statement was started outside the transaction that is open here', {
    hint: 'Inside transaction() use the repositories that its callback receives',
  })
}

/** Runs the callback of a transaction with an executor that ends with it. */
export async function inside<T>(
  database: Database,
  connection: Connection,
  identity: Pick<Executor, 'role' | 'tenant' | 'user'>,
  run: (executor: Executor) => Promise<T>,
): Promise<T> {
  const whole = levelOf(database)
  const bind = (current: Connection, level: Level): Executor => ({
    ...identity,
    gate: null,
    async run(query: CompiledQuery, values = {}): Promise<Answer> {
      while (isOthers(level.part)) await level.part.ending
      refuseOutlived(whole)
      refuseUnfit(query.text)
      return current.query(bindQuery(query, values))
    },
    async transaction(nested) {
      while (isOthers(level.part)) await level.part.ending
      refuseOutlived(whole)
      return inPart(database, level, (part) =>
        current.savepoint((connection) => nested(bind(connection, part))),
      )
    },
  })
  try {
    return await standing.run(whole, () => run(bind(connection, whole)))
  } finally {
    whole.ended = true
  }
}

/**
 * Savepoints lie in each other, whoever set them: undoing one undoes what came after it. So parts that are started
 * at once take turns, and so does what their transaction runs beside them.
 */
function isOthers(part: Level['part']): part is NonNullable<Level['part']> {
  return part !== null && !standsIn((level) => level === part.level)
}

async function inPart<T>(database: Database, level: Level, run: (part: Level) => Promise<T>): Promise<T> {
  const before = level.part
  const part = levelOf(database)
  let end = (): void => {}
  const ending = new Promise<void>((resolve) => {
    end = resolve
  })
  level.part = { level: part, ending }
  try {
    return await standing.run(part, () => run(part))
  } finally {
    part.ended = true
    level.part = before
    end()
  }
}

function levelOf(database: Database): Level {
  return { database, around: standing.getStore(), ended: false, part: null }
}

function refuseOutlived(whole: Level): void {
  if (!whole.ended) return
  throw new ConfigurationError('A repository was used after its transaction had ended', {
    hint: 'Await every call before the callback of transaction() returns',
  })
}
