import { existsSync } from 'node:fs'
import { dirname, join, resolve } from 'node:path'
import { pathToFileURL } from 'node:url'
import { ConfigurationError } from '@tenantry/core'
import { checkConfig } from './check-config.ts'
import type { TenantryConfig } from './config.ts'

const NAMES = ['tenantry.config.ts', 'tenantry.config.js', 'tenantry.config.mjs']

export interface LoadedConfig {
  readonly config: TenantryConfig
  /** Paths in the configuration are relative to it. */
  readonly folder: string
}

/**
 * Loads the file that was named, or the first `tenantry.config.ts`, `.js` or `.mjs` from `from` upwards.
 *
 * @throws ConfigurationError if there is none, if it can't be loaded, or if it holds something else.
 */
export async function loadConfig(named: string | undefined, from: string): Promise<LoadedConfig> {
  const file = named === undefined ? findUpwards(from) : resolve(from, named)
  if (file === undefined) {
    throw new ConfigurationError(`There is no tenantry.config.ts in ${from} or above`, {
      hint: 'Write one (`export default defineConfig({ systems: [ … ] })`), or name it by --config',
    })
  }
  if (!existsSync(file)) {
    throw new ConfigurationError(`There is no file ${file}`, { hint: 'Check the path after --config' })
  }
  let value: unknown
  try {
    value = defaultExport(await importFile(file))
  } catch (cause) {
    throw new ConfigurationError(`${file} can't be loaded: ${firstLine(cause)}`, { cause })
  }
  return { config: checkConfig(value, file), folder: dirname(file) }
}

function findUpwards(from: string): string | undefined {
  for (let folder = resolve(from); ; folder = dirname(folder)) {
    const file = NAMES.map((name) => join(folder, name)).find((path) => existsSync(path))
    if (file !== undefined || dirname(folder) === folder) return file
  }
}

/** What Node says, before anything was evaluated, of TypeScript that it can't run by itself. */
const NOT_NATIVE = new Set([
  'ERR_UNKNOWN_FILE_EXTENSION',
  'ERR_UNSUPPORTED_TYPESCRIPT_SYNTAX',
  'ERR_UNSUPPORTED_NODE_MODULES_TYPE_STRIPPING',
  // A schema written for a bundler imports './tables' without its ending.
  'ERR_MODULE_NOT_FOUND',
  'ERR_UNSUPPORTED_DIR_IMPORT',
])

/**
 * Node's own import comes first: it honours the conditions and loaders that the process was started with.
 * jiti takes over where Node can't read the TypeScript.
 */
async function importFile(file: string): Promise<unknown> {
  const { href } = pathToFileURL(file)
  try {
    return (await import(href)) as unknown
  } catch (error) {
    if (!file.endsWith('.ts') || !NOT_NATIVE.has(String(property(error, 'code')))) throw error
    const { createJiti } = await import('jiti')
    return await createJiti(import.meta.url).import(href)
  }
}

/** A TypeScript file that Node takes for CommonJS has its default export one level down. */
function defaultExport(module: unknown): unknown {
  const value = property(module, 'default')
  return property(value, '__esModule') === true ? property(value, 'default') : value
}

function property(value: unknown, name: string): unknown {
  return typeof value === 'object' && value !== null ? Reflect.get(value, name) : undefined
}

function firstLine(error: unknown): string {
  const text = error instanceof Error ? error.message : String(error)
  return text.split('\n', 1)[0] ?? ''
}
