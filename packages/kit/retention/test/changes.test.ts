/** Rows that change, arrive or are held between export and deletion stay. */
import { expect, it, vi } from 'vitest'
import { describeOnServer } from '@tenantry/testing/vitest'
import { serviceExecutor } from '@tenantry/rls'
import { type ArchiveStore, directoryArchive, placeHold, releaseHold, retention } from '../src/index.ts'
import { documentRule, documents, noteRule, notes, rules, schema, tenancy } from './support/documents.ts'
import { hooked, storeWith } from './support/faults.ts'
import { ALICE, seedDocuments, setup, type Setup } from './support/setup.ts'

/** Something happens when the first object has been stored, before anything is deleted. */
function afterUpload(test: Setup, happen: () => Promise<unknown>): ArchiveStore {
  const store = directoryArchive(test.folder)
  let done = false
  return storeWith(store, {
    async put(key, body, options) {
      const outcome = await store.put(key, body, options)
      if (!done) await happen()
      done = true
      return outcome
    },
  })
}

const titleOf = (n: number): string => `title like 'document ${n} %'`

describeOnServer('between export and deletion', () => {
  it('a row that was updated stays, and is archived anew by the next run; restore brings the version that went', async () => {
    await using test = await setup()
    await seedDocuments(test, 200)
    const store = afterUpload(test, () =>
      test.raw(`update documents set price = 42 where ${titleOf(5)} or ${titleOf(6)}`),
    )
    const [first] = await rules.run(test.database, { rules: ['documents'], store })
    expect(first).toMatchObject({ ended: 'done', changed: { delete: 198 }, kept: 2 })
    expect(await test.count(`documents where price = 42`)).toBe(2)
    const [second] = await rules.run(test.database, { rules: ['documents'], store })
    expect(second).toMatchObject({ changed: { delete: 2 }, kept: 0 })
    expect(await test.count('documents')).toBe(0)
    expect(await rules.restore(test.database, { rule: 'documents', store })).toMatchObject({
      rows: 200,
      restored: 200,
    })
    expect(await test.count('documents where price = 42')).toBe(2)
  })

  it('a row that left the rule, or became younger, stays', async () => {
    await using test = await setup()
    await seedDocuments(test, 200)
    const store = afterUpload(test, () =>
      test.raw(`update documents set status = 'busy' where ${titleOf(5)}`),
    )
    await rules.run(test.database, { rules: ['documents'], store })
    expect(await test.count('documents')).toBe(1)
  })

  it('a row that another transaction is changing stays, whatever becomes of it', async () => {
    await using test = await setup()
    await seedDocuments(test, 200)
    const other = await test.other()
    let finish = (): void => {}
    const held = new Promise<void>((resolve) => (finish = resolve))
    let changing: Promise<unknown> = Promise.resolve()
    const store = afterUpload(test, () => {
      let locked = (): void => {}
      const ready = new Promise<void>((resolve) => (locked = resolve))
      changing = other.driver.transaction({}, async (connection) => {
        await connection.query({ text: `update documents set price = 43 where ${titleOf(9)}`, params: [] })
        locked()
        await held
      })
      return ready
    })
    const [report] = await rules.run(test.database, { rules: ['documents'], store })
    expect(report).toMatchObject({ ended: 'done', changed: { delete: 199 }, kept: 1 })
    finish()
    await changing
    expect(await test.count('documents where price = 43')).toBe(1)
  })

  it('a row that was inserted below the cut-off stays', async () => {
    await using test = await setup()
    await seedDocuments(test, 200)
    const store = afterUpload(test, () =>
      test.raw(
        `insert into documents (user_id, title, created_at) values ('${ALICE}', 'late', now() - interval '1 year')`,
      ),
    )
    const [report] = await rules.run(test.database, { rules: ['documents'], store })
    expect(report).toMatchObject({ ended: 'done', changed: { delete: 200 }, backlog: { rows: 1 } })
    expect(await test.count(`documents where title = 'late'`)).toBe(1)
  })

  it('a row that is put on hold stays from the moment on which the hold is placed, and goes when it is released', async () => {
    await using test = await setup()
    await seedDocuments(test, 200)
    const service = serviceExecutor(test.database)
    const [[id] = []] = await test.raw(`select id::text from documents where ${titleOf(17)}`)
    let hold = ''
    const store = afterUpload(test, async () => {
      const placed = await placeHold(service, {
        table: documents,
        row: { id },
        reason: 'matter 17',
        by: 'counsel',
      })
      hold = placed.id
    })
    const [report] = await rules.run(test.database, { rules: ['documents'], store })
    expect(report).toMatchObject({ ended: 'done', changed: { delete: 199 }, kept: 1 })
    expect(await test.count('documents')).toBe(1)
    expect(await rules.run(test.database, { rules: ['documents'], store })).toMatchObject([{ changed: {} }])
    await releaseHold(service, { id: hold, reason: 'settled', by: 'counsel' })
    expect(await rules.run(test.database, { rules: ['documents'], store })).toMatchObject([
      { changed: { delete: 1 } },
    ])
  })

  it('a hold on a tenant keeps all of their rows; a hold on what hangs on a row keeps the row', async () => {
    await using test = await setup()
    await seedDocuments(test, 200)
    const service = serviceExecutor(test.database)
    const withTenants = retention({ rules: [documentRule, noteRule], schema, tenants: tenancy.tables })
    const store = directoryArchive(test.folder)
    await test.raw(
      `insert into notes (user_id, document_id, body) select user_id, id, 'held' from documents where ${titleOf(3)}`,
    )
    await placeHold(service, { table: notes, reason: 'matter', by: 'counsel' })
    await placeHold(service, { tenant: ALICE, reason: 'matter', by: 'counsel' })
    const [plan] = await withTenants.plan(test.database, { rules: ['documents'] })
    const [report] = await withTenants.run(test.database, { rules: ['documents'], store })
    expect(plan?.phases).toMatchObject([{ rows: 99 }])
    expect(report).toMatchObject({ changed: { delete: 99 }, kept: 0 })
    expect(await test.count(`documents where user_id = '${ALICE}'`)).toBe(100)
    expect(await test.count(`documents where ${titleOf(3)}`)).toBe(1)
  })
})

