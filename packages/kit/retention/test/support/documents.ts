/** A system of a few tables of every kind that retention has to deal with. */
import { deletedAt, id, instant, timestamps } from '@tenantry/core'
import { extension, grants, policy, rowSecurity } from '@tenantry/ddl'
import { defineTenancy, tenancyObjects } from '@tenantry/rls'
import { eq } from 'drizzle-orm'
import {
  bigint,
  boolean,
  customType,
  doublePrecision,
  foreignKey,
  index,
  integer,
  jsonb,
  numeric,
  pgTable,
  primaryKey,
  text,
  timestamp,
  unique,
  uuid,
  varchar,
  vector,
} from 'drizzle-orm/pg-core'
import { defineRetention, retention } from '../../src/index.ts'

const bytea = customType<{ data: Buffer }>({ dataType: () => 'bytea' })

export const documents = pgTable(
  'documents',
  {
    id: id(),
    userId: uuid('user_id').notNull(),
    title: text('title').notNull(),
    status: text('status').notNull().default('done'),
    size: bigint('size', { mode: 'bigint' }),
    price: numeric('price'),
    content: bytea('content'),
    details: jsonb('details'),
    tags: text('tags').array(),
    numbers: integer('numbers').array(),
    weight: doublePrecision('weight'),
    flag: boolean('flag'),
    seenAt: timestamp('seen_at', { withTimezone: true }),
    code: varchar('code', { length: 12 }),
    embedding: vector('embedding', { dimensions: 3 }),
    ...timestamps(),
  },
  (table) => [
    index('documents_created').on(table.createdAt),
    unique('documents_user').on(table.userId, table.id),
  ],
)

export const notes = pgTable(
  'notes',
  {
    id: id(),
    userId: uuid('user_id').notNull(),
    documentId: uuid('document_id'),
    body: text('body').notNull(),
    anonymisedAt: instant('anonymised_at'),
    deletedAt: deletedAt(),
    ...timestamps(),
  },
  (table) => [
    index('notes_created').on(table.createdAt),
    index('notes_user').on(table.userId, table.createdAt),
    index('notes_document').on(table.userId, table.documentId),
    foreignKey({
      columns: [table.userId, table.documentId],
      foreignColumns: [documents.userId, documents.id],
    }),
  ],
)

/** Ages in text and in numbers, and a key of two columns. */
export const events = pgTable(
  'events',
  {
    userId: uuid('user_id').notNull(),
    sequence: integer('sequence').notNull(),
    isoAt: text('iso_at').notNull(),
    epochMs: bigint('epoch_ms', { mode: 'number' }).notNull(),
    plainAt: timestamp('plain_at').notNull(),
  },
  (table) => [
    primaryKey({ columns: [table.userId, table.sequence] }),
    index('events_epoch').on(table.epochMs),
  ],
)

export const schema = { documents, notes, events }

export const documentRule = defineRetention(documents, {
  name: 'documents',
  age: { column: 'createdAt', days: 90 },
  where: eq(documents.status, 'done'),
  action: { kind: 'archive-then-delete', segmentRows: 400 },
  batch: { rows: 50, maxRows: 100 },
  floors: { maxFraction: null },
})

export const noteRule = defineRetention(notes, {
  name: 'notes',
  age: { column: 'createdAt', days: 30 },
  action: 'delete',
  batch: { rows: 40, maxRows: 80 },
  floors: { minimumDays: 10, maxFraction: 0.9 },
})

export const rules = retention({ rules: [documentRule, noteRule], schema })

export const tenancy = defineTenancy({
  kind: 'user-uuid',
  schema,
  tables: {
    documents: { class: 'tenant', column: 'userId' },
    notes: { class: 'tenant', column: 'userId' },
    events: { class: 'tenant', column: 'userId' },
  },
})

/** As a system gives it to the tables of its modules. */
export const moduleTableObjects = (module: typeof rules.module) =>
  (module.tables ?? []).flatMap(({ table, appendOnly }) => [
    rowSecurity({ table }),
    policy({
      table,
      name: 'service',
      as: 'permissive',
      command: 'all',
      to: ['tenantry_service'],
      using: 'true',
      check: 'true',
    }),
    grants({
      table,
      to: 'tenantry_service',
      privileges:
        appendOnly === true
          ? { select: true, insert: true }
          : { select: true, insert: true, update: true, delete: true },
    }),
  ])

export const objectsFor = (module: typeof rules.module) => [
  extension({ name: 'vector' }),
  ...tenancyObjects(tenancy),
  ...module.objects,
  ...moduleTableObjects(module),
]
