import { ValidationError } from '@tenantry/core'
import { describe, expect, it } from 'vitest'
import { z } from 'zod'
import { changes, filledText, id, instant, name, storable, text, webAddress } from '../src/fields.ts'
import { parseInput, serviceOnly } from '../src/index.ts'
import { notes } from './support/tables.ts'

const accepts = (schema: z.ZodType, value: unknown) => schema.safeParse(value).success

describe('fields', () => {
  it.each<[string, z.ZodType, unknown]>([
    ['a NUL', text(), 'a\0'],
    ['half a surrogate pair', text(), 'a\ud83d'],
    ['one character too many', text(2), '🙂🙂🙂'],
    ['blanks', filledText(), ' \n'],
    ['a blank name', name(10), '  '],
    ['a script for an address', webAddress(), 'javascript:alert(1)'],
    ['an address that is none', webAddress(), 'http://'],
    ['a moment without a zone', instant, '2026-01-01T00:00:00'],
    ['an id with SQL in it', id, "' or true --"],
    ['a NUL in json', storable(z.json()), { a: ['\0'] }],
    ['half a surrogate pair in json', storable(z.json()), { '\udc00': 1 }],
    ['a change of nothing', changes({ a: z.string() }), {}],
    ['a change of an unknown field', changes({ a: z.string() }), { a: 'x', b: 1 }],
  ])('refuse %s', (_, schema, value) => {
    expect(accepts(schema, value)).toBe(false)
  })

  it('count characters as PostgreSQL does, and trim names alone', () => {
    expect(accepts(text(2), '🙂🙂')).toBe(true)
    expect(filledText().parse(' a ')).toBe(' a ')
    expect(name(10).parse(' a ')).toBe('a')
    expect(accepts(storable(z.json()), { a: '\\u0000' })).toBe(true)
    expect(instant.parse('2026-01-01T01:00:00+01:00')).toEqual(new Date('2026-01-01T00:00:00Z'))
  })
})

it('what a verb is given is refused with its fields named', () => {
  const schema = z.strictObject({ title: name(5) })
  expect(parseInput(notes, schema, { title: ' a ' })).toEqual({ title: 'a' })
  expect(() => parseInput(notes, schema, { title: '' })).toThrow(ValidationError)
  try {
    parseInput(notes, schema, { title: '' })
  } catch (error) {
    expect(error).toMatchObject({ issues: [{ path: 'title' }] })
  }
})

it('a verb of the service role is refused to a tenant', () => {
  const executor = {
    tenant: 'x',
    gate: null,
    run: () => Promise.reject(),
    transaction: () => Promise.reject(),
  }
  expect(() => serviceOnly({ ...executor, role: 'service' }, 'sync')).not.toThrow()
  expect(() => serviceOnly({ ...executor, role: 'tenant' }, 'sync')).toThrow('sync is for the service role')
})