describeOnServer('a table that is altered between export and deletion', () => {
  const precious = `update documents set extra = 'precious'`

  it('keeps the rows of what was exported before it had a further column', async () => {
    await using test = await setup()
    await seedDocuments(test, 200)
    const store = afterUpload(test, async () => {
      await test.raw('alter table documents add column extra text')
      await test.raw(precious)
    })
    await expect(rules.run(test.database, { rules: ['documents'], store })).rejects.toThrow(/extra is new/)
    expect(await test.count('documents')).toBe(200)
    await rules.run(test.database, { rules: ['documents'], store })
    await rules.run(test.database, { rules: ['documents'], store })
    expect(await test.count('documents')).toBe(0)
    await rules.restore(test.database, { rule: 'documents', store, changedSchema: true })
    expect(await test.count(`documents where extra = 'precious'`)).toBe(200)
  })

  it.each<readonly [string, string, string]>([
    ['got a further column', 'alter table documents add column extra text', precious],
    ['lost a column', 'alter table documents drop column code', 'select'],
  ])('and %s: a run that is gone on with leaves those rows to the next', async (_what, change, write) => {
    await using test = await setup()
    await seedDocuments(test, 200)
    const store = directoryArchive(test.folder)
    await rules.run(test.database, { rules: ['documents'], store, maxRows: 1 })
    const left = await test.count('documents')
    await test.raw(change)
    await test.raw(write)
    const [resumed] = await rules.run(test.database, { rules: ['documents'], store })
    expect(resumed).toMatchObject({ ended: 'done', changed: { delete: 0 }, kept: left })
    const [next] = await rules.run(test.database, { rules: ['documents'], store })
    expect(next).toMatchObject({ ended: 'done', changed: { delete: left }, kept: 0 })
    const restored = await rules.restore(test.database, { rule: 'documents', store, changedSchema: true })
    expect(restored).toMatchObject({ restored: 200 })
    if (write === precious) expect(await test.count(`documents where extra = 'precious'`)).toBe(left)
  })

  it('is refused when others inherit from it, whose rows and columns would go unseen', async () => {
    await using test = await setup()
    await seedDocuments(test, 10)
    await test.raw('create table letters (address text) inherits (documents)')
    const store = directoryArchive(test.folder)
    await expect(rules.run(test.database, { rules: ['documents'], store })).rejects.toThrow(/inherit/)
    await expect(rules.plan(test.database, { rules: ['documents'] })).rejects.toThrow(/inherit/)
  })
})

