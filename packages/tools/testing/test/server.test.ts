import { describe, expect, it, vi } from 'vitest'
import { testServer } from '../src/server.ts'
import { describeOnServer, describeThroughPooler } from '../src/vitest.ts'

describe('testServer', () => {
  it('refuses a URL that is neither PostgreSQL nor memory://', () => {
    vi.stubEnv('TEST_DATABASE_URL', 'mysql://localhost')
    expect(() => testServer()).toThrow(/TEST_DATABASE_URL/)
    vi.unstubAllEnvs()
  })
})

describeOnServer('a suite that needs a server', () => {
  it('runs only where there is one', () => {
    expect(testServer().kind).toBe('server')
  })
})

describeThroughPooler('a suite that needs a pooler', () => {
  it('runs only where there is one', () => {
    expect(testServer().poolerUrl).toMatch(/^postgres/)
  })
})
