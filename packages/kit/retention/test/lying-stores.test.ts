/** A store that cuts, alters, loses, delays or lies: nothing is deleted that isn't whole in it. */
import { readFile, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { gunzipSync, gzipSync } from 'node:zlib'
import { expect, it } from 'vitest'
import { describeOnServer } from '@tenantry/testing/vitest'
import { ArchiveError, type ArchiveStore, directoryArchive } from '../src/index.ts'
import { rules } from './support/documents.ts'
import { bytesOf, hooked, storeWith } from './support/faults.ts'
import { seedDocuments, setup, type Setup } from './support/setup.ts'

async function* once(bytes: Uint8Array) {
  await Promise.resolve()
  yield bytes
}

const answering =
  (change: (bytes: Buffer) => Uint8Array) =>
  (store: ArchiveStore): Partial<ArchiveStore> => ({
    get: async (key) => once(change(await bytesOf(await store.get(key)))),
  })

const writing =
  (change: (bytes: Buffer) => Uint8Array) =>
  (store: ArchiveStore): Partial<ArchiveStore> => ({
    put: (key, body, options) => store.put(key, change(Buffer.from(body)), options),
  })

/** Whole gzip, and a line less or a digit more. */
const regzip =
  (change: (text: string) => string) =>
  (bytes: Buffer): Uint8Array =>
    gzipSync(change(gunzipSync(bytes).toString()))

const flipped = (bytes: Buffer): Buffer => {
  const copy = Buffer.from(bytes)
  copy[Math.floor(copy.length / 2)] = (copy[Math.floor(copy.length / 2)] ?? 0) ^ 1
  return copy
}

const LIES: readonly (readonly [string, (store: ArchiveStore) => Partial<ArchiveStore>])[] = [
  ['stores half of it', writing((bytes) => bytes.subarray(0, bytes.length / 2))],
  ['stores nothing of it', writing(() => Buffer.alloc(0))],
  ['flips a bit as it stores', writing(flipped)],
  ['cuts the end as it answers', answering((bytes) => bytes.subarray(0, -20))],
  ['flips a bit as it answers', answering(flipped)],
  ['leaves out a row', answering(regzip((text) => text.split('\n').toSpliced(1, 1).join('\n')))],
  ['alters a value', answering(regzip((text) => text.replace('document 1 ', 'document 2 ')))],
  ['repeats a row', answering(regzip((text) => text.replace(/\n(.*)\n/, '\n$1\n$1\n')))],
  ['reports success and stores nothing', () => ({ put: () => Promise.resolve('stored') })],
  ['says that it has it already', () => ({ put: () => Promise.resolve('exists') })],
  ['fails to store', () => ({ put: () => Promise.reject(new Error('out of space')) })],
  ['fails to answer', () => ({ get: () => Promise.reject(new Error('no route')) })],
]

describeOnServer('a store that', () => {
  it.each(LIES)('%s: no row is deleted, and an honest one does the job later', async (_name, lie) => {
    await using test = await setup()
    await seedDocuments(test, 300)
    const store = directoryArchive(test.folder)
    await expect(
      rules.run(test.database, { rules: ['documents'], store: storeWith(store, lie(store)) }),
    ).rejects.toThrow(ArchiveError)
    expect(await test.count('documents')).toBe(300)
    expect(await test.count('tenantry.archive_segments')).toBe(0)
    const [report] = await rules.run(test.database, { rules: ['documents'], store })
    expect(report).toMatchObject({ ended: 'done', changed: { delete: 300 } })
    expect(await objects(test)).toHaveLength(1)
  })

  it('shows an object only a while later: it is waited for', async () => {
    await using test = await setup()
    await seedDocuments(test, 300)
    const store = directoryArchive(test.folder)
    let asked = 0
    const get: ArchiveStore['get'] = (key) => (++asked < 3 ? Promise.resolve(null) : store.get(key))
    const [report] = await rules.run(test.database, {
      rules: ['documents'],
      store: storeWith(store, { get }),
    })
    expect(report).toMatchObject({ ended: 'done', changed: { delete: 300 } })
  })

  it('answers otherwise when a run is gone on with: nothing more is deleted', async () => {
    await using test = await setup()
    await seedDocuments(test, 300)
    const store = directoryArchive(test.folder)
    let batches = 0
    const killed = hooked(test.database.driver, {
      before({ text }) {
        if (text.includes('= any (pg_catalog.string_to_array') && ++batches === 3)
          throw new Error('pulled the plug')
      },
    })
    await expect(rules.run(killed, { rules: ['documents'], store })).rejects.toThrow('pulled the plug')
    const left = await test.count('documents')
    expect(left).toBeLessThan(300)
    const [key = ''] = await objects(test)
    const path = join(test.folder, key)
    const whole = await readFile(path)
    await writeFile(path, flipped(whole))
    expect(await rules.checkArchive(test.database, { store })).toEqual([])
    expect(await rules.checkArchive(test.database, { store, whole: true })).toMatchObject([
      { code: 'archive-object', object: key },
    ])
    await expect(rules.run(test.database, { rules: ['documents'], store })).rejects.toThrow(ArchiveError)
    await expect(rules.restore(test.database, { rule: 'documents', store })).rejects.toThrow(ArchiveError)
    expect(await test.count('documents')).toBe(left)
    await writeFile(path, whole.subarray(1))
    expect(await rules.checkArchive(test.database, { store, rule: 'documents' })).toMatchObject([
      { object: key },
    ])
    await writeFile(path, whole)
    expect(await rules.checkArchive(test.database, { store, whole: true })).toEqual([])
    expect(await rules.run(test.database, { rules: ['documents'], store })).toMatchObject([
      { ended: 'done', changed: { delete: left } },
    ])
  })
})

async function objects(test: Setup): Promise<readonly string[]> {
  const keys: string[] = []
  for await (const { key } of directoryArchive(test.folder).list('')) keys.push(key)
  return keys
}
