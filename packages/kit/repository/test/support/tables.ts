/** Tables of no particular product: every column type, both kinds of removal, a composite key, a global table. */
import { sql } from 'drizzle-orm'
import {
  bigint,
  boolean,
  char,
  customType,
  date,
  doublePrecision,
  integer,
  jsonb,
  numeric,
  pgEnum,
  pgTable,
  primaryKey,
  text,
  timestamp,
  uniqueIndex,
  uuid,
  varchar,
  vector,
} from 'drizzle-orm/pg-core'

export const mood = pgEnum('note_mood', ['calm', 'angry'])

const bytes = customType<{ data: Uint8Array; driverData: Uint8Array }>({ dataType: () => 'bytea' })

export const notes = pgTable(
  'notes',
  {
    id: uuid('id').primaryKey().defaultRandom(),
    ownerId: uuid('owner_id').notNull(),
    slug: varchar('slug', { length: 20 }).notNull(),
    title: text('title').notNull(),
    status: text('status', { enum: ['draft', 'done'] })
      .notNull()
      .default('draft'),
    score: integer('score'),
    dueAt: timestamp('due_at', { withTimezone: true }),
    createdAt: timestamp('created_at', { withTimezone: true })
      .notNull()
      .default(sql`now()`),
    deletedAt: timestamp('deleted_at', { withTimezone: true }),
    titleLength: integer('title_length').generatedAlwaysAs(sql`length(title)`),
  },
  (table) => [uniqueIndex('notes_owner_slug').on(table.ownerId, table.slug)],
)

/** One column of each kind; rows are deleted for good. */
export const samples = pgTable('samples', {
  id: uuid('id').primaryKey().defaultRandom(),
  ownerId: uuid('owner_id').notNull(),
  rank: integer('rank').notNull().default(0),
  kind: text('kind').notNull().default('a'),
  small: integer('small'),
  big: bigint('big', { mode: 'bigint' }),
  bigNumber: bigint('big_number', { mode: 'number' }),
  amount: numeric('amount', { precision: 10, scale: 2 }),
  amountNumber: numeric('amount_number', { mode: 'number' }),
  amountBig: numeric('amount_big', { mode: 'bigint' }),
  ratio: doublePrecision('ratio'),
  flag: boolean('flag'),
  letter: char('letter', { length: 2 }),
  day: date('day'),
  dayDate: date('day_date', { mode: 'date' }),
  at: timestamp('at', { withTimezone: true, mode: 'string' }),
  local: timestamp('local'),
  mood: mood('mood'),
  payload: jsonb('payload'),
  tags: text('tags').array(),
  flags: boolean('flags').array(),
  matrix: integer('matrix').array().array(),
  embedding: vector('embedding', { dimensions: 3 }),
  raw: bytes('raw'),
})

/** Keyed by tenant and number; the tenant is a text, and ids and times are made in the host's process. */
export const entries = pgTable(
  'entries',
  {
    accountId: text('account_id').notNull(),
    number: integer('number').notNull(),
    code: text('code')
      .notNull()
      .$defaultFn(() => 'made-by-host'),
    label: text('label').notNull(),
    touchedAt: timestamp('touched_at', { withTimezone: true }).$onUpdate(
      () => new Date('2026-01-01T00:00:00Z'),
    ),
  },
  (table) => [primaryKey({ columns: [table.accountId, table.number] })],
)

/** Columns without names of their own: snake_case at run time. */
export const plainWords = pgTable('plain_words', {
  wordId: integer().primaryKey(),
  languageCode: text().notNull(),
})

export const DDL = `
create type note_mood as enum ('calm', 'angry');
create table notes (
  id uuid primary key default gen_random_uuid(), owner_id uuid not null, slug varchar(20) not null,
  title text not null, status text not null default 'draft', score integer, due_at timestamptz,
  created_at timestamptz not null default now(), deleted_at timestamptz,
  title_length integer generated always as (length(title)) stored, unique (owner_id, slug));
create index on notes (owner_id, created_at, id);
create table samples (
  id uuid primary key default gen_random_uuid(), owner_id uuid not null, rank integer not null default 0,
  kind text not null default 'a', small integer, big bigint,
  big_number bigint, amount numeric(10, 2), amount_number numeric, amount_big numeric, ratio double precision,
  flag boolean, letter char(2), day date, day_date date, at timestamptz, local timestamp, mood note_mood,
  payload jsonb, tags text[], flags boolean[], matrix integer[][], embedding vector(3), raw bytea);
create table entries (
  account_id text not null, number integer not null, code text not null, label text not null,
  touched_at timestamptz, primary key (account_id, number));
create table plain_words (word_id integer primary key, language_code text not null);
`

export const TENANT_TABLES = { notes: 'owner_id', samples: 'owner_id', entries: 'account_id' }
