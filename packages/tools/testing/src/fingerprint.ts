import { createHash, type Hash } from 'node:crypto'
import { readdirSync, readFileSync, statSync } from 'node:fs'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'

/**
 * Twelve hex digits that change when a source does. A URL names a file, or a folder with all that is in it;
 * a string stands for itself.
 */
export function fingerprint(sources: readonly (URL | string)[]): string {
  const hash = createHash('sha256')
  for (const source of sources) {
    if (typeof source === 'string') hash.update(`text ${source.length} ${source}`)
    else add(hash, fileURLToPath(source), '')
  }
  return hash.digest('hex').slice(0, 12)
}

/** The key, which becomes part of a database's name. */
export function templateKey({ key }: { readonly key: string }): string {
  if (/^[a-z0-9_]{1,30}$/.test(key)) return key
  throw new Error(`A template's key is 1 to 30 lower-case letters, digits and _, not '${key}'`)
}

/** Names count as well as contents, and lengths keep neighbours apart. */
function add(hash: Hash, path: string, name: string): void {
  if (statSync(path).isDirectory()) {
    for (const entry of readdirSync(path).toSorted()) add(hash, join(path, entry), `${name}/${entry}`)
    return
  }
  const content = readFileSync(path)
  hash.update(`file ${name} ${content.length} `).update(content)
}
