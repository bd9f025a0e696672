/** What every archive store must do, and a run over the S3 protocol. */
import { execFile } from 'node:child_process'
import { mkdtempSync, readdirSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { expect, it } from 'vitest'
import { describeOnServer } from '@tenantry/testing/vitest'
import { ArchiveError, type ArchiveStore, directoryArchive } from '../src/index.ts'
import { answering } from '../src/store/answering.ts'
import { seedDocuments, setup } from './support/setup.ts'
import { EXPECTED, storeAnswers } from './support/store-contract.ts'

it('a folder keeps an object under its key, never overwrites one, and takes no half-written file for one', async () => {
  const folder = mkdtempSync(join(tmpdir(), 'tenantry-store-'))
  try {
    const store = directoryArchive(folder)
    expect(await storeAnswers(store)).toEqual(EXPECTED)
    await expect(store.put('../elsewhere', Buffer.from('x'), { sha256: '' })).rejects.toThrow(/is no key/)
    await store.put('one', Buffer.from('x'), { sha256: '' })
    writeFileSync(join(folder, '.tmp-left-behind'), 'half')
    const keys: string[] = []
    for await (const found of store.list('')) keys.push(found.key)
    expect(keys.toSorted()).toEqual([
      'one',
      'public.documents/rule/run/000002-1-abc.ndjson.gz',
      'public.notes/x',
    ])
    expect(readdirSync(folder).filter((name) => name.startsWith('.tmp-'))).toEqual(['.tmp-left-behind'])
  } finally {
    rmSync(folder, { recursive: true, force: true })
  }
})

it('a store that never answers fails the call, whichever it is, and one that answers is as it was', async () => {
  const folder = mkdtempSync(join(tmpdir(), 'tenantry-store-'))
  try {
    expect(await storeAnswers(answering(directoryArchive(folder)))).toEqual(EXPECTED)
  } finally {
    rmSync(folder, { recursive: true, force: true })
  }
  const never = () => new Promise<never>(() => {})
  const silent: ArchiveStore = {
    description: 'a silent store',
    put: never,
    get: never,
    head: never,
    list: () => ({ [Symbol.asyncIterator]: () => ({ next: never }) }),
    remove: never,
  }
  const store = answering(silent, 5)
  const listed = store.list('all')[Symbol.asyncIterator]()
  const calls = [
    store.put('one', Buffer.from('x'), { sha256: '' }),
    store.get('one'),
    store.head('one'),
    store.remove('one'),
  ]
  for (const call of [...calls, listed.next()]) await expect(call).rejects.toBeInstanceOf(ArchiveError)
  const half = answering({ ...silent, get: async () => silent.list('') as never }, 5)
  const parts = await half.get('one')
  await expect(parts?.[Symbol.asyncIterator]().next()).rejects.toThrow(
    /did not answer within 0.005 s about one/,
  )
})

describeOnServer('a bucket', () => {
  it('keeps objects as a folder does, refuses a body that is not as announced, and serves a whole run', async () => {
    await using test = await setup()
    await seedDocuments(test, 1000)
    const { stdout } = await promisify(execFile)(
      process.execPath,
      [
        '--conditions=@tenantry/source',
        '--import',
        'tsx',
        join(import.meta.dirname, 'support/s3-process.ts'),
        test.url,
      ],
      { cwd: import.meta.dirname },
    )
    expect(JSON.parse(stdout)).toMatchObject({
      answers: EXPECTED,
      wrong: 'BadDigest',
      report: { ended: 'done', changed: { delete: 1000 }, archived: { segments: 3 } },
      restored: { restored: 1000 },
      puts: 3,
    })
  })
})
