/** At ten times the documented numbers of rows no documented query, and no statement of a verb, reads a whole table. */
import { readFileSync } from 'node:fs'
import type { Connection, OrganizationPrincipal, Statement } from '@tenantry/core'
import { ROLES, tenantExecutor } from '@tenantry/rls'
import { createTestDatabase, type TestDatabase } from '@tenantry/testing'
import { recorded } from '@tenantry/testing/statement-tenants'
import { describeOnServer } from '@tenantry/testing/vitest'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { infin8content } from '../src/index.ts'
import { migrations } from '../src/migrations.ts'
import { repositories } from '../src/repositories/index.ts'
import { tenancy } from '../src/tenancy.ts'

const SEED = new URL('./support/scale.sql', import.meta.url)

/** Documented numbers, times ten. */
const ROWS = {
  intent_workflows: 10_000,
  keywords: 500_000,
  articles: 100_000,
  article_sections: 1_000_000,
  topic_clusters: 150_000,
  intent_approvals: 50_000,
}

describeOnServer('at ten times the documented size', () => {
  let place: TestDatabase
  let me: OrganizationPrincipal
  let workflow: string
  let article: string
  let longtail: string

  beforeAll(async () => {
    place = await createTestDatabase({
      template: { key: 'infin8content_scale', sources: [migrations, SEED] },
      async migrate(database) {
        await infin8content(database).migrate()
        await database.driver.session((session) => session.script(readFileSync(SEED, 'utf8')))
      },
    })
    const { rows } = await place.database.driver.query({
      text: `select a.organization_id, w.created_by, a.workflow_id, a.id, a.keyword_id
        from articles a join intent_workflows w on w.id = a.workflow_id
        where w.state = 'SEED_REVIEW_PENDING' limit 1`,
      params: [],
    })
    const [organizationId, userId, ...ids] = (rows[0] ?? []).map(String)
    ;[workflow = '', article = '', longtail = ''] = ids
    me = { organizationId: organizationId ?? '', userId: userId ?? '' }
  }, 300_000)
  afterAll(() => place?.close())

  /** Tables that the statement's plan reads from end to end, small ones aside. */
  async function wholeReads(as: 'member' | 'service', statement: Statement): Promise<string[]> {
    return place.database.driver.transaction({}, async (connection) => {
      await enter(connection, as, me)
      const { rows } = await connection.query({
        text: `explain (format json, costs off) ${statement.text}`,
        params: statement.params,
      })
      return sequential(rows[0]?.[0])
    })
  }

  test('there are that many rows, and statistics of them', async () => {
    for (const [table, rows] of Object.entries(ROWS)) {
      const { rows: found } = await place.database.driver.query({
        text: `select count(*)::int, (select reltuples > 0 from pg_class where oid = $1::regclass) from ${table}`,
        params: [table],
      })
      expect([table, ...(found[0] ?? [])]).toEqual([table, rows, true])
    }
  })

  /** The queries of the document, as they stand there, with the parameters of one organization. */
  const DOCUMENTED: readonly (readonly [
    string,
    string,
    (of: { organization: string; workflow: string }) => unknown[],
  ])[] = [
    [
      'workflows of an organization with their keyword counts',
      `select w.*, k.keyword_count
       from intent_workflows w
       left join (
         select workflow_id, count(*) as keyword_count from keywords where organization_id = $1 group by workflow_id
       ) k on w.id = k.workflow_id
       where w.organization_id = $1
       order by w.created_at desc`,
      ({ organization }) => [organization],
    ],
    [
      'an atomic state transition',
      // Without updated_at, which the database sets.
      `update intent_workflows set state = $2 where id = $1 and organization_id = $3 and state = $4`,
      ({ organization, workflow: id }) => [id, 'CANCELLED', organization, 'SEED_REVIEW_PENDING'],
    ],
    [
      'workflows by state',
      'select * from intent_workflows where organization_id = $1 and state = $2',
      ({ organization }) => [organization, 'CLUSTERING_FAILED'],
    ],
    [
      'the keyword hierarchy',
      `select * from keywords where workflow_id = $1 and keyword_type = 'seed'`,
      ({ workflow: id }) => [id],
    ],
    [
      'keywords of a parent',
      'select * from keywords where parent_seed_keyword_id = $1',
      ({ workflow: id }) => [id],
    ],
    [
      'articles by status',
      `select * from articles where organization_id = $1 and status = 'generating'`,
      ({ organization }) => [organization],
    ],
    [
      'a research cache lookup',
      `select * from tavily_research_cache where organization_id = $1 and lower(research_query) = lower($2) and cached_until > now()`,
      ({ organization }) => [organization, 'Query 7'],
    ],
    [
      'active workflows',
      `select * from intent_workflows
       where organization_id = $1 and state not in ('COMPLETED', 'CANCELLED') order by created_at limit 20`,
      ({ organization }) => [organization],
    ],
    [
      'failed workflows for a retry',
      `select * from intent_workflows where organization_id = $1 and state like '%_FAILED' order by updated_at limit 20`,
      ({ organization }) => [organization],
    ],
    [
      'sections of an article, in order',
      'select * from article_sections where article_id = $1 order by section_order',
      ({ workflow: id }) => [id],
    ],
    [
      'clusters of a workflow',
      'select * from topic_clusters where workflow_id = $1',
      ({ workflow: id }) => [id],
    ],
    ['spokes of a hub', 'select * from topic_clusters where hub_keyword_id = $1', ({ workflow: id }) => [id]],
    [
      'verdicts of a workflow',
      'select * from cluster_validation_results where workflow_id = $1',
      ({ workflow: id }) => [id],
    ],
    [
      'decisions of a workflow',
      'select * from intent_approvals where workflow_id = $1',
      ({ workflow: id }) => [id],
    ],
    [
      'transitions of a workflow',
      'select * from workflow_transitions where workflow_id = $1',
      ({ workflow: id }) => [id],
    ],
    [
      'references of an article',
      'select * from publish_references where article_id = $1',
      ({ workflow: id }) => [id],
    ],
    [
      'usage of a period',
      'select * from usage_tracking where organization_id = $1 and billing_period = $2',
      ({ organization }) => [organization, '2026-11'],
    ],
    [
      'a rate limit',
      'select * from rate_limits where organization_id = $1 and key = $2',
      ({ organization }) => [organization, 'key 1'],
    ],
  ]

  test.each(DOCUMENTED)('a member’s query uses an index: %s', async (_what, text, params) => {
    const statement = { text, params: params({ organization: me.organizationId, workflow }) }
    expect(await wholeReads('member', statement)).toEqual([])
  })

  test.each([
    ['expired research', 'delete from tavily_research_cache where cached_until < now()'],
    ['old audit logs', `select * from audit_logs where created_at < now() - interval '90 days'`],
    [
      'waiting sections',
      `select * from article_sections where status = 'pending' order by available_at limit 10`,
    ],
    [
      'waiting references',
      `select * from publish_references where publish_status = 'pending' order by available_at limit 10`,
    ],
    ['a state over all organizations', `select * from intent_workflows where state = 'CLUSTERING_FAILED'`],
    [
      'keywords that are ready',
      `select * from keywords where longtail_status = 'not_started' and subtopics_status = 'not_started' and article_status = 'ready'`,
    ],
    ['suggested keywords', 'select * from keywords where ai_suggested'],
  ])('a query of the service role uses an index: %s', async (_what, text) => {
    expect(await wholeReads('service', { text, params: [] })).toEqual([])
  })

  test('every statement of the verbs that read and move uses an index', async () => {
    const log: Statement[] = []
    const executor = recorded(tenantExecutor(place.database, tenancy, me), log)
    const bound = <N extends keyof typeof repositories>(name: N) =>
      repositories[name].bind(executor) as ReturnType<(typeof repositories)[N]['bind']>
    const workflows = bound('workflows')
    await workflows.list()
    await workflows.list({ where: { state: 'COMPLETED' } })
    await workflows.withKeywordCounts()
    await workflows.active()
    await workflows.failed()
    await workflows.history(workflow)
    await workflows.transition(workflow, { to: 'CANCELLED', idempotencyKey: 'scale' })
    const keywords = bound('keywords')
    await keywords.list({ where: { workflowId: workflow, keywordType: 'longtail' } })
    expect((await keywords.tree(workflow)).map(({ children }) => children.length)).toEqual([4, 4, 4, 4, 4])
    await keywords.tree(null)
    await keywords.decide({ ids: [longtail], filterStatus: 'approved' })
    await keywords.moveArticle(longtail, 'ready').catch(() => undefined)
    await keywords.addSubtopics({ parentId: longtail, keywords: [{ keyword: 'one more' }] })
    const clusters = bound('clusters')
    expect(await clusters.ofWorkflow(workflow)).toHaveLength(5)
    expect(await clusters.validate({ workflowId: workflow })).toHaveLength(5)
    await bound('approvals').isApproved(workflow, 'clusters')
    const articles = bound('articles')
    await articles.list({ where: { status: 'draft' } })
    expect((await articles.withSections(article)).sections).toHaveLength(10)
    await bound('sections').list({ where: { articleId: article } })
    await bound('research').lookup('query 7')
    await bound('usage').ofPeriod('2026-11')
    await bound('members').people()
    await bound('auditLogs').list()
    expect(log.length).toBeGreaterThan(20)
    for (const statement of log) expect(await wholeReads('member', statement), statement.text).toEqual([])
  })
})

/** Below it a whole table is a page or two, and read in no time: people, organizations and memberships. */
const SMALL = ['users', 'organizations', 'user_organizations']

function sequential(plan: unknown): string[] {
  if (Array.isArray(plan)) return plan.flatMap(sequential)
  if (typeof plan !== 'object' || plan === null) return []
  const { 'Node Type': type, 'Relation Name': name, ...rest } = plan as Record<string, unknown>
  const own = type === 'Seq Scan' && !SMALL.includes(String(name)) ? [String(name)] : []
  return [...own, ...Object.values(rest).flatMap(sequential)]
}

async function enter(
  connection: Connection,
  as: 'member' | 'service',
  me: OrganizationPrincipal,
): Promise<void> {
  await connection.query({
    text: `select set_config('app.current_user_id', $1, true), set_config('app.current_organization_id', $2, true),
      set_config('role', $3, true)`,
    params: [me.userId, me.organizationId, as === 'member' ? ROLES.tenant : ROLES.service],
  })
}
