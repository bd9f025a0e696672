/** A row whose own trigger raises is left alone and named by its key; the others go, and the run says so loudly. */
import { expect, it } from 'vitest'
import { describeOnServer } from '@tenantry/testing/vitest'
import { DatabaseError } from '@tenantry/core'
import { directoryArchive, RowsRefusedError } from '../src/index.ts'
import { every } from './support/every-rule.ts'
import { rules } from './support/documents.ts'
import { ALICE, seedDocuments, setup, type Setup } from './support/setup.ts'

async function guard(test: Setup, table: string, condition: string, event = 'delete'): Promise<void> {
  await test.raw(`
create function public.refuse() returns trigger language plpgsql as $$
begin
  raise exception 'secret contents: %', old;
end $$`)
  await test.raw(
    `create trigger refuse before ${event} on ${table} for each row when (${condition}) execute function public.refuse()`,
  )
}

const seedNotes = (test: Setup, rows: number) =>
  test.raw(`
insert into notes (user_id, body, created_at)
select '${ALICE}', n::text, now() - interval '100 days' + n * interval '1 minute' from generate_series(1, ${rows}) as n`)

async function refusedBy(running: Promise<unknown>): Promise<RowsRefusedError> {
  const error = await running.then(
    () => null,
    (thrown: unknown) => thrown,
  )
  expect(error).toBeInstanceOf(RowsRefusedError)
  return error as RowsRefusedError
}

describeOnServer('rows that refuse', () => {
  it('to be deleted stay, by key and without their contents; all others go, and the next run meets them again', async () => {
    await using test = await setup()
    await seedNotes(test, 300)
    await seedDocuments(test, 20)
    await guard(test, 'notes', `old.body in ('7', '155', '300')`)
    const keys = (
      await test.raw(`select id::text from notes where body in ('7', '155', '300') order by created_at`)
    ).map(([id]) => ({ id }))
    const store = directoryArchive(test.folder)
    // The rule before it isn't concerned.
    const error = await refusedBy(rules.run(test.database, { store, anyShare: true }))
    expect(await test.count('documents')).toBe(0)
    expect(error.rows.map(({ key }) => key)).toEqual(keys)
    expect(error.rows[0]?.error).toBeInstanceOf(DatabaseError)
    expect(error.message + JSON.stringify(error)).not.toContain('secret')
    expect(error.report).toMatchObject({
      ended: 'done',
      changed: { delete: 297 },
      kept: 3,
      backlog: { rows: 3 },
    })
    expect(await test.count('notes')).toBe(3)
    await test.raw('drop trigger refuse on notes')
    expect(await rules.run(test.database, { store, anyShare: true })).toMatchObject([
      {},
      { changed: { delete: 3 } },
    ])
  })

  it('to be deleted after they were archived stay, and are archived anew', async () => {
    await using test = await setup()
    await seedDocuments(test, 300)
    await guard(test, 'documents', `old.title like 'document 17 %'`)
    const [[id] = []] = await test.raw(`select id::text from documents where title like 'document 17 %'`)
    const store = directoryArchive(test.folder)
    const error = await refusedBy(rules.run(test.database, { rules: ['documents'], store }))
    expect(error.rows.map(({ key }) => key)).toEqual([{ id }])
    expect(error.report).toMatchObject({ ended: 'done', changed: { delete: 299 }, kept: 1 })
    await test.raw('drop trigger refuse on documents')
    await rules.run(test.database, { rules: ['documents'], store })
    expect(await test.count('documents')).toBe(0)
    expect(await rules.restore(test.database, { rule: 'documents', store })).toMatchObject({ restored: 300 })
  })

  it('to be marked stay unmarked', async () => {
    await using test = await setup(every, 'every')
    await seedNotes(test, 100)
    await guard(test, 'notes', `old.body = '50'`, 'update')
    const error = await refusedBy(every.run(test.database, { rules: ['notes-purge'] }))
    expect(error.report).toMatchObject({ changed: { 'soft-delete': 99 }, kept: 1 })
    expect(await test.raw('select body from notes where deleted_at is null')).toEqual([['50']])
  })

  it('by the hundred stop the run: what is wrong concerns all of them', async () => {
    await using test = await setup()
    await seedNotes(test, 1000)
    await guard(test, 'notes', 'true')
    const error = await refusedBy(rules.run(test.database, { rules: ['notes'], anyShare: true }))
    expect(error.report).toBeNull()
    expect(error.rows).toHaveLength(101)
    expect(await test.count('notes')).toBe(1000)
    // Nobody has the rule, and its run isn't at its end.
    await test.raw('drop trigger refuse on notes')
    expect(await rules.run(test.database, { rules: ['notes'], anyShare: true })).toMatchObject([
      { ended: 'done', changed: { delete: 1000 } },
    ])
  })
})
