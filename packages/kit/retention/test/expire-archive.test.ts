/** What was archived leaves the store in the end, and not before. */
import { describeOnServer } from '@tenantry/testing/vitest'
import { expect, it } from 'vitest'
import { defineRetention, directoryArchive, expireArchive, retention } from '../src/index.ts'
import { documents, schema, tenancy } from './support/documents.ts'
import { seedDocuments, setup } from './support/setup.ts'

const archived = defineRetention(documents, {
  name: 'documents',
  age: { column: 'createdAt', days: 90 },
  action: { kind: 'archive-then-delete', segmentRows: 100 },
  floors: { maxFraction: null },
})
const rules = retention({
  schema,
  tenants: tenancy.tables,
  rules: [archived, expireArchive(archived, { years: 6 })],
})
const of = { rules: ['documents_archive'] }

async function archive() {
  const test = await setup(rules, 'documents_archive')
  const store = directoryArchive(test.folder)
  await seedDocuments(test, 250)
  await rules.run(test.database, { rules: ['documents'], store })
  return {
    ...test,
    store,
    run: async () => (await rules.run(test.database, { ...of, store }))[0],
    /** Of the objects, the two oldest are as old as they may become. */
    age: async () => {
      const table = 'tenantry.archive_segments'
      await test.raw(
        `update ${table} set created_at = now() - interval '6 years 1 minute' where sequence <= 2`,
      )
    },
    objects: async () => {
      const keys: string[] = []
      for await (const { key } of store.list('')) keys.push(key)
      return keys.length
    },
    [Symbol.asyncDispose]: () => test.close(),
  }
}

describeOnServer('an archive', () => {
  it('loses the objects that are old enough, with their rows in the manifest, and no others', async () => {
    await using test = await archive()
    expect(await test.run()).toMatchObject({ ended: 'done', changed: { expire: 0 } })
    await test.age()
    expect((await rules.plan(test.database, of))[0]?.phases).toMatchObject([{ effect: 'expire', rows: 2 }])
    expect(await test.run()).toMatchObject({ ended: 'done', changed: { expire: 2 } })
    expect([await test.objects(), await test.count('tenantry.archive_segments')]).toEqual([1, 1])
    expect(await rules.restore(test.database, { store: test.store, rule: 'documents' })).toMatchObject({
      restored: 50,
    })
  })

  it('is kept whole while anything is held', async () => {
    await using test = await archive()
    await test.age()
    await test.raw(
      `insert into tenantry.legal_holds (reason, placed_by, tenant) values ('matter 7', 'counsel', gen_random_uuid()::text)`,
    )
    expect((await rules.plan(test.database, of))[0]?.phases).toMatchObject([{ rows: 0 }])
    expect(await test.run()).toMatchObject({ changed: { expire: 0 } })
    expect(await test.objects()).toBe(3)
    await test.raw(
      `update tenantry.legal_holds set released_at = now(), released_by = 'counsel', release_reason = 'settled'`,
    )
    expect(await test.run()).toMatchObject({ changed: { expire: 2 } })
  })

  it('goes on where a run was killed between object and manifest', async () => {
    await using test = await archive()
    await test.age()
    const [[key] = []] = await test.raw('select key from tenantry.archive_segments order by sequence limit 1')
    await test.store.remove(String(key))
    expect(await test.run()).toMatchObject({ changed: { expire: 2 } })
    expect([await test.objects(), await test.count('tenantry.archive_segments')]).toEqual([1, 1])
  })

  it('stays where a store that fails keeps the object', async () => {
    await using test = await archive()
    await test.age()
    const failing = {
      ...test.store,
      remove: async () => {
        throw new Error('access denied')
      },
    }
    await expect(rules.run(test.database, { ...of, store: failing })).rejects.toThrow('access denied')
    expect([await test.objects(), await test.count('tenantry.archive_segments')]).toEqual([3, 3])
  })
})
