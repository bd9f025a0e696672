import { mkdir, readdir, rm, stat, utimes, writeFile } from 'node:fs/promises'
import { dirname, join, relative, resolve, sep } from 'node:path'
import type { ObjectStore } from '@tenantry/core'

/** A store of objects in a folder, each a file. */
export interface DirectoryStore extends ObjectStore {
  /** Writes an object; `modifiedAt` stands in for the store's clock. */
  put(key: string, content: string, options?: { readonly modifiedAt?: Date }): Promise<void>
}

/** The folder is made when the first object is written. Keys that would lead out of it are refused. */
export function directoryStore(directory: string): DirectoryStore {
  const pathOf = (key: string): string => {
    const path = resolve(directory, key)
    if (key !== '' && path.startsWith(resolve(directory) + sep)) return path
    throw new Error(`"${key}" is no key of an object`)
  }
  return {
    async *list({ prefix = '' } = {}) {
      for (const entry of await entriesOf(directory)) {
        const path = join(entry.parentPath, entry.name)
        const key = relative(directory, path).split(sep).join('/')
        if (!entry.isFile() || !key.startsWith(prefix)) continue
        const { size, mtime } = await stat(path)
        yield { key, sizeBytes: size, modifiedAt: mtime }
      }
    },
    async delete(keys) {
      for (const key of keys) await rm(pathOf(key), { force: true })
    },
    async put(key, content, { modifiedAt } = {}) {
      const path = pathOf(key)
      await mkdir(dirname(path), { recursive: true })
      await writeFile(path, content)
      if (modifiedAt !== undefined) await utimes(path, modifiedAt, modifiedAt)
    },
  }
}

async function entriesOf(directory: string) {
  try {
    return await readdir(directory, { recursive: true, withFileTypes: true })
  } catch (error) {
    // Nothing was written yet.
    if (error instanceof Error && 'code' in error && error.code === 'ENOENT') return []
    throw error
  }
}
