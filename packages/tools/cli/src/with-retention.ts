import { ConfigurationError } from '@tenantry/core'
import { type CommandInput, DATABASE_OPTIONS, type OptionSpec, textOf } from './command.ts'
import type { OperableRetention } from './config.ts'
import { type Opened, withSystem } from './systems.ts'

export const RETENTION_OPTIONS: Readonly<Record<string, OptionSpec>> = {
  ...DATABASE_OPTIONS,
  rule: { value: 'names', help: 'these rules only, separated by commas' },
}

export interface OpenedRetention {
  readonly name: string
  readonly retention: OperableRetention
  readonly driver: Opened['driver']
  /** What `--rule` says; empty object: every rule. */
  readonly chosen: { readonly rules?: readonly string[] }
}

/**
 * Connects the one system that is meant.
 *
 * @throws ConfigurationError where the configuration has no retention for it.
 */
export function withRetention<T>(
  input: CommandInput,
  run: (opened: OpenedRetention) => Promise<T>,
): Promise<T> {
  return withSystem(input, async ({ config, factory, driver }) => {
    const { name } = factory.definition
    const retention = config.retention?.[name]
    if (retention === undefined) {
      throw new ConfigurationError(`The configuration has no retention of ${name}`, {
        hint: `Add \`retention: { ${name}: … }\` to it, with what retention() answered`,
      })
    }
    const rules = textOf(input.given, 'rule')?.split(',')
    return run({ name, retention, driver, chosen: rules === undefined ? {} : { rules } })
  })
}
