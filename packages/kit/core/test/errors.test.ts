import { describe, expect, it, vi } from 'vitest'
import {
  ConnectionError,
  SerializationError,
  type TenantryError,
  translateError,
  UniqueViolationError,
  withRetry,
} from '../src/index.ts'

/** What the clients throw: postgres.js's names, and those of node-postgres and PGlite. */
function serverError(code: string, more: object = {}): Error {
  return Object.assign(new Error('duplicate key value violates unique constraint'), { code, ...more })
}

describe('translateError', () => {
  it.each([
    ['23505', 'TENANTRY_UNIQUE', false],
    ['23503', 'TENANTRY_FOREIGN_KEY', false],
    ['23001', 'TENANTRY_FOREIGN_KEY', false],
    ['23514', 'TENANTRY_CHECK', false],
    ['23502', 'TENANTRY_NOT_NULL', false],
    ['42501', 'TENANTRY_ISOLATION', false],
    ['40001', 'TENANTRY_SERIALIZATION', true],
    ['40P01', 'TENANTRY_SERIALIZATION', true],
    ['57014', 'TENANTRY_TIMEOUT', true],
    ['55P03', 'TENANTRY_TIMEOUT', true],
    ['57P01', 'TENANTRY_CONNECTION', true],
    ['28P01', 'TENANTRY_CONNECTION', false],
    ['22P02', 'TENANTRY_VALIDATION', false],
    ['TN001', 'TENANTRY_STALE_TRANSITION', false],
    ['TN002', 'TENANTRY_LIMIT', false],
    ['42P01', 'TENANTRY_DATABASE', false],
    ['ECONNRESET', 'TENANTRY_CONNECTION', true],
    ['CONNECTION_CLOSED', 'TENANTRY_CONNECTION', true],
  ])('turns %s into %s (retryable: %s)', (code, expected, retryable) => {
    expect(translateError(serverError(code))).toMatchObject({ code: expected, retryable })
  })

  it.each([
    { table_name: 'users', column_name: 'email', constraint_name: 'users_email_key' },
    { table: 'users', column: 'email', constraint: 'users_email_key' },
  ])('says table, column and constraint, whichever client reports them', (place) => {
    expect(translateError(serverError('23505', place))).toMatchObject({
      table: 'users',
      column: 'email',
      constraint: 'users_email_key',
    })
  })

  it('keeps the cause and drops what it says of values', () => {
    const thrown = serverError('23505', {
      detail: 'Key (email)=(ada@example.com) already exists.',
      query: 'insert into users values ($1)',
      parameters: ['ada@example.com'],
    })
    const error = translateError(thrown)
    expect(error.cause).toMatchObject({ code: '23505', message: thrown.message })
    const everything = [error, error.cause].map((each) =>
      JSON.stringify(each, Object.getOwnPropertyNames(each)),
    )
    expect(everything.join()).not.toContain('ada@example.com')
  })

  it('sees through the wrapping of Drizzle', () => {
    const wrapped = new Error('Failed query: insert into users', { cause: serverError('23505') })
    expect(translateError(wrapped)).toBeInstanceOf(UniqueViolationError)
  })

  it('returns an error of the library as it is', () => {
    const error = new ConnectionError('gone')
    expect(translateError(error)).toBe(error)
  })

  it('shows no cause and no stack in what is sent to a client', () => {
    const error = translateError(serverError('23505', { table: 'users' }))
    expect(Object.keys(JSON.parse(JSON.stringify(error)) as object).sort()).toEqual([
      'code',
      'message',
      'name',
      'retryable',
      'table',
    ])
  })
})

describe('withRetry', () => {
  const failing = (times: number, error: unknown) => {
    let calls = 0
    return vi.fn(async () => {
      calls += 1
      if (calls <= times) throw error
      return calls
    })
  }

  it('repeats serialization failures until they stop', async () => {
    await expect(withRetry(failing(3, new SerializationError('again')), { baseDelayMs: 1 })).resolves.toBe(4)
  })

  it('gives the last error when the attempts are used up', async () => {
    const run = failing(9, new SerializationError('again'))
    await expect(withRetry(run, { attempts: 3, baseDelayMs: 1 })).rejects.toBeInstanceOf(SerializationError)
    expect(run).toHaveBeenCalledTimes(3)
  })

  it.each([new ConnectionError('lost'), new Error('no')])(
    'does not repeat what may have had an effect: %s',
    async (error) => {
      const run = failing(1, error)
      await expect(withRetry(run)).rejects.toBe(error)
      expect(run).toHaveBeenCalledTimes(1)
    },
  )

  it('repeats what the caller knows to be safe', async () => {
    const run = failing(1, new ConnectionError('lost'))
    await expect(
      withRetry(run, { when: (error: TenantryError) => error.retryable, baseDelayMs: 1 }),
    ).resolves.toBe(2)
  })

  it('stops waiting when it is aborted', async () => {
    const controller = new AbortController()
    const run = vi.fn(async () => {
      controller.abort(new Error('enough'))
      throw new SerializationError('again')
    })
    await expect(
      withRetry(run, { baseDelayMs: 60_000, maxDelayMs: 60_000, signal: controller.signal }),
    ).rejects.toThrow('enough')
    expect(run).toHaveBeenCalledTimes(1)
  })
})
