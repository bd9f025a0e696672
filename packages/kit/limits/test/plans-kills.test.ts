/** Sessions killed at random: whatever a caller was told, the counters add up, and a retried key is one effect. */
import { ConnectionError, type Database, TenantryError } from '@tenantry/core'
import { describeOnServer } from '@tenantry/testing/vitest'
import { afterAll, beforeAll, expect, it } from 'vitest'
import { createStudio, plans, type Studio } from './support/studio.ts'

const WORKERS = 6
const PIECES = 30

describeOnServer('sessions that die', () => {
  let test: Studio
  let victim: Database
  beforeAll(async () => {
    test = await createStudio()
    victim = await test.connect(WORKERS)
  })
  afterAll(async () => {
    await victim.close()
    await test.close()
  })

  /** Until the call is answered: every call has a key, so it is safe to repeat. */
  async function persistently<T>(call: () => Promise<T>): Promise<T> {
    for (;;) {
      try {
        return await call()
      } catch (error) {
        if (!(error instanceof TenantryError && error.retryable)) throw error
        if (error instanceof ConnectionError) lost += 1
      }
    }
  }
  let lost = 0

  it('leave holds that add up and run out, and no effect twice', async () => {
    const account = await test.subscribe('agency')
    const limits = plans.bind(test.as(account, victim))
    let working = true
    const killer = (async () => {
      while (working) {
        await test.raw(
          `select pg_terminate_backend(pid) from pg_stat_activity
          where datname = current_database() and pid <> pg_backend_pid() and backend_type = 'client backend'
          order by random() limit 1`,
        )
        await new Promise((next) => setTimeout(next, 15))
      }
    })()
    let committed = 0
    await Promise.all(
      Array.from({ length: WORKERS }, async (_, worker) => {
        for (let piece = 0; piece < PIECES; piece++) {
          const key = `${worker} ${piece}`
          await persistently(() => limits.consume('posts', 2, { key: `consume ${key}` }))
          const hold = await persistently(() =>
            limits.hold('spend', 1, { key: `hold ${key}`, ttlMs: 60_000 }),
          )
          // Every third dies before it says what became of its work.
          if (piece % 3 === 0) continue
          await persistently(() => limits.commit(hold, 0.5))
          committed += 1
        }
      }),
    ).finally(() => (working = false))
    await killer
    expect(lost).toBeGreaterThan(0)

    const counter = async (feature: string) =>
      (
        await test.raw(
          'select used::float8, reserved::float8, overage::float8 from tenantry.limit_counters where account = $1 and feature = $2',
          account,
          feature,
        )
      )[0]
    expect(await counter('posts')).toEqual([2 * WORKERS * PIECES, 0, 0])
    expect(await counter('spend')).toEqual([committed * 0.5, WORKERS * PIECES - committed, 0])
    await test.raw(`update tenantry.limit_holds set expires_at = now() where state = 'pending'`)
    await test.raw('select tenantry.limit_expire(1000)')
    expect(await counter('spend')).toEqual([committed * 0.5, 0, 0])
  })
})
