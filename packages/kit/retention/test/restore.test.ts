/** What comes back from an archive, in every format and for every type. */
import { IS_RESTORED } from '@tenantry/ddl'
import { expect, it } from 'vitest'
import { describeOnServer } from '@tenantry/testing/vitest'
import { defineRetention, directoryArchive, retention, SchemaChangedError } from '../src/index.ts'
import { documents, rules, schema } from './support/documents.ts'
import { ALICE, seedDocuments, setup, type Setup } from './support/setup.ts'

const asParquet = retention({
  schema,
  rules: [
    defineRetention(documents, {
      name: 'documents',
      age: { column: 'createdAt', days: 90 },
      action: { kind: 'archive-then-delete', format: 'parquet', segmentRows: 400 },
      floors: { maxFraction: null },
    }),
  ],
})

/** Values at the edges of their types, and texts that could break a line, a quote or a literal. */
async function seedEdges(test: Setup): Promise<void> {
  await test.raw(`
insert into documents (
  user_id, title, size, price, content, details, tags, numbers, weight, flag, seen_at, code, embedding, created_at
)
select
  '${ALICE}', title, size, price, content, details::jsonb, tags, numbers, weight, flag, seen_at, code,
  embedding::vector, now() - interval '1 year' - n * interval '1 microsecond'
from (values
  (1, 'plain', 9223372036854775807, 'NaN'::numeric, '\\x00ff'::bytea, '{"a": 1e400}', array['a', 'null', null, '', 'a,b"c\\d{}'], array[1, null], 'NaN'::float8, true, 'infinity'::timestamptz, 'x', '[1,2.5,-3e-8]'),
  (2, E'line\\nbreak\\ttab\\r\\f\\b\\x7f\\x01', -9223372036854775808, 'Infinity', '', '"text"', '{}', '{}', '-Infinity', false, '-infinity', '', '[0,0,0]'),
  (3, '"quoted" \\ back $1 $$ ''single'' ü 漢 🙂 \\u0000 \\n', 0, 123456789012345678901234567890.123456789, null, 'null', null, null, 0.1 + 0.2, null, '2001-02-03 04:05:06.789012+13', null, null),
  (4, '', null, -0.00, '\\x', '[]', array['{', '}'], array[-2147483648, 2147483647], '-0', true, '0044-03-15 BC', '            ', '[1e-38,3.4e38,1]'),
  (5, '[null,"x"]', 1, 1e-20, '\\x5c6e', '{"z": {"b": null, "a": [true]}}', array[null], array[null::int], 5e-324, false, '294276-12-31 23:59:59.999999+00', 'é', '[0.1,0.2,0.3]')
) as edge (n, title, size, price, content, details, tags, numbers, weight, flag, seen_at, code, embedding)`)
}

const contents = (test: Setup, table = 'documents') =>
  test.raw(`select row(t.*)::text from ${table} as t order by id`)

