/** Pages are asked for ahead, and guessed by the size of those before them: no row may be missed, or come twice. */
import { expect, it } from 'vitest'
import { describeOnServer } from '@tenantry/testing/vitest'
import { defineRetention, directoryArchive, retention } from '../src/index.ts'
import { documents, schema } from './support/documents.ts'
import { hooked } from './support/faults.ts'
import { ALICE, setup, type Setup } from './support/setup.ts'

const MIB = 1024 * 1024
const LARGEST = 600_000

const rulesOf = (segmentMib: number) =>
  retention({
    schema,
    rules: [
      defineRetention(documents, {
        name: 'documents',
        age: { column: 'createdAt', days: 90 },
        action: { kind: 'archive-then-delete', segmentBytes: segmentMib * MIB },
        floors: { maxFraction: null },
      }),
    ],
  })

/** Rows of about so many bytes, an expression of `n`; 500 of each moment, so that the key decides. */
async function seed(test: Setup, bytes: string, rows: number): Promise<void> {
  await test.raw(`
insert into documents (id, user_id, title, created_at)
select
  lpad(to_hex(n), 32, '0')::uuid, '${ALICE}', repeat(md5(n::text), (${bytes}) / 32),
  now() - interval '100 days' + (n / 500) * interval '1 minute'
from generate_series(1, ${rows}) as n`)
  await test.raw('analyze documents')
}

describeOnServer('an export', () => {
  it.each([
    ['of rows of one size, by age', '2000', 3000, 2, true],
    ['of rows of one size, by key', '2000', 3000, 2, false],
    [
      'with a few rows that are large, by age',
      `case when n % 700 = 1 then ${LARGEST} else 2000 end`,
      3000,
      2,
      true,
    ],
    [
      'with a few rows that are large, by key',
      `case when n % 700 = 1 then ${LARGEST} else 2000 end`,
      3000,
      2,
      false,
    ],
    [
      'with large rows, together',
      `case when n between 1700 and 1704 then ${LARGEST} else 2000 end`,
      3000,
      2,
      true,
    ],
    ['of rows that become larger', 'case when n < 2000 then 300 else 4000 end', 3000, 2, true],
    [
      'of rows that become larger, and one very large',
      `case when n < 4000 then 300 when n = 5300 then ${LARGEST} else 2500 end`,
      6000,
      32,
      true,
    ],
  ])('%s holds every row once, in objects as large as they may be', async (_what, size, rows, mib, byAge) => {
    await using test = await setup()
    await seed(test, size, rows)
    if (!byAge) await test.raw('drop index documents_created')
    const before = await test.raw('select documents::text from documents order by id')
    const [kinds, sizes]: [string[], number[]] = [[], []]
    const driver = hooked(test.database.driver, {
      before({ text }) {
        if (text.includes('string_agg(line'))
          kinds.push(text.includes('max(pg_catalog.octet_length') ? 'whole' : 'cut')
      },
    })
    const [which, store] = [rulesOf(mib), directoryArchive(test.folder)]
    const [report] = await which.run(driver, {
      store,
      onEvent: (event) => void (event.type === 'exported' && sizes.push(event.bytes)),
    })
    expect(report).toMatchObject({
      ended: 'done',
      changed: { delete: rows },
      kept: 0,
      archived: { rows },
      backlog: { rows: 0 },
    })
    expect(kinds).toContain('whole')
    expect(Math.max(...sizes)).toBeLessThan(mib * MIB + (size.includes(`${LARGEST}`) ? LARGEST + 500 : 4500))
    expect(Math.min(mib * MIB, ...sizes.slice(0, -1))).toBe(mib * MIB)
    await which.restore(test.database, { store, rule: 'documents' })
    expect(await test.raw('select documents::text from documents order by id')).toEqual(before)
  })

  it('ends at its number of rows, although more were asked for ahead', async () => {
    await using test = await setup()
    await seed(test, '2000', 3000)
    const few = retention({
      schema,
      rules: [
        defineRetention(documents, {
          age: { column: 'createdAt', days: 90 },
          action: { kind: 'archive-then-delete', segmentRows: 450 },
          floors: { maxFraction: null },
        }),
      ],
    })
    const [report] = await few.run(test.database, { store: directoryArchive(test.folder) })
    expect(report).toMatchObject({ changed: { delete: 3000 }, archived: { segments: 7 } })
    expect(await test.raw('select row_count from tenantry.archive_segments order by sequence')).toEqual([
      ...Array.from({ length: 6 }, () => ['450']),
      ['300'],
    ])
  })
})
