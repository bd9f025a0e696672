/** A system whose tenant is a user with a uuid, with one of everything that isolation is about. */
import { grants, materializedView, partitioned, sqlFunction, touchUpdatedAt, view } from '@tenantry/ddl'
import { sql } from 'drizzle-orm'
import {
  bigint,
  foreignKey,
  index,
  pgTable,
  primaryKey,
  text,
  timestamp,
  unique,
  uniqueIndex,
  uuid,
} from 'drizzle-orm/pg-core'
import { contextExpressions, defineTenancy, ROLES, tenancyObjects } from '../../src/index.ts'

const at = (name: string) => timestamp(name, { withTimezone: true }).notNull().defaultNow()

export const users = pgTable(
  'users',
  {
    id: uuid('id').primaryKey().defaultRandom(),
    email: text('email').notNull(),
    name: text('name').notNull(),
  },
  (table) => [uniqueIndex('users_email').on(table.email)],
)

export const folders = pgTable(
  'folders',
  {
    id: uuid('id').primaryKey().defaultRandom(),
    userId: uuid('user_id')
      .notNull()
      .references(() => users.id, { onDelete: 'cascade' }),
    name: text('name').notNull(),
  },
  (table) => [
    unique('folders_user_id').on(table.userId, table.id),
    unique('folders_name').on(table.userId, table.name),
  ],
)

export const notes = pgTable(
  'notes',
  {
    id: uuid('id').primaryKey().defaultRandom(),
    userId: uuid('user_id').notNull(),
    folderId: uuid('folder_id'),
    title: text('title').notNull(),
    words: bigint('words', { mode: 'number' }).notNull().default(0),
    createdAt: at('created_at'),
    updatedAt: at('updated_at'),
  },
  (table) => [
    index('notes_user').on(table.userId, table.createdAt.desc()),
    unique('notes_title').on(table.userId, table.title),
    foreignKey({
      name: 'notes_folder_fkey',
      columns: [table.userId, table.folderId],
      foreignColumns: [folders.userId, folders.id],
    }).onDelete('cascade'),
  ],
)

export const events = pgTable(
  'events',
  {
    id: uuid('id').notNull().defaultRandom(),
    userId: uuid('user_id').notNull(),
    kind: text('kind').notNull(),
    createdAt: at('created_at'),
  },
  (table) => [
    primaryKey({ columns: [table.id, table.createdAt] }),
    index('events_user').on(table.userId, table.createdAt),
  ],
)

export const languages = pgTable('languages', {
  code: text('code').primaryKey(),
  name: text('name').notNull(),
})

export const deliveries = pgTable('deliveries', {
  id: uuid('id').primaryKey().defaultRandom(),
  payload: text('payload').notNull(),
})

export const schema = { users, folders, notes, events, languages, deliveries }

export const tenancy = defineTenancy({
  kind: 'user-uuid',
  schema,
  globalKeys: ['users_email'],
  tables: {
    users: { class: 'tenant', column: 'id', insert: false, update: ['name'], delete: false },
    folders: { class: 'tenant', column: 'userId' },
    notes: { class: 'tenant', column: 'userId' },
    events: { class: 'tenant', column: 'userId', update: false, delete: false },
    languages: { class: 'global' },
    deliveries: { class: 'internal' },
  },
})

export const objects = [
  ...tenancyObjects(tenancy),
  ...partitioned({ table: events, by: 'created_at', every: 'month' }),
  ...touchUpdatedAt([notes]),
  view({ name: 'titles', query: 'select notes.id, notes.title from public.notes' }),
  grants({ table: { name: 'titles' }, to: ROLES.tenant, privileges: { select: true } }),
  materializedView({
    name: 'note_counts',
    query: 'select notes.user_id, count(*) as notes from public.notes group by notes.user_id',
    owner: ROLES.definer,
    indexes: [{ name: 'note_counts_user', columns: ['user_id'], unique: true }],
  }),
  sqlFunction({
    schema: 'tenantry',
    name: 'titles_like',
    args: [{ name: 'wanted', type: 'text' }],
    returns: 'setof text',
    language: 'sql',
    volatility: 'stable',
    security: 'definer',
    owner: ROLES.definer,
    body: [
      'select note.title',
      'from public.notes as note',
      `where note.user_id = (select ${contextExpressions(tenancy).tenant}) and note.title like wanted`,
    ].join('\n'),
    executableBy: [ROLES.tenant],
  }),
]

/** One row in every tenant table. */
export const seed = (tenant: string) => sql`
  with tenant (id) as (values (${tenant}::uuid)),
  new_user as (
    insert into public.users (id, email, name) select id, id || '@example.com', 'user ' || id from tenant
  ),
  new_folder as (
    insert into public.folders (user_id, name) select id, 'inbox' from tenant returning id, user_id
  ),
  new_note as (
    insert into public.notes (user_id, folder_id, title) select user_id, id, 'note of ' || user_id from new_folder
  )
  insert into public.events (user_id, kind) select id, 'seeded' from tenant`