describeOnServer('restored rows', () => {
  it.each([
    ['JSON Lines', rules],
    ['Parquet', asParquet],
  ])('are the same to the bit: %s', async (_format, which) => {
    await using test = await setup()
    await seedEdges(test)
    await seedDocuments(test, 500)
    const before = await contents(test)
    expect(before.some(([row]) => String(row).includes('NaN'))).toBe(true)
    const store = directoryArchive(test.folder)
    const [report] = await which.run(test.database, { rules: ['documents'], store })
    expect(report).toMatchObject({ changed: { delete: 505 }, kept: 0, archived: { segments: 2 } })
    expect(await test.count('documents')).toBe(0)
    expect(await which.restore(test.database, { store, rule: 'documents' })).toMatchObject({
      restored: 505,
      altered: 0,
    })
    expect(await contents(test)).toEqual(before)
  })

  it('can go into another table, and be told apart where a trigger changed them', async () => {
    await using test = await setup()
    await seedDocuments(test, 100)
    const before = await contents(test)
    const store = directoryArchive(test.folder)
    await rules.run(test.database, { rules: ['documents'], store })
    await test.raw('create table looked_at (like documents including all)')
    await test.raw('grant select, insert on looked_at to tenantry_service')
    const into = { name: 'looked_at' }
    expect(await rules.restore(test.database, { store, rule: 'documents', into })).toMatchObject({
      restored: 100,
    })
    expect(await contents(test, 'looked_at')).toEqual(before)
    expect(await test.count('documents')).toBe(0)
    await test.raw('truncate looked_at')
    await test.raw(
      `create function shout() returns trigger language plpgsql as 'begin new.title := upper(new.title); return new; end'`,
    )
    await test.raw('create trigger shout before insert on looked_at for each row execute function shout()')
    expect(await rules.restore(test.database, { store, rule: 'documents', into })).toMatchObject({
      restored: 100,
      altered: 100,
    })
  })

  it('come back past the triggers that let no new row be what they are', async () => {
    await using test = await setup()
    await seedDocuments(test, 10)
    const store = directoryArchive(test.folder)
    await rules.run(test.database, { rules: ['documents'], store })
    await test.raw(
      `create function begins_empty() returns trigger language plpgsql as $$ begin if not ${IS_RESTORED} then raise exception 'not so'; end if; return new; end $$`,
    )
    await test.raw(
      'create trigger begins_empty before insert on documents for each row execute function begins_empty()',
    )
    await expect(
      test.raw(`insert into documents (user_id, title) values ('${ALICE}', 'new')`),
    ).rejects.toThrow()
    expect(await rules.restore(test.database, { store, rule: 'documents' })).toMatchObject({ restored: 10 })
  })

  it('are not taken for present where another row, or a trigger, kept them out', async () => {
    await using test = await setup()
    await seedDocuments(test, 100)
    await test.raw(`update documents set code = left(md5(title), 12)`)
    const [[taken, code] = []] = await test.raw(
      `select id::text, code from documents where title like 'document 3 %'`,
    )
    const [[kept] = []] = await test.raw(`select id::text from documents where title like 'document 4 %'`)
    const store = directoryArchive(test.folder)
    await rules.run(test.database, { rules: ['documents'], store })
    await test.raw('alter table documents add unique (code)')
    await test.raw(`insert into documents (user_id, title, code) values ('${ALICE}', 'new', $1)`, code)
    await test.raw(`create function skip() returns trigger language plpgsql as $$ begin return null; end $$`)
    await test.raw(
      `create trigger skip before insert on documents for each row when (new.title like 'document 4 %') execute function skip()`,
    )
    const first = await rules.restore(test.database, { store, rule: 'documents' })
    expect(first).toMatchObject({ rows: 100, restored: 98, present: 0, absent: 2 })
    expect(first.absentKeys.map(({ id }) => id).toSorted()).toEqual([taken, kept].toSorted())
    await test.raw('drop trigger skip on documents')
    expect(await rules.restore(test.database, { store, rule: 'documents' })).toMatchObject({
      restored: 1,
      present: 98,
      absent: 1,
      absentKeys: [{ id: taken }],
    })
    await test.raw(`delete from documents where title = 'new'`)
    expect(await rules.restore(test.database, { store, rule: 'documents' })).toMatchObject({
      restored: 1,
      present: 99,
      absent: 0,
    })
  })

  it('are chosen by segment', async () => {
    await using test = await setup()
    await seedDocuments(test, 1000)
    const store = directoryArchive(test.folder)
    await rules.run(test.database, { rules: ['documents'], store })
    const [[segment] = []] = await test.raw(
      'select id::text from tenantry.archive_segments where sequence = 2',
    )
    expect(await rules.restore(test.database, { store, segments: [String(segment)] })).toMatchObject({
      segments: 1,
      restored: 400,
    })
  })
})

describeOnServer('a table that has changed since', () => {
  it('is not one that another session finds by another search path', async () => {
    await using test = await setup()
    await seedDocuments(test, 50)
    await test.raw('create schema kinds')
    await test.raw('grant usage on schema kinds to tenantry_retention, tenantry_service')
    await test.raw(`create type kinds.mood as enum ('calm', 'wild')`)
    await test.raw(`alter table documents add column mood kinds.mood default 'wild'`)
    const store = directoryArchive(test.folder)
    const name = new URL(test.url).pathname.slice(1)
    await test.raw(`alter database "${name}" set search_path = kinds, public`)
    await rules.run(await test.other(), { rules: ['documents'], store })
    await test.raw(`alter database "${name}" set search_path = ''`)
    const { restored, altered } = await rules.restore(await test.other(), { rule: 'documents', store })
    expect({ restored, altered }).toEqual({ restored: 50, altered: 0 })
    expect(await test.count(`documents where mood = 'wild'`)).toBe(50)
  })

  it.each<readonly [string, string, RegExp]>([
    ['lost a column', 'alter table documents drop column code', /code is gone/],
    ['has a new one', 'alter table documents add column extra text', /extra is new/],
    [
      'has another type',
      'alter table documents alter column code type text',
      /code was character varying\(12\) and is text/,
    ],
    [
      'takes no null any more',
      'alter table documents alter column code set not null',
      /code may no longer be null/,
    ],
  ])('and %s is refused; nothing is restored unless that is wanted', async (_what, change, message) => {
    await using test = await setup()
    await seedDocuments(test, 50)
    await test.raw(`update documents set code = 'c'`)
    const store = directoryArchive(test.folder)
    await rules.run(test.database, { rules: ['documents'], store })
    await test.raw(change)
    const restoring = rules.restore(test.database, { store, rule: 'documents' })
    await expect(restoring).rejects.toThrow(SchemaChangedError)
    await expect(restoring).rejects.toThrow(message)
    expect(await test.count('documents')).toBe(0)
    expect(
      await rules.restore(test.database, { store, rule: 'documents', changedSchema: true }),
    ).toMatchObject({ restored: 50 })
    expect(await test.count(`documents where title like 'document%'`)).toBe(50)
  })
})
