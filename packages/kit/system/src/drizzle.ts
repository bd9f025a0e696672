import { ConfigurationError, type Executor, type ScopeTransactionOptions } from '@tenantry/core'
import type { Casing } from 'drizzle-orm'
import { ScopedDialect } from './dialect.ts'
import { drizzle, type PgRemoteDatabase } from 'drizzle-orm/pg-proxy'

/**
 * Drizzle over a scope: queries of the host's own, each with the principal's context. A single statement runs
 * in a transaction of its own; `transaction` keeps several in one, with the same context.
 */
export type ScopedDrizzle<S extends Record<string, unknown>> = Omit<PgRemoteDatabase<S>, 'transaction'> & {
  transaction<T>(run: (db: ScopedDrizzle<S>) => Promise<T>, options?: ScopeTransactionOptions): Promise<T>
}

export function scopedDrizzle<S extends Record<string, unknown>>(
  executor: Executor,
  schema: S,
  casing: Casing | undefined,
): ScopedDrizzle<S> {
  const db = drizzle<S>(
    async (text, params, method) => {
      // Texts of the host's own queries may never recur, so they aren't kept as prepared statements.
      const answer = await executor.run({ text, params, gated: false, once: true })
      if (method !== 'execute') return { rows: answer.rows.map((row) => [...row]) }
      return {
        rows: answer.rows.map((row) =>
          Object.fromEntries(answer.columns.map((column, index) => [column, row[index]])),
        ),
      }
    },
    { schema, ...(casing === undefined ? {} : { casing }) },
    () => new ScopedDialect(casing === undefined ? {} : { casing }),
  )
  throwAsThrown(db)
  return Object.assign(db, {
    transaction<T>(
      run: (inner: ScopedDrizzle<S>) => Promise<T>,
      options?: ScopeTransactionOptions,
    ): Promise<T> {
      if (typeof run !== 'function') throw new ConfigurationError('transaction() needs a callback')
      return executor.transaction((inner) => run(scopedDrizzle(inner, schema, casing)), options)
    },
  })
}

interface DrizzleSession {
  prepareQuery(...query: readonly unknown[]): { queryWithCache?: unknown }
}

/** Drizzle wraps what a driver throws in an error whose message repeats the parameters; ours is typed and doesn't. */
function throwAsThrown(db: object): void {
  const session = Reflect.get(db, 'session') as DrizzleSession
  const prepareQuery = session.prepareQuery.bind(session)
  session.prepareQuery = (...query) =>
    Object.assign(prepareQuery(...query), {
      queryWithCache: (_text: string, _params: unknown[], run: () => Promise<unknown>) => run(),
    })
}
