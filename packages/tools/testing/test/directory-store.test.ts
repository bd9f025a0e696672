import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { expect, it } from 'vitest'
import { directoryStore } from '../src/directory-store.ts'

async function setup() {
  const directory = await mkdtemp(join(tmpdir(), 'tenantry-store-'))
  const store = directoryStore(join(directory, 'objects'))
  const keys = async (prefix?: string) => {
    const found = []
    for await (const { key } of store.list(prefix === undefined ? {} : { prefix })) found.push(key)
    return found.toSorted()
  }
  return { store, keys, [Symbol.asyncDispose]: () => rm(directory, { recursive: true }) }
}

it('lists what was put, by prefix, with size and time, and nothing before', async () => {
  await using place = await setup()
  const { store, keys } = place
  expect(await keys()).toEqual([])
  const modifiedAt = new Date('2026-01-02T03:04:05Z')
  await store.put('a/b/1.txt', 'four', { modifiedAt })
  await store.put('a/bc.txt', '')
  await store.put('c', '')
  expect(await keys()).toEqual(['a/b/1.txt', 'a/bc.txt', 'c'])
  expect(await keys('a/b')).toEqual(['a/b/1.txt', 'a/bc.txt'])
  for await (const object of store.list({ prefix: 'a/b/' })) {
    expect(object).toEqual({ key: 'a/b/1.txt', sizeBytes: 4, modifiedAt })
  }
})

it('deletes what is there, and takes what is not for deleted', async () => {
  await using place = await setup()
  const { store, keys } = place
  await store.put('a', '')
  await store.put('b', '')
  await store.delete(['a', 'never'])
  expect(await keys()).toEqual(['b'])
})

it.each(['', '..', '../a', 'a/../../b', '/etc/passwd'])('refuses the key "%s"', async (key) => {
  await using place = await setup()
  await expect(place.store.put(key, '')).rejects.toThrow('no key')
  await expect(place.store.delete([key])).rejects.toThrow('no key')
})
