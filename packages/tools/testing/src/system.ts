import type { Answer, Principal } from '@tenantry/core'
import { tenantExecutor } from '@tenantry/rls'
import type { Definitions, Scope, System, SystemFactory } from '@tenantry/system'
import { createTestDatabase, type TestDatabase, type TestDatabaseOptions } from './database.ts'
import { type RowDefaults, type RowFactory, rowFactory } from './factory.ts'

export interface TestSystemOptions<S> extends Pick<TestDatabaseOptions, 'connect' | 'migrate' | 'template'> {
  /** What rows are like where their columns don't tell; see `rowFactory`. */
  readonly rows?: RowDefaults<S>
}

export interface TestSystem<S extends Record<string, unknown>, R extends Definitions>
  extends TestDatabase, RowFactory<S> {
  readonly system: System<S, R>
  /** What one principal sees. */
  as(principal: Principal): Scope<R, S>
  /**
   * A statement as the login, an owner or superuser whom row security doesn't stop. Answers rows by column, of the
   * type that the caller gives them.
   */
  rows<T extends object = Plain>(text: string, params?: readonly unknown[]): Promise<T[]>
  /** The same as a principal's own, as PostgREST would run it. */
  rowsAs<T extends object = Plain>(
    principal: Principal,
    text: string,
    params?: readonly unknown[],
  ): Promise<T[]>
}

type Plain = Record<string, unknown>

/**
 * A system on a migrated database of its own, with what a test needs: principals and rows. Where another tool
 * than `system.migrate()` applies the migrations, `migrate` says how.
 */
export async function createTestSystem<S extends Record<string, unknown>, R extends Definitions>(
  factory: SystemFactory<S, R>,
  options: TestSystemOptions<S> = {},
): Promise<TestSystem<S, R>> {
  const { name, migrations, tenancy } = factory.definition
  const { rows, ...given } = options
  const created = await createTestDatabase({
    ...(migrations === null
      ? {}
      : { template: { key: name.replaceAll('-', '_').slice(0, 30), sources: [migrations] } }),
    migrate: (database) => factory(database).migrate(),
    ...given,
  })
  const system = factory(created.database)
  return {
    ...created,
    ...rowFactory(system, rows),
    system,
    as: (principal) => system.as(principal),
    rows: async (text, params = []) => objects(await created.database.driver.query({ text, params })),
    rowsAs: async (principal, text, params = []) => {
      const executor = tenantExecutor(created.database, tenancy, principal)
      return objects(await executor.run({ text, params, gated: false, once: true }))
    },
    [Symbol.asyncDispose]: () => created.close(),
  }
}

function objects<T extends object>({ columns, rows }: Answer): T[] {
  return rows.map((row) => Object.fromEntries(columns.map((column, at) => [column, row[at]])) as T)
}
