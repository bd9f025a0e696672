import { lazyModule } from '@tenantry/core'
import { touchUpdatedAt } from '@tenantry/ddl'
import { serviceStatement } from '@tenantry/rls'
import { outputs, profiles, projects, subscriptions } from '../schema/index.ts'

/** Of the specification. */
const VERSION = '1.0.0'

/** What the tables need and Drizzle can't say. */
export const tables = lazyModule({
  name: 'tables',
  objects: () => [
    ...touchUpdatedAt([profiles, projects, outputs, subscriptions], {
      functionName: 'set_updated_at',
      triggerName: (table) => `trg_${table}_updated_at`,
    }),
    serviceStatement({
      id: 'version of the schema',
      write: `insert into public.schema_versions (version) values ('${VERSION}') on conflict do nothing`,
    }),
  ],
})
