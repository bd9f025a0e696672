import { PlanLimitError } from '@tenantry/core'
import { describeOnServer } from '@tenantry/testing/vitest'
import { afterAll, beforeAll, expect, it } from 'vitest'
import { createStudio, type Studio } from './support/studio.ts'

describeOnServer('caps that change while an account is new', () => {
  let test: Studio
  beforeAll(async () => {
    test = await createStudio()
  })
  afterAll(() => test.close())

  /** Resolves when a session waits for a lock, or `done` has come to an end without. */
  async function waitingOr(done: Promise<unknown>): Promise<void> {
    let ended = false
    const end = (): void => {
      ended = true
    }
    void done.then(end, end)
    while (!ended) {
      const [[waiting] = []] = await test.raw(
        `select exists (select from pg_stat_activity where datname = current_database() and wait_event_type = 'Lock')`,
      )
      if (waiting === true) return
    }
  }

  it('hold for its first counter, which nobody could have brought up to date', async () => {
    // Of the default plan: not even a subscription has made it known.
    const account = crypto.randomUUID()
    const other = await test.connect(1)
    const first = await other.driver.session(async (session) => {
      await session.script(
        `begin; update tenantry.limit_caps set cap = 0 where plan = 'free' and feature = 'calls'`,
      )
      const call = test.limits(account).consume('calls')
      await waitingOr(call)
      await session.script('commit')
      return call.catch((error: unknown) => error)
    })
    await other.close()
    expect(first).toBeInstanceOf(PlanLimitError)
    expect(await test.used(account, 'calls')).toBeNull()
  })
})
