/** What the document says goes: research that has expired, and audit rows of 90 days, which an archive keeps. */
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { directoryArchive, placeHold, releaseHold, RetentionRefusedError } from '@tenantry/retention'
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { defineInfin8content, infin8content } from '../src/index.ts'
import { type ContentDatabase, contentDatabase, team, type Team } from './support/content.ts'

let place: ContentDatabase
let folder: string
// A run is over all organizations, and audit logs can't be emptied: each test has a database of its own.
beforeEach(async () => {
  place = await contentDatabase()
  folder = mkdtempSync(join(tmpdir(), 'infin8content-archive-'))
})
afterEach(async () => {
  await place.close()
  rmSync(folder, { recursive: true, force: true })
})

const store = () => directoryArchive(folder)
const audited = () =>
  place.rows<{ row: string }>('select row(a.*)::text as row from audit_logs a order by created_at, id')

/** Audit rows of an age, by the service role, as whoever audits will write them. */
async function audit({ organization, user }: Team, rows: number, days: number): Promise<void> {
  const executor = place.content.serviceExecutor()
  await executor.run({
    text: `insert into audit_logs (organization_id, user_id, table_name, operation, old_data, new_data, created_at)
      select $1::uuid, $2::uuid, 'articles', 'UPDATE', jsonb_build_object('n', n, 'big', 12345678901234567890, 'text', E'a\\n"b"'),
        null, now() - $4::integer * interval '1 day' - n * interval '1 microsecond'
      from generate_series(1, $3::integer) n`,
    params: [organization.id, user.id, rows, days],
    gated: false,
    once: true,
  })
}

const plan = async (rule: string) => {
  const [found] = await infin8content.retention.plan(place.database, { rules: [rule] })
  return found
}
const planned = async (rule: string) => (await plan(rule))?.phases.map(({ rows }) => rows)

describe('audit logs', () => {
  const run = (options: object = {}) =>
    infin8content.retention.run(place.database, { rules: ['audit-logs'], store: store(), ...options })

  test('of 90 days go to the archive, as many as the plan says, and come back word for word', async () => {
    const acme = await team(place.content)
    await audit(acme, 20, 91)
    await audit(acme, 30, 89)
    const before = await audited()
    expect(await plan('audit-logs')).toMatchObject({
      action: 'archive-then-delete',
      blockers: [],
      // It comes with each run.
      warnings: [{ code: 'no-store' }],
    })
    expect(await planned('audit-logs')).toEqual([20])
    expect(await audited()).toEqual(before)
    expect(await run()).toMatchObject([
      {
        ended: 'done',
        changed: { delete: 20 },
        kept: 0,
        archived: { segments: 1, rows: 20 },
        backlog: { rows: 0 },
      },
    ])
    expect(await audited()).toEqual(before.slice(20))
    expect(await planned('audit-logs')).toEqual([0])
    expect(
      await infin8content.retention.restore(place.database, { rule: 'audit-logs', store: store() }),
    ).toMatchObject({
      rows: 20,
      restored: 20,
      altered: 0,
    })
    expect(await audited()).toEqual(before)
  })

  test('leave by retention alone: nobody else deletes, changes or empties them', async () => {
    const acme = await team(place.content)
    await audit(acme, 2, 91)
    const service = place.content.serviceExecutor()
    for (const text of [
      'delete from audit_logs',
      `update audit_logs set table_name = 'x'`,
      'truncate audit_logs',
    ]) {
      const query = { text, params: [], gated: false, once: true }
      await expect(service.run(query), text).rejects.toMatchObject({ code: 'TENANTRY_ISOLATION' })
      await expect(place.rowsAs(acme.principal, text), text).rejects.toMatchObject({
        code: 'TENANTRY_ISOLATION',
      })
      // The owner, whom no policy holds, neither.
      await expect(place.rows(text), text).rejects.toMatchObject({ code: 'TENANTRY_ISOLATION' })
    }
    expect(await audited()).toHaveLength(2)
    expect(await acme.scope.auditLogs.count()).toBe(2)
  })

  test('that are held stay, until the hold is released', async () => {
    const [acme, bolt] = [await team(place.content), await team(place.content)]
    await audit(acme, 4, 91)
    await audit(bolt, 3, 91)
    await audit(bolt, 20, 1)
    const executor = place.content.serviceExecutor()
    const { id } = await placeHold(executor, {
      tenant: acme.organization.id,
      reason: 'matter 7',
      by: 'counsel',
    })
    expect(await planned('audit-logs')).toEqual([3])
    expect(await run()).toMatchObject([{ changed: { delete: 3 } }])
    expect(await acme.scope.auditLogs.count()).toBe(4)
    expect(await bolt.scope.auditLogs.count()).toBe(20)
    await releaseHold(executor, { id, by: 'counsel', reason: 'settled' })
    expect(await run()).toMatchObject([{ changed: { delete: 4 } }])
  })

  test('don’t go without an archive, nor in a share that nobody looked at', async () => {
    const acme = await team(place.content)
    await audit(acme, 10, 91)
    await audit(acme, 5, 1)
    const before = await audited()
    await expect(infin8content.retention.run(place.database, { rules: ['audit-logs'] })).rejects.toThrow(
      RetentionRefusedError,
    )
    await expect(place.content.runJob('retention audit-logs')).rejects.toThrow(RetentionRefusedError)
    expect(await plan('audit-logs')).toMatchObject({ blockers: [{ code: 'share' }] })
    await expect(run()).rejects.toThrow(RetentionRefusedError)
    expect(await audited()).toEqual(before)
    expect(await run({ anyShare: true })).toMatchObject([{ changed: { delete: 10 } }])
  })

  test('go by a job, once the system is given an archive', async () => {
    const acme = await team(place.content)
    await audit(acme, 3, 91)
    await audit(acme, 4, 1)
    const archived = defineInfin8content({ archive: store() })(place.database)
    expect(await archived.runJob('retention audit-logs')).toBe('audit-logs: done, 3 rows changed, 0 left')
    expect(await audited()).toHaveLength(4)
    // With or without an archive it is the same database.
    expect(archived.definition.objects).toEqual(infin8content.definition.objects)
  })
})

