/** What looks like an accident, or would go past a hold unseen, refuses a run before it has changed anything. */
import { describeOnServer } from '@tenantry/testing/vitest'
import { eq } from 'drizzle-orm'
import { expect, it } from 'vitest'
import { ConfigurationError, ValidationError } from '@tenantry/core'
import { defineRetention, directoryArchive, RetentionRefusedError, retention } from '../src/index.ts'
import { documents, rules, schema, tenancy } from './support/documents.ts'
import { ALICE, seedDocuments, setup, type Setup } from './support/setup.ts'

const careful = (where?: ReturnType<typeof eq>) =>
  retention({
    schema,
    tenants: tenancy.tables,
    rules: [
      defineRetention(documents, {
        age: { column: 'createdAt', days: 90 },
        action: 'delete',
        batch: { rows: 5, maxRows: 5 },
        floors: { maxFraction: 0.3 },
        ...(where === undefined ? {} : { where }),
      }),
    ],
  })

/** Of 100 old documents 20 are done with. */
async function mostlyBusy(): Promise<Setup> {
  const test = await setup()
  await seedDocuments(test, 100)
  await test.raw(`update documents set status = 'busy' where size <= 80 * 1000000007::bigint`)
  return test
}

describeOnServer('a run that is gone on with', () => {
  it('by a rule whose condition was lost meanwhile takes no more than the share of the whole run', async () => {
    await using test = await mostlyBusy()
    const done = careful(eq(documents.status, 'done'))
    expect(await done.run(test.database, { maxRows: 5 })).toMatchObject([{ changed: { delete: 5 } }])
    const [plan] = await careful().plan(test.database)
    expect(plan?.blockers).toMatchObject([
      { code: 'share', message: expect.stringContaining('100 of 100') as string },
    ])
    await expect(careful().run(test.database)).rejects.toThrow(RetentionRefusedError)
    expect(await test.count('documents')).toBe(95)
    expect(await done.run(test.database)).toMatchObject([{ ended: 'done', changed: { delete: 15 } }])
  })
})

describeOnServer('row security that hides', () => {
  const all = 'create policy everything on documents for all to tenantry_retention using (true)'

  it('rows of the table refuses the run, by any policy that is meant for everybody', async () => {
    await using test = await mostlyBusy()
    await test.raw(
      `create policy own on documents as restrictive using (title = current_setting('app.own', true))`,
    )
    const [plan] = await careful(eq(documents.status, 'done')).plan(test.database)
    expect(plan?.blockers).toMatchObject([{ code: 'row-security' }])
    await expect(careful(eq(documents.status, 'done')).run(test.database)).rejects.toThrow(
      /Row security hides/,
    )
    await test.raw('alter policy own on documents to pg_monitor')
    expect(await careful(eq(documents.status, 'done')).run(test.database)).toMatchObject([
      { changed: { delete: 20 } },
    ])
  })

  it('rows that may be held, and that others hang on, refuses the run as well', async () => {
    await using test = await mostlyBusy()
    await test.raw(`create table shelves (id integer primary key, owner text)`)
    await test.raw(`insert into shelves values (1, 'anna')`)
    await test.raw('alter table documents add column shelf integer default 1 references shelves')
    await test.raw('grant select on shelves to tenantry_retention')
    await test.raw(`insert into tenantry.legal_holds (table_name, row_key, reason, placed_by)
      values ('public.shelves', '{"id": "1"}', 'matter 1', 'counsel')`)
    const found = careful(eq(documents.status, 'done'))
    expect(await found.run(test.database)).toMatchObject([{ changed: { delete: 0 } }])
    await test.raw('alter table shelves enable row level security')
    await test.raw(`create policy own on shelves using (owner = current_setting('app.own', true))`)
    await expect(found.run(test.database)).rejects.toThrow(/shelves.*a hold on one of them/)
    expect(await test.count('documents')).toBe(100)
    await test.raw(all.replaceAll('documents', 'shelves'))
    expect(await found.run(test.database)).toMatchObject([{ changed: { delete: 0 } }])
  })
})

describeOnServer('a hold on a tenant', () => {
  it('refuses rules that were never told whose rows are', async () => {
    await using test = await setup()
    await seedDocuments(test, 10)
    await test.raw(
      `insert into tenantry.legal_holds (tenant, reason, placed_by) values ('${ALICE}', 'matter 1', 'counsel')`,
    )
    const store = directoryArchive(test.folder)
    const untold = rules.run(test.database, { rules: ['documents'], store })
    await expect(untold).rejects.toThrow(ConfigurationError)
    await expect(untold).rejects.toThrow(/`tenants`/)
    expect(await test.count('documents')).toBe(10)
  })
})

describeOnServer('a hold on a row that is written by hand', () => {
  const holding = (key: string): string =>
    `insert into tenantry.legal_holds (table_name, row_key, reason, placed_by) values ('public.shelves', '${key}', 'matter 1', 'counsel')`

  it.each([
    ['a number', 'integer', '{"id": 1}'],
    ['a number with a scale', 'numeric', '{"id": 1.00}'],
    ['true', 'boolean', '{"id": true}'],
  ])('holds it, although its key is %s', async (_what, type, key) => {
    await using test = await mostlyBusy()
    await test.raw(`create table shelves (id ${type} primary key)`)
    await test.raw(`insert into shelves values (1::text::${type})`)
    await test.raw(
      `alter table documents add column shelf ${type} default 1::text::${type} references shelves`,
    )
    await test.raw('grant select on shelves to tenantry_retention')
    await test.raw(holding(key))
    expect(await careful(eq(documents.status, 'done')).run(test.database)).toMatchObject([
      { changed: { delete: 0 } },
    ])
  })

  it.each(['{"id": null}', '{"id": ["1"]}', '{}', '["1"]', '"1"'])(
    'is refused where its key is %s: it would hold nothing',
    async (key) => {
      await using test = await setup()
      await expect(test.raw(holding(key))).rejects.toThrow(ValidationError)
    },
  )
})
