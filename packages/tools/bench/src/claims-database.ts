/** A system of its own for claimed work and transitions, with a login that is subject to row security. */
import { randomBytes } from 'node:crypto'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { connect } from '@tenantry/core'
import { migrate } from '@tenantry/ddl'
import { generateMigration } from '@tenantry/ddl/generate'
import { defineTenancy, tenancyObjects } from '@tenantry/rls'
import { defineClaims, defineTransitions, leaseColumns } from '@tenantry/workflow'
import { index, integer, jsonb, pgTable, text, unique, uuid } from 'drizzle-orm/pg-core'
import postgres from 'postgres'

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

export interface ClaimsDatabase {
  readonly ownerUrl: string
  /** Subject to row security, and allowed to act as the service role. */
  readonly appUrl: string
  remove(): Promise<void>
}

export async function createClaimsDatabase(serverUrl: string): Promise<ClaimsDatabase> {
  const run = randomBytes(4).toString('hex')
  const [name, app, password] = [`bench_${run}`, `bench_app_${run}`, randomBytes(16).toString('hex')]
  const url = (change: Partial<Pick<URL, 'username' | 'password'>>): string =>
    Object.assign(new URL(serverUrl), { pathname: `/${name}`, ...change }).href
  const ownerUrl = url({})
  const admin = postgres(serverUrl, { max: 1, onnotice: () => {} })
  const remove = async (): Promise<void> => {
    await admin.unsafe(`drop database if exists ${name} with (force)`)
    await admin.unsafe(`drop role if exists ${app}`)
    await admin.end({ timeout: 5 })
  }
  try {
    await admin.unsafe(`create database ${name} template template0`)
    await migrateAs(ownerUrl)
    await admin.unsafe(`create role ${app} login password '${password}'`)
    await admin.unsafe(`grant tenantry_tenant to ${app} with inherit true`)
    await admin.unsafe(`grant tenantry_service to ${app} with inherit false, set true`)
  } catch (error) {
    await remove()
    throw error
  }
  return { ownerUrl, appUrl: url({ username: app, password }), remove }
}

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
