import { ConfigurationError } from '@tenantry/core'
import type { OperableSystem, TenantryConfig } from './config.ts'

const CONFIG_KEYS = ['systems', 'generate', 'retention']
const RETENTION_VERBS = ['plan', 'run', 'status', 'restore']
const TARGET_KEYS = ['directory', 'mode', 'format']

/**
 * Makes sure that a file's default export is a configuration: it may be JavaScript, and a typing mistake
 * would otherwise show up as a system without migrations.
 *
 * @throws ConfigurationError that says which part of the file is wrong.
 */
export function checkConfig(value: unknown, file: string): TenantryConfig {
  const wrong = (what: string, hint?: string): never => {
    throw new ConfigurationError(`${file}: ${what}`, { hint })
  }
  if (!isRecord(value)) {
    return wrong('there is no default export', 'Write `export default defineConfig({ systems: [ … ] })`')
  }
  const unknown = Object.keys(value).find((key) => !CONFIG_KEYS.includes(key))
  if (unknown !== undefined) wrong(`"${unknown}" is not understood`, `Known are ${CONFIG_KEYS.join(', ')}`)
  const { systems, generate = {}, retention = {} } = value
  if (!Array.isArray(systems) || systems.length === 0) return wrong('`systems` is no list of systems')
  systems.forEach((system: unknown, index) => {
    if (isSystem(system)) return
    wrong(
      `systems[${index}] is no system`,
      'Give what defineSystem() answered, not yet called with a database',
    )
  })
  const names = (systems as readonly OperableSystem[]).map((system) => system.definition.name)
  const twice = names.find((name, index) => names.indexOf(name) !== index)
  if (twice !== undefined) wrong(`two systems are called ${twice}`)
  if (!isRecord(generate)) return wrong('`generate` is no object')
  for (const [name, target] of Object.entries(generate)) {
    if (!names.includes(name)) {
      wrong(`\`generate\` names ${name}, which is no system here`, `There are: ${names.join(', ')}`)
    }
    checkTarget(target, (what, hint) => wrong(`generate.${name}: ${what}`, hint))
  }
  if (!isRecord(retention)) return wrong('`retention` is no object')
  for (const [name, rules] of Object.entries(retention)) {
    if (!names.includes(name)) {
      wrong(`\`retention\` names ${name}, which is no system here`, `There are: ${names.join(', ')}`)
    }
    if (!isRecord(rules) || RETENTION_VERBS.some((verb) => typeof rules[verb] !== 'function')) {
      wrong(`retention.${name} is no retention`, 'Give what retention() answered')
    }
  }
  return value as unknown as TenantryConfig
}

function checkTarget(target: unknown, wrong: (what: string, hint?: string) => never): void {
  if (!isRecord(target) || typeof target['directory'] !== 'string' || target['directory'] === '') {
    return wrong('`directory` is missing', 'Name the folder of its migrations, relative to this file')
  }
  const unknown = Object.keys(target).find((key) => !TARGET_KEYS.includes(key))
  if (unknown !== undefined) wrong(`"${unknown}" is not understood`, `Known are ${TARGET_KEYS.join(', ')}`)
  const { mode = 'all', format = 'tenantry' } = target
  if (mode !== 'all' && mode !== 'objects') wrong("`mode` is neither 'all' nor 'objects'")
  if (format !== 'tenantry' && format !== 'drizzle-kit') {
    wrong("`format` is neither 'tenantry' nor 'drizzle-kit'")
  }
  if (format === 'drizzle-kit' && mode !== 'objects') {
    wrong("format 'drizzle-kit' needs mode 'objects'", 'drizzle-kit itself writes the tables there')
  }
}

function isRecord(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}

function isSystem(value: unknown): value is OperableSystem {
  if (typeof value !== 'function' || !('definition' in value) || !isRecord(value.definition)) return false
  return typeof value.definition['name'] === 'string'
}
