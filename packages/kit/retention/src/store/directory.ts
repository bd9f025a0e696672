import { createReadStream } from 'node:fs'
import { link, mkdir, open, readdir, rm, stat } from 'node:fs/promises'
import { dirname, join, relative, resolve, sep } from 'node:path'
import { randomUUID } from 'node:crypto'
import { ConfigurationError, type StoredObject } from '@tenantry/core'
import type { ArchiveStore } from './store.ts'

/** Under construction; a process that died leaves one behind, which is no object. */
const TEMPORARY = '.tmp-'

/**
 * A store in a folder, each object a file. A file gets its name when it is whole and on disk (it is synced, then
 * linked, which fails where the name is taken), and the folder is synced after it. Keys that would lead out of the
 * folder are refused.
 */
export function directoryArchive(directory: string): ArchiveStore {
  const root = resolve(directory)
  const pathOf = (key: string): string => {
    const path = resolve(root, key)
    if (key !== '' && path.startsWith(root + sep)) return path
    throw new ConfigurationError(`"${key}" is no key of an archive object`)
  }
  return {
    description: root,
    async put(key, body) {
      const path = pathOf(key)
      await makeFolder(dirname(path))
      const temporary = join(dirname(path), `${TEMPORARY}${randomUUID()}`)
      try {
        const file = await open(temporary, 'wx')
        try {
          await file.writeFile(body)
          await file.sync()
        } finally {
          await file.close()
        }
        await link(temporary, path)
      } catch (error) {
        if (hasCode(error, 'EEXIST')) return 'exists'
        throw error
      } finally {
        await rm(temporary, { force: true })
      }
      await syncFolder(dirname(path))
      return 'stored'
    },
    async get(key) {
      const path = pathOf(key)
      return (await describe(root, path)) === null ? null : createReadStream(path)
    },
    head: (key) => describe(root, pathOf(key)),
    async *list(prefix) {
      for (const entry of await entriesOf(root)) {
        const path = join(entry.parentPath, entry.name)
        if (!entry.isFile() || entry.name.startsWith(TEMPORARY) || !keyOf(root, path).startsWith(prefix))
          continue
        const found = await describe(root, path)
        if (found !== null) yield found
      }
    },
    remove: (key) => rm(pathOf(key), { force: true }),
  }
}

const keyOf = (root: string, path: string): string => relative(root, path).split(sep).join('/')

async function describe(root: string, path: string): Promise<StoredObject | null> {
  try {
    const { size, mtime } = await stat(path)
    return { key: keyOf(root, path), sizeBytes: size, modifiedAt: mtime }
  } catch (error) {
    if (hasCode(error, 'ENOENT')) return null
    throw error
  }
}

/** A new folder is only there for good once the one above it is synced. */
async function makeFolder(folder: string): Promise<void> {
  const first = await mkdir(folder, { recursive: true })
  if (first === undefined) return
  for (let at = folder; at.length >= dirname(first).length; at = dirname(at)) {
    await syncFolder(at)
    if (at === dirname(at)) return
  }
}

async function syncFolder(folder: string): Promise<void> {
  const handle = await open(folder, 'r')
  try {
    await handle.sync()
  } finally {
    await handle.close()
  }
}

async function entriesOf(root: string) {
  try {
    return await readdir(root, { recursive: true, withFileTypes: true })
  } catch (error) {
    // Nothing was archived yet.
    if (hasCode(error, 'ENOENT')) return []
    throw error
  }
}

const hasCode = (error: unknown, code: string): boolean =>
  error instanceof Error && 'code' in error && error.code === code
