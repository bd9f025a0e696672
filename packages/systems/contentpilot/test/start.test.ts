import { afterAll, beforeAll, expect, test } from 'vitest'
import { type PilotDatabase, pilotDatabase } from './support/pilot.ts'

let place: PilotDatabase
beforeAll(async () => {
  place = await pilotDatabase()
})
afterAll(() => place?.close())

test('a migrated database serves a scope that sees its own rows', async () => {
  const { pilot } = place
  expect((await pilot.migrate()).applied).toEqual([])
  const [ann, ben] = await pilot.system(async (scope) => {
    const made: string[] = []
    for (const name of ['ann', 'ben']) {
      const id = crypto.randomUUID()
      await scope.db.execute(
        `insert into users (id, clerk_id, email) values ('${id}', 'clerk_${name}', '${name}@example.com')`,
      )
      made.push(id)
    }
    return made
  })
  if (ann === undefined || ben === undefined) throw new Error('no users')
  const me = pilot.as({ userId: ann })
  const pillar = await me.pillars.create({ name: 'Founder Journey', slug: 'founder_journey' })
  expect((await me.pillars.list()).items).toEqual([pillar])
  expect((await pilot.as({ userId: ben }).pillars.list()).items).toEqual([])
  await me.transaction(async ({ pillars }) => pillars.update(pillar.id, { tone: 'plain' }))
  expect(await me.pillars.get(pillar.id)).toMatchObject({ tone: 'plain' })
})
