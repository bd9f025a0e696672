import { expect, it } from 'vitest'
import { translateError } from '../src/index.ts'
import { inspect } from 'node:util'

it('what a data exception quotes is in no part of the error', () => {
  const thrown = Object.assign(new Error('invalid input syntax for type integer: "a secret "of" a row"'), {
    code: '22P02',
  })
  const error = translateError(thrown)
  expect(inspect(error, { depth: 9 })).not.toMatch(/secret|of"/)
  expect(error.cause).toMatchObject({ message: 'invalid input syntax for type integer: "…"' })
})
