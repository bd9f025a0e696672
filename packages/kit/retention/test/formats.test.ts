/** Lines into objects and back, for any text; and as PostgreSQL itself writes them. */
import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { describeOnServer } from '@tenantry/testing/vitest'
import { type ArchiveFormat, formats } from '../src/format/format.ts'
import { lineEnds, textOf } from '../src/format/lines.ts'
import { setup } from './support/setup.ts'

/** What a text column can hold: no NUL, no half of a character. */
const text = fc.string({ unit: 'binary', maxLength: 40 }).map((value) => value.replaceAll('\0', ''))
const rows = fc.integer({ min: 1, max: 4 }).chain((width) =>
  fc.array(fc.array(fc.option(text), { minLength: width, maxLength: width }), {
    minLength: 1,
    maxLength: 20,
  }),
)

function encoded(
  format: ArchiveFormat,
  parts: readonly Uint8Array[],
  columns: readonly string[],
): Promise<Uint8Array> {
  const encoder = format.encoder(columns)
  for (const part of parts) encoder.write(part)
  return encoder.end()
}

describe.each(Object.values(formats))('$name', (format) => {
  it('gives back what it was given', async () => {
    await fc.assert(
      fc.asyncProperty(rows, async (table) => {
        const columns = (table[0] ?? []).map((_, index) => (index === 0 ? '1' : `column "${index}"`))
        const content = Buffer.from(table.map((row) => `${JSON.stringify(row)}\n`).join(''))
        const half = content.indexOf('\n') + 1
        const object = await encoded(format, [content.subarray(0, half), content.subarray(half)], columns)
        expect(textOf(await format.decode(object, columns))).toBe(textOf(content))
      }),
      { numRuns: 100 },
    )
  })

  it('refuses an object of other columns', async () => {
    const object = await encoded(format, [Buffer.from('["1","2"]\n')], ['a', 'b'])
    const decoded = await format.decode(object, ['a', 'c']).then(textOf, () => 'refused')
    expect(decoded).not.toBe('["1","2"]\n')
  })
})

describe('lines', () => {
  it('end where rows end', () => {
    fc.assert(
      fc.property(rows, (table) => {
        const content = Buffer.from(table.map((row) => `${JSON.stringify(row)}\n`).join(''))
        const ends = [...lineEnds(content)]
        expect(ends).toHaveLength(table.length)
        const back = ends.map(
          (end, index) => JSON.parse(textOf(content, ends[index - 1] ?? 0, end)) as unknown,
        )
        expect(back).toEqual(table)
      }),
    )
  })
})

describeOnServer('a line', () => {
  it('is written by the server as it is here, so that Parquet can be compared with the table', async () => {
    await using test = await setup()
    const values = fc.sample(text, { numRuns: 300, seed: 17 })
    const written = await test.raw(
      `select to_json(array[value])::text from unnest($1::text[]) with ordinality as each (value, n) order by n`,
      values,
    )
    expect(written.map(([line]) => line)).toEqual(values.map((value) => JSON.stringify([value])))
  })
})
