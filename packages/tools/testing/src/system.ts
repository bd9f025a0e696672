import type { Principal } from '@tenantry/core'
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
}

/**
 * A system on a migrated database of its own, with what a test needs: principals and rows. Where another tool
 * than `system.migrate()` applies the migrations, `migrate` says how.
 */
export async function createTestSystem<S extends Record<string, unknown>, R extends Definitions>(
  factory: SystemFactory<S, R>,
  options: TestSystemOptions<S> = {},
): Promise<TestSystem<S, R>> {
  const { name, migrations } = factory.definition
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
    [Symbol.asyncDispose]: () => created.close(),
  }
}
