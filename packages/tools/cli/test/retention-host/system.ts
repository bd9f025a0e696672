import { fileURLToPath } from 'node:url'
import { defineRetention, directoryArchive, retention } from '@tenantry/retention'
import { defineTenancy } from '@tenantry/rls'
import { defineSystem } from '@tenantry/system'
import * as schema from './schema.ts'

const tenancy = defineTenancy({
  kind: 'user-uuid',
  schema,
  tables: {
    notes: { class: 'tenant', column: 'userId' },
    visits: { class: 'tenant', column: 'userId' },
  },
})

export const rules = retention({
  schema,
  tenants: tenancy.tables,
  store: directoryArchive(fileURLToPath(new URL('./archive', import.meta.url))),
  rules: [
    defineRetention(schema.notes, {
      age: { column: 'createdAt', days: 90 },
      action: 'archive-then-delete',
    }),
    defineRetention(schema.visits, {
      age: { column: 'createdAt', days: 30 },
      action: 'delete',
      batch: { rows: 5, maxRows: 5 },
    }),
  ],
})

export const diary = defineSystem({
  name: 'diary',
  schema,
  tenancy,
  modules: [rules.module],
  repositories: {},
  migrations: new URL('./migrations/', import.meta.url),
})