describeOnServer('a row that something refers to', () => {
  it('stays, without stopping the others, whether the role may see what refers to it or not', async () => {
    await using test = await setup()
    await seedDocuments(test, 200)
    await test.raw(`
insert into notes (user_id, document_id, body)
select user_id, id, 'refers' from documents where ${titleOf(3)} or ${titleOf(150)}`)
    await test.raw('revoke select on notes from tenantry_retention')
    const store = directoryArchive(test.folder)
    const [blind] = await rules.run(test.database, { rules: ['documents'], store })
    expect(blind).toMatchObject({ ended: 'done', changed: { delete: 198 }, kept: 2 })
    await test.raw('grant select on notes to tenantry_retention')
    const [plan] = await rules.plan(test.database, { rules: ['documents'] })
    expect(plan).toMatchObject({
      phases: [{ rows: 0 }],
      references: [{ table: 'public.notes', onDelete: 'no action', indexed: true }],
    })
    const [seeing] = await rules.run(test.database, { rules: ['documents'], store })
    expect(seeing).toMatchObject({ ended: 'done', changed: {}, archived: { segments: 0 } })
  })
})

describeOnServer('the clock', () => {
  it.each([
    ['ahead', 1],
    ['behind', -1],
  ])("is the database's: a host a day %s deletes the same rows", async (_where, days) => {
    await using test = await setup()
    await seedDocuments(test, 50)
    await test.raw(`
insert into documents (user_id, title, created_at)
values
  ('${ALICE}', 'almost', now() - interval '90 days' + interval '1 hour'),
  ('${ALICE}', 'just', now() - interval '90 days' - interval '1 hour')`)
    vi.useFakeTimers({ toFake: ['Date'], now: Date.now() + days * 86_400_000 })
    try {
      const [report] = await rules.run(test.database, {
        rules: ['documents'],
        store: directoryArchive(test.folder),
      })
      expect(report).toMatchObject({ changed: { delete: 51 } })
    } finally {
      vi.useRealTimers()
    }
    expect(await test.count(`documents where title = 'almost'`)).toBe(1)
  })

  it('was read once: a run ends although rows are inserted and grow old all the time', async () => {
    await using test = await setup()
    await seedDocuments(test, 300)
    const other = await test.other()
    const insert = hooked(test.database.driver, {
      async after({ text }) {
        if (!text.includes('= any (pg_catalog.string_to_array')) return
        await other.driver.query({
          text: `
insert into documents (user_id, title, created_at)
select '${ALICE}', 'arriving', now() - interval '90 days' from generate_series(1, 200)`,
          params: [],
        })
      },
    })
    const [report] = await rules.run(insert, { rules: ['documents'], store: directoryArchive(test.folder) })
    expect(report).toMatchObject({ ended: 'done', changed: { delete: 300 }, backlog: { rows: 0 } })
    expect(await test.count('documents')).toBeGreaterThanOrEqual(400)
  })
})
