/** The whole job on a server: plan, archive, delete, restore. */
import { readdir } from 'node:fs/promises'
import { connect } from '@tenantry/core'
import { expect, it } from 'vitest'
import { describeOnServer } from '@tenantry/testing/vitest'
import { directoryArchive, type RetentionEvent } from '../src/index.ts'
import { rules } from './support/documents.ts'
import { hooked } from './support/faults.ts'
import { seedDocuments, setup } from './support/setup.ts'

describeOnServer('archive-then-delete', () => {
  it('moves what is old enough into objects, and nothing else; restore brings every value back', async () => {
    await using test = await setup()
    await seedDocuments(test, 1000, 20)
    await test.raw(`update documents set status = 'busy' where title like 'document 7 %'`)
    const before = await test.raw('select documents::text from documents order by id')
    const store = directoryArchive(test.folder)
    const events: RetentionEvent[] = []
    const [plan] = await rules.plan(test.database, { rules: ['documents'] })
    expect(plan).toMatchObject({ tableRows: 1020, phases: [{ effect: 'delete', rows: 999 }] })
    const [report] = await rules.run(test.database, {
      store,
      rules: ['documents'],
      onEvent: (event) => events.push(event),
    })
    expect(report).toMatchObject({
      ended: 'done',
      changed: { delete: 999 },
      kept: 0,
      archived: { segments: 3, rows: 999 },
      backlog: { rows: 0, secondsToFinish: 0 },
    })
    expect(await test.count('documents')).toBe(21)
    expect(await test.count('tenantry.archive_segments')).toBe(3)
    expect(
      (await readdir(test.folder, { recursive: true })).filter((name) => name.endsWith('.gz')),
    ).toHaveLength(3)
    expect(new Set(events.map(({ type }) => type))).toEqual(
      new Set(['started', 'exported', 'verified', 'recorded', 'batch', 'ended']),
    )
    const restored = await rules.restore(test.database, { store, rule: 'documents' })
    expect(restored).toEqual({
      segments: 3,
      rows: 999,
      restored: 999,
      present: 0,
      absent: 0,
      absentKeys: [],
      altered: 0,
    })
    expect(await test.raw('select documents::text from documents order by id')).toEqual(before)
    expect(await rules.restore(test.database, { store, rule: 'documents' })).toMatchObject({
      restored: 0,
      present: 999,
    })
  })

  it('plans each batch by its values: a plan for any would look a line up among all others, one by one', async () => {
    await using test = await setup()
    await seedDocuments(test, 2000)
    const database = await connect({ url: test.url, maxConnections: 1 })
    try {
      await rules.run(database, { rules: ['documents'], store: directoryArchive(test.folder) })
      const { rows: plans } = await database.driver.query({
        text: `
select max(custom_plans) > 8, max(generic_plans)
from pg_prepared_statements
where statement like '%string_to_array%' and statement like '%delete from%'`,
        params: [],
      })
      expect(plans).toEqual([[true, '0']])
    } finally {
      await database.close()
    }
  })

  it('makes no more lines than a page may have, whatever rows are large, from one object to the next', async () => {
    await using test = await setup()
    await seedDocuments(test, 200)
    await test.raw(`update documents set title = repeat('x', 200000)`)
    const asked: number[] = []
    const driver = hooked(test.database.driver, {
      before({ text, params }) {
        if (text.includes('string_agg(line')) asked.push(Number(params[2]))
      },
    })
    const store = directoryArchive(test.folder)
    const [report] = await rules.run(driver, { rules: ['documents'], store })
    expect(report).toMatchObject({ changed: { delete: 200 } })
    expect(report?.archived.segments).toBeGreaterThan(2)
    const [first, ...later] = asked
    expect(first).toBe(100)
    expect(Math.max(...later)).toBeLessThanOrEqual(2)
  })
})
