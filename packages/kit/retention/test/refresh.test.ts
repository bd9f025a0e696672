import { connect, type Job } from '@tenantry/core'
import { describeOnServer } from '@tenantry/testing/vitest'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { tenancyObjects } from '@tenantry/rls'
import { partitioned } from '@tenantry/ddl'
import { refreshedView } from '../src/index.ts'
import { createPlace, type Place } from './support/firm-place.ts'
import { partitions, schema, tenancy } from './support/metered.ts'

const module = refreshedView({
  name: 'costs',
  query: 'select customer_id, sum(cost_cents) as cost_cents from public.usage group by 1',
  key: ['customer_id'],
  schedule: '*/5 * * * *',
})
const [job] = module.jobs as readonly [Job]

const CUSTOMER = '00000000-0000-4000-8000-00000000000c'

let place: Place
beforeEach(async () => {
  place = await createPlace('refreshed', {
    schema,
    module,
    objects: [...tenancyObjects(tenancy), ...partitioned(partitions), ...module.objects],
  })
  await place.raw(`insert into customers (id) values ('${CUSTOMER}')`)
})
afterEach(() => place.close())

const spend = (cents: number) =>
  place.raw(`insert into usage (customer_id, resource, cost_cents) values ('${CUSTOMER}', 'call', ${cents})`)
const refresh = () => place.database.driver.session((connection) => job.run(connection))
const shown = () => place.value('select cost_cents::int from costs')

describe('a refreshed view', () => {
  it('is filled by the first run, and renewed by each later one', async () => {
    await spend(1)
    expect(await refresh()).toMatchObject({ changed: 1 })
    expect(await shown()).toBe(1)
    await spend(2)
    expect(await shown()).toBe(1)
    await refresh()
    expect(await shown()).toBe(3)
  })

  it('as SQL alone does the same, for pg_cron', async () => {
    await spend(1)
    await place.database.driver.session((connection) => connection.script(job.sql ?? ''))
    expect(await shown()).toBe(1)
  })

  it('is for the service role alone, to read and to refresh', async () => {
    await refresh()
    for (const text of ['select * from costs', 'select refresh_costs()', 'refresh materialized view costs']) {
      await expect(
        place.database.driver.transaction({}, async (connection) => {
          await connection.script('set local role tenantry_tenant')
          await connection.query({ text, params: [] })
        }),
      ).rejects.toMatchObject({ code: 'TENANTRY_ISOLATION' })
    }
  })
})

describeOnServer('several at once', () => {
  it('one refreshes, the others leave it to that one at once, and readers read the old rows meanwhile', async () => {
    await spend(1)
    await refresh()
    await spend(2)
    const other = await connect(place.url)
    const refreshed = signal()
    const commit = signal()
    const holding = other.driver.transaction({}, async (connection) => {
      await connection.script('set local role tenantry_service')
      await connection.query({ text: 'select refresh_costs()', params: [] })
      refreshed.resolve()
      await commit.promise
    })
    await refreshed.promise
    expect(await refresh()).toMatchObject({ changed: 0 })
    expect(await shown()).toBe(1)
    commit.resolve()
    await holding
    expect(await shown()).toBe(3)
    await other.close()
  })

  it('a run whose backend is killed is in nobody’s way', async () => {
    await refresh()
    const other = await connect(place.url)
    const begun = signal()
    const dying = other.driver
      .transaction({}, async (connection) => {
        await connection.script('set local role tenantry_service')
        await connection.query({ text: 'select refresh_costs()', params: [] })
        const { rows } = await connection.query({ text: 'select pg_backend_pid()', params: [] })
        await place.raw('select pg_terminate_backend($1::int)', rows[0]?.[0])
        begun.resolve()
        await connection.query({ text: 'select 1', params: [] })
      })
      .catch(() => {})
    await begun.promise
    await dying
    await other.close()
    await spend(5)
    await expect.poll(refresh).toMatchObject({ changed: 1 })
    expect(await shown()).toBe(5)
  })
})

function signal(): { readonly promise: Promise<void>; resolve(): void } {
  let resolve = (): void => {}
  const promise = new Promise<void>((settle) => (resolve = settle))
  return { promise, resolve }
}
