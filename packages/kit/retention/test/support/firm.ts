/** A schema on which holds have something to reach: several tables deep, references to itself, rows without tenant. */
import { createdAt, id } from '@tenantry/core'
import { defineTenancy, tenancyObjects } from '@tenantry/rls'
import { foreignKey, index, pgTable, text, unique, uuid } from 'drizzle-orm/pg-core'
import { retention } from '../../src/index.ts'
import { moduleTableObjects } from './documents.ts'

export const clients = pgTable('clients', { id: id(), name: text('name').notNull() })

export const matters = pgTable(
  'matters',
  {
    id: id(),
    clientId: uuid('client_id')
      .notNull()
      .references(() => clients.id, { onDelete: 'cascade' }),
    createdAt: createdAt(),
  },
  (table) => [unique('matters_tenant').on(table.clientId, table.id)],
)

export const documents = pgTable(
  'documents',
  {
    id: id(),
    clientId: uuid('client_id').notNull(),
    matterId: uuid('matter_id').notNull(),
    title: text('title').notNull(),
    createdAt: createdAt(),
  },
  (table) => [
    foreignKey({
      name: 'documents_matter',
      columns: [table.clientId, table.matterId],
      foreignColumns: [matters.clientId, matters.id],
    }).onDelete('cascade'),
    index('documents_matter').on(table.clientId, table.matterId),
  ],
)

/** No tenant of its own; a remark answers another one. */
export const remarks = pgTable(
  'remarks',
  {
    id: id(),
    documentId: uuid('document_id')
      .notNull()
      .references(() => documents.id, { onDelete: 'cascade' }),
    answerTo: uuid('answer_to'),
    body: text('body').notNull(),
  },
  (table) => [
    foreignKey({ name: 'remarks_answer_to', columns: [table.answerTo], foreignColumns: [table.id] }).onDelete(
      'cascade',
    ),
    index('remarks_document').on(table.documentId),
    index('remarks_answer_to').on(table.answerTo),
  ],
)

/** Nothing hangs on it, and it hangs on nothing. */
export const cache = pgTable('cache', { id: id(), createdAt: createdAt() })

export const schema = { clients, matters, documents, remarks, cache }

const tenancy = defineTenancy({
  kind: 'user-uuid',
  schema,
  tables: {
    clients: { class: 'tenant', column: 'id' },
    matters: { class: 'tenant', column: 'clientId' },
    documents: { class: 'tenant', column: 'clientId' },
    remarks: { class: 'internal' },
    cache: { class: 'internal' },
  },
})

export const tenants = tenancy.tables
export const { module } = retention({ rules: [], schema, tenants })
export const objects = [...tenancyObjects(tenancy), ...module.objects, ...moduleTableObjects(module)]
