/** A system of its own for claimed work and transitions, with a login that is subject to row security. */
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { connect } from '@tenantry/core'
import { migrate } from '@tenantry/ddl'
import { generateMigration } from '@tenantry/ddl/generate'
import { defineTenancy, tenancyObjects } from '@tenantry/rls'
import { defineClaims, defineTransitions, leaseColumns } from '@tenantry/workflow'
import { index, integer, jsonb, pgTable, text, unique, uuid } from 'drizzle-orm/pg-core'
import { createLoginDatabase, type LoginDatabase } from './login-database.ts'

const id = () => uuid('id').primaryKey().defaultRandom()
const userId = () => text('user_id').notNull()

export const jobs = pgTable(
  'jobs',
  { id: id(), userId: userId(), status: text('status').notNull().default('queued'), ...leaseColumns() },
  (table) => [index('jobs_user').on(table.userId)],
)

export const articles = pgTable(
  'articles',
  {
    id: id(),
    userId: userId(),
    state: text('state').notNull().default('draft'),
    version: integer('version').notNull().default(1),
  },
  (table) => [index('articles_user').on(table.userId)],
)

export const steps = pgTable(
  'article_steps',
  {
    id: id(),
    userId: userId(),
    articleId: uuid('article_id').notNull(),
    fromState: text('from_state').notNull(),
    toState: text('to_state').notNull(),
    idempotencyKey: text('idempotency_key'),
    metadata: jsonb('metadata').notNull().default({}),
  },
  (table) => [unique('article_steps_key').on(table.userId, table.articleId, table.idempotencyKey)],
)

export const jobClaims = defineClaims({
  table: jobs,
  tenant: 'userId',
  state: { column: 'status', ready: 'queued', working: 'working', done: 'done', failed: 'failed' },
})

export const articleTransitions = defineTransitions({
  table: articles,
  tenant: 'userId',
  column: 'state',
  initial: ['draft'],
  edges: { draft: ['review'], review: ['draft'] },
  version: 'version',
  record: {
    table: steps,
    columns: {
      row: 'articleId',
      tenant: 'userId',
      from: 'fromState',
      to: 'toState',
      idempotencyKey: 'idempotencyKey',
      metadata: 'metadata',
    },
  },
})

const schema = { jobs, articles, steps }

export const tenancy = defineTenancy({
  kind: 'user-text',
  schema,
  tables: {
    jobs: { class: 'tenant', column: 'userId', insert: false, update: false, delete: false },
    articles: { class: 'tenant', column: 'userId', managed: ['version'] },
    steps: { class: 'tenant', column: 'userId', update: false, delete: false },
  },
})

/** A database for claims and transitions, empty. */
export const createClaimsDatabase = (serverUrl: string): Promise<LoginDatabase> =>
  createLoginDatabase(serverUrl, migrateAs)

async function migrateAs(ownerUrl: string): Promise<void> {
  const objects = [
    ...tenancyObjects(tenancy),
    ...jobClaims.module.objects,
    ...articleTransitions.module.objects,
  ]
  const directory = mkdtempSync(join(tmpdir(), 'tenantry-bench-'))
  const owner = await connect(ownerUrl)
  try {
    await generateMigration({ name: 'claims', schema, objects, directory })
    await migrate(owner.driver, { system: 'claims', migrations: directory })
  } finally {
    await owner.close()
    rmSync(directory, { recursive: true })
  }
}
