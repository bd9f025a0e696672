import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { decodeCursor, encodeCursor } from '../src/cursor.ts'
import { CursorError } from '../src/errors.ts'

const values = fc.array(fc.option(fc.string({ unit: 'grapheme' })), { maxLength: 5 })

describe('cursors', () => {
  it('law: decoding what was encoded for the same query gives the same values', () => {
    fc.assert(
      fc.property(fc.string(), values, (query, given) => {
        expect(decodeCursor(encodeCursor({ query, values: given }), query)).toEqual(given)
      }),
    )
  })

  it('stand in a URL as they are', () => {
    fc.assert(
      fc.property(fc.string(), values, (query, given) => {
        const cursor = encodeCursor({ query, values: given })
        expect(encodeURIComponent(cursor)).toBe(cursor)
      }),
    )
  })

  it('law: changing any one character makes the cursor fail', () => {
    const anotherCharacter = fc.constantFrom(...'ABCdef012-_=+/ é\n')
    fc.assert(
      fc.property(values, fc.nat(), anotherCharacter, (given, position, character) => {
        const cursor = encodeCursor({ query: 'q', values: given })
        const at = position % cursor.length
        fc.pre(cursor[at] !== character)
        const altered = cursor.slice(0, at) + character + cursor.slice(at + 1)
        expect(() => decodeCursor(altered, 'q')).toThrow(CursorError)
      }),
      { numRuns: 500 },
    )
  })

  it('law: cutting anything off either end, or appending to it, makes the cursor fail', () => {
    const cursor = encodeCursor({ query: 'q', values: ['2026-02-09 10:30:00.123456+00', null] })
    for (let length = 0; length < cursor.length; length++) {
      expect(() => decodeCursor(cursor.slice(0, length), 'q')).toThrow(CursorError)
      expect(() => decodeCursor(cursor.slice(length + 1), 'q')).toThrow(CursorError)
    }
    expect(() => decodeCursor(`${cursor}A`, 'q')).toThrow(CursorError)
    expect(() => decodeCursor(cursor + cursor, 'q')).toThrow(CursorError)
  })

  it('refuse another query, and say so', () => {
    const cursor = encodeCursor({ query: 'notes by date', values: ['1'] })
    expect(() => decodeCursor(cursor, 'notes by title')).toThrow(/belongs to another query/)
  })

  it('refuse what is no text, and text of unbounded length', () => {
    const notText: unknown = 7
    expect(() => decodeCursor(notText as string, 'q')).toThrow(CursorError)
    expect(() => decodeCursor('A'.repeat(20_000), 'q')).toThrow(CursorError)
  })
})
