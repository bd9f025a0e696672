import { isDeepStrictEqual } from 'node:util'
import { ConfigurationError, type Database, type Executor, keepFresh } from '@tenantry/core'
import { CONFIGURATION_CHANNEL } from './database/configuration.ts'
import { configuration, type ConfigurationEntry } from './repositories/configuration.ts'
import type { ConfigurationValueOf } from './types/configuration.ts'
import type { ConfigurationType } from './types/enums.ts'

/** The part of the system that is used: what `usegemz(database)` answers has it. */
export interface ConfiguredSystem {
  readonly database: Database
  serviceExecutor(): Executor
}

export interface WatchConfigurationOptions {
  /**
   * How often to look in any case, in seconds. Default 30. Behind a pooler, where nothing can be heard, this is
   * how late a change can be.
   */
  readonly pollSeconds?: number
  /** Called when settings have changed, with those that are new, changed, or gone. */
  readonly onChange?: (changed: readonly { readonly category: string; readonly key: string }[]) => void
  /** Called when settings couldn't be read; the last ones stay. Default: a warning of the process. */
  readonly onError?: (error: unknown) => void
}

/** The settings in this process, without a question to the database. */
export interface Configuration {
  /** The setting, or undefined where there is none. */
  get(category: string, key: string): ConfigurationEntry | undefined
  /**
   * A setting's value; of a duration its seconds. `fallback` is for where there is none.
   *
   * @throws ConfigurationError where there is none and no fallback, or it is of another type.
   */
  value<T extends ConfigurationType>(
    type: T,
    category: string,
    key: string,
    fallback?: ConfigurationValueOf<T>,
  ): ConfigurationValueOf<T>
  /** All of them, in the order of category and key. */
  all(): readonly ConfigurationEntry[]
  /** Whether changes are heard of; false: it only looks by time. */
  readonly listening: boolean
  /** Reads now. */
  refresh(): Promise<void>
  /** Ends it; the settings stay as they are. */
  close(): Promise<void>
}

type Entries = ReadonlyMap<string, ConfigurationEntry>

/**
 * Reads all settings and keeps them fresh in this process, as changes are announced or by time. One that isn't
 * hot-reloadable stays what it was when this process first saw it, until the process starts anew.
 */
export async function watchConfiguration(
  system: ConfiguredSystem,
  { onChange, ...options }: WatchConfigurationOptions = {},
): Promise<Configuration> {
  let known: Entries = new Map()
  const fresh = await keepFresh(system.database.driver, {
    ...options,
    channel: CONFIGURATION_CHANNEL,
    read: async () => merged(known, await configuration.bind(system.serviceExecutor()).readAll()),
    onChange(entries) {
      const changed = changes(known, entries)
      known = entries
      onChange?.(changed)
    },
  })
  known = fresh.value
  const get = (category: string, key: string) => fresh.value.get(nameOf({ category, key }))
  return {
    get,
    value: (type, category, key, fallback) => {
      const entry = get(category, key)
      const place = `The setting ${category}.${key}`
      if (entry === undefined) {
        if (fallback !== undefined) return fallback
        throw new ConfigurationError(`${place} is missing`, { hint: 'Set it, or give a fallback' })
      }
      if (entry.valueType !== type) {
        throw new ConfigurationError(`${place} is of the type ${entry.valueType}, not ${type}`)
      }
      return entry.value as ConfigurationValueOf<typeof type>
    },
    all: () => [...fresh.value.values()],
    get listening() {
      return fresh.listening
    },
    refresh: async () => void (await fresh.refresh()),
    close: () => fresh.close(),
  }
}

const nameOf = ({ category, key }: Pick<ConfigurationEntry, 'category' | 'key'>): string =>
  JSON.stringify([category, key])

/** What was read, with what this process keeps as it first saw it; that is kept when it is deleted, too. */
function merged(known: Entries, read: readonly ConfigurationEntry[]): Entries {
  const entries = new Map(read.map((entry) => [nameOf(entry), entry]))
  for (const [name, entry] of known) if (!entry.isHotReloadable) entries.set(name, entry)
  return new Map(
    [...entries].toSorted(
      ([, one], [, other]) => order(one.category, other.category) || order(one.key, other.key),
    ),
  )
}

function order(one: string, other: string): number {
  if (one === other) return 0
  return one < other ? -1 : 1
}

function changes(before: Entries, after: Entries): Pick<ConfigurationEntry, 'category' | 'key'>[] {
  const gone = [...before.values()].filter((entry) => !after.has(nameOf(entry)))
  const different = [...after].filter(([name, entry]) => !isDeepStrictEqual(before.get(name), entry))
  return [...different.map(([, entry]) => entry), ...gone].map(({ category, key }) => ({ category, key }))
}