describe('the research cache', () => {
  const entry = ({ organization }: Team, query: string, expired: string, filling = 'null') =>
    place.rows(
      `insert into tavily_research_cache (organization_id, research_query, research_results, cached_until, fill_token, fill_until)
       select $1, $2, '[]', now() - $3::interval, case when filling is not null then gen_random_uuid() end, filling
       from (select (${filling})::timestamptz as filling) as f`,
      [organization.id, query, expired],
    )
  const left = async () =>
    (await place.rows<{ q: string }>('select research_query as q from tavily_research_cache order by 1')).map(
      ({ q }) => q,
    )

  async function some(acme: Team): Promise<void> {
    await entry(acme, 'gone', '61 minutes')
    await entry(acme, 'abandoned', '2 hours', `now() - interval '1 hour'`)
    await entry(acme, 'filling', '2 hours', `now() + interval '1 minute'`)
    await entry(acme, 'just expired', '59 minutes')
    await entry(acme, 'good', '-1 hour')
  }
  const kept = ['filling', 'good', 'just expired']

  test('loses what has expired, and nothing that is good or being filled, held or not: as the plan says', async () => {
    const acme = await team(place.content)
    await some(acme)
    const executor = place.content.serviceExecutor()
    const { id } = await placeHold(executor, {
      tenant: acme.organization.id,
      reason: 'matter 8',
      by: 'counsel',
    })
    expect(await plan('research-cache')).toMatchObject({ action: 'delete', blockers: [], warnings: [] })
    expect(await planned('research-cache')).toEqual([2])
    expect(await place.content.runJob('retention research-cache')).toBe(
      'research-cache: done, 2 rows changed, 0 left',
    )
    expect(await left()).toEqual(kept)
    await releaseHold(executor, { id, by: 'counsel', reason: 'settled' })
  })

  test('loses the same by the one statement that pg_cron runs', async () => {
    await some(await team(place.content))
    const job = infin8content.definition.jobs.find(({ name }) => name === 'retention research-cache')
    await place.database.driver.session((session) => session.script(job?.sql ?? ''))
    expect(await left()).toEqual(kept)
  })

  test('may all have expired', async () => {
    const acme = await team(place.content)
    for (const query of ['a', 'b', 'c']) await entry(acme, query, '2 hours')
    await place.content.runJob('retention research-cache')
    expect(await left()).toEqual([])
  })
})

test('every rule is a job, and no other table loses rows', () => {
  const { jobs } = infin8content.definition
  expect(jobs.filter(({ name }) => name.startsWith('retention ')).map(({ name }) => name)).toEqual([
    'retention research-cache',
    'retention audit-logs',
  ])
  expect(infin8content.retention.rules.map(({ name, target }) => [name, target.label])).toEqual([
    ['research-cache', 'public.tavily_research_cache'],
    ['audit-logs', 'public.audit_logs'],
  ])
})
