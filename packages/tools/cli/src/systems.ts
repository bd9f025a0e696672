import { existsSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import { ConfigurationError, connect } from '@tenantry/core'
import { type CommandInput, textOf } from './command.ts'
import type { OperableSystem, TenantryConfig } from './config.ts'
import { loadConfig } from './load-config.ts'

export type Operable = ReturnType<OperableSystem>

/** Those that `--system` names, or all. Throws ConfigurationError for a name that isn't there. */
export function selectSystems(config: TenantryConfig, named: string | undefined): readonly OperableSystem[] {
  if (named === undefined) return config.systems
  const system = config.systems.find(({ definition }) => definition.name === named)
  if (system === undefined) {
    throw new ConfigurationError(`There is no system ${named}`, { hint: `There are: ${namesOf(config)}` })
  }
  return [system]
}

export interface Opened {
  readonly config: TenantryConfig
  readonly factory: OperableSystem
  readonly system: Operable
  readonly driver: Parameters<OperableSystem>[0]['driver']
}

/**
 * Connects the one system that is meant, and closes the connection when `run` is done.
 *
 * @throws ConfigurationError without a database URL, or with several systems and no `--system`: each
 *   usually has a database of its own.
 */
export async function withSystem<T>(input: CommandInput, run: (opened: Opened) => Promise<T>): Promise<T> {
  const { config } = await loadConfig(textOf(input.given, 'config'), input.cwd)
  const [factory, another] = selectSystems(config, textOf(input.given, 'system'))
  if (factory === undefined || another !== undefined) {
    throw new ConfigurationError('The configuration has several systems', {
      hint: `Say which by --system: ${namesOf(config)}`,
    })
  }
  const database = await connect({ url: databaseUrl(input), onWarning: input.warn })
  try {
    return await run({ config, factory, system: factory(database), driver: database.driver })
  } finally {
    await database.close()
  }
}

function namesOf(config: TenantryConfig): string {
  return config.systems.map(({ definition }) => definition.name).join(', ')
}

function databaseUrl({ given, env }: CommandInput): string {
  const option = textOf(given, 'url')
  const url = option ?? env['DATABASE_URL'] ?? ''
  if (url === '') {
    throw new ConfigurationError('No database was named', {
      hint: 'Set DATABASE_URL, or pass --url postgres://user:password@host/database',
    })
  }
  if (/^postgres(ql)?:/.test(url) && !isReadable(url)) {
    throw new ConfigurationError(
      `${option === undefined ? 'DATABASE_URL' : '--url'} can't be read as a URL`,
      {
        hint: 'Write postgres://user:password@host:port/database, with %-codes for special characters in it',
      },
    )
  }
  return url
}

/** A password with a bare `%` parses as a URL, and fails when it is decoded. */
function isReadable(url: string): boolean {
  try {
    decodeURIComponent(new URL(url).href)
    return true
  } catch {
    return false
  }
}

/** Throws ConfigurationError where the folder of a system's migrations isn't there yet. */
export function needMigrations({ definition }: OperableSystem): void {
  const { migrations, name } = definition
  if (migrations === null) return
  const folder = typeof migrations === 'string' ? migrations : fileURLToPath(migrations)
  if (existsSync(folder)) return
  throw new ConfigurationError(`${name} has no migrations yet: there is no folder ${folder}`, {
    hint: 'Write the first one with tenantry generate',
  })
}
