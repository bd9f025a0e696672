import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { partitioned } from '@tenantry/ddl'
import { tenancyObjects } from '@tenantry/rls'
import { eq } from 'drizzle-orm'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import {
  defineRetention,
  directoryArchive,
  dropPartitions,
  placeHold,
  releaseHold,
  retention,
} from '../src/index.ts'
import { moduleTableObjects } from './support/documents.ts'
import { createPlace, type Place } from './support/firm-place.ts'
import { partitions, schema, tenancy, tenants, usage } from './support/metered.ts'

const CUSTOMER = '00000000-0000-4000-8000-00000000000c'

const rule = defineRetention(usage, {
  age: { column: 'createdAt', months: 2 },
  action: dropPartitions({ archive: { segmentRows: 4 } }),
  floors: { maxFraction: null },
})
const rules = retention({ rules: [rule], schema, tenants })

let place: Place
let folder: string
beforeEach(async () => {
  folder = mkdtempSync(join(tmpdir(), 'tenantry-partitions-'))
  place = await createPlace('dropped', {
    schema,
    module: rules.module,
    objects: [
      ...tenancyObjects(tenancy),
      ...partitioned({ ...partitions, initialFrom: '2026-01' }),
      ...rules.module.objects,
      ...moduleTableObjects(rules.module),
    ],
  })
  await place.raw(`insert into customers (id) values ('${CUSTOMER}')`)
  await place.raw(`select tenantry.ensure_partitions('usage', 3, (now() - interval '6 months')::date)`)
  // Ten rows in each of the months from five ago to two ago.
  await place.raw(
    `insert into usage (customer_id, resource, cost_cents, created_at)
     select '${CUSTOMER}', 'call', n, date_trunc('month', now(), 'UTC') - make_interval(months => 2 + n % 4) + n * interval '1 hour'
     from generate_series(0, 39) as n`,
  )
})
afterEach(async () => {
  await place.close()
  rmSync(folder, { recursive: true })
})

const run = () => rules.run(place.database, { store: directoryArchive(folder) })
const rows = () => place.raw('select id::text, cost_cents, created_at::text from usage order by 1')

describe('partitions by rule', () => {
  it('are archived, dropped and restored row for row', async () => {
    const before = await rows()
    const [report] = await run()
    expect(report).toMatchObject({
      ended: 'done',
      changed: { 'drop-partition': expect.any(Number) },
      archived: { segments: 9, rows: 30 },
    })
    expect(await rows()).toHaveLength(10)
    expect(await run()).toMatchObject([{ changed: {}, archived: { segments: 0 } }])
    await place.raw(`select tenantry.ensure_partitions('usage', 3, (now() - interval '6 months')::date)`)
    const restored = await rules.restore(place.database, { rule: 'usage', store: directoryArchive(folder) })
    expect(restored).toMatchObject({ rows: 30, restored: 30, altered: 0 })
    expect(await rows()).toEqual(before)
  })

  it('stay whole while a row is held, and the archive of a held month is never taken for a deletion', async () => {
    const before = await rows()
    const { id } = await placeHold(place.service, { tenant: CUSTOMER, reason: 'matter 12', by: 'counsel' })
    expect(await run()).toMatchObject([{ changed: {}, archived: { segments: 0 } }])
    expect(await rows()).toEqual(before)
    await releaseHold(place.service, { id, by: 'counsel', reason: 'settled' })
    await run()
    expect(await rows()).toHaveLength(10)
  })

  it('are archived with a column that the table got while earlier ones were on their way', async () => {
    const store = directoryArchive(folder)
    let recorded = 0
    await rules.run(place.database, {
      store: {
        ...store,
        async put(key, body, options) {
          const outcome = await store.put(key, body, options)
          recorded += 1
          if (recorded === 1) {
            await place.raw('alter table usage add column remark text')
            await place.raw(`update usage set remark = 'precious'`)
          }
          return outcome
        },
      },
    })
    // The first month was changed under way.
    await rules.run(place.database, { store })
    expect(await rows()).toHaveLength(10)
    await place.raw(`select tenantry.ensure_partitions('usage', 3, (now() - interval '6 months')::date)`)
    await rules.restore(place.database, { rule: 'usage', store, changedSchema: true })
    expect(await place.value(`select count(*)::int from usage where remark = 'precious'`)).toBe(40)
  })

  it('are counted by a plan', async () => {
    const [plan] = await rules.plan(place.database)
    expect(plan?.phases[0]).toMatchObject({ effect: 'drop-partition', rows: 30 })
  })

  it('go whole: a rule that chooses among their rows is refused when it is declared', () => {
    const choosing = {
      age: { column: 'createdAt', months: 2 },
      action: dropPartitions(),
    } as const
    expect(() => defineRetention(usage, { ...choosing, where: eq(usage.resource, 'call') })).toThrow(
      /goes whole/,
    )
    const keepLast = { rows: 3, per: 'customerId' } as const
    expect(() => defineRetention(usage, { ...choosing, floors: { keepLast } })).toThrow(/goes whole/)
  })
})
