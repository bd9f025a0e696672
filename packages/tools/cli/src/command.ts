import { ConfigurationError } from '@tenantry/core'
import type { ExitCode } from './exit-code.ts'

export interface OptionSpec {
  /** What stands for the value in the help; null for a switch. */
  readonly value: string | null
  readonly help: string
}

/** What was typed: an option with a value is its text, a switch is `true`; what wasn't typed is absent. */
export type Given = Readonly<Record<string, string | true>>

export interface Outcome {
  readonly exitCode: ExitCode
  /** For a human. */
  readonly lines: readonly string[]
  /** For a program: the one document that `--json` prints. */
  readonly json: unknown
}

export interface Command {
  readonly summary: string
  /** Name of the one argument that it takes; null for none. */
  readonly argument: string | null
  readonly options: Readonly<Record<string, OptionSpec>>
  run(input: CommandInput): Promise<Outcome>
}

export interface CommandInput {
  readonly given: Given
  /** The argument; empty for a command without one. */
  readonly argument: string
  readonly cwd: string
  readonly env: Readonly<Record<string, string | undefined>>
  /** A line that is no result, on stderr. */
  warn(message: string): void
  /** Lines of the result before its end; with `--json` nothing, since it prints one document. */
  say(lines: readonly string[]): void
  /** Shows how far it is, in place of what was shown before; null takes it away. On a terminal only. */
  progress(line: string | null): void
}

/** A whole number above 0; undefined where it wasn't given. Throws ConfigurationError for anything else. */
export function countOf(given: Given, name: string): number | undefined {
  const text = textOf(given, name)
  if (text === undefined) return undefined
  const value = /^\d{1,15}$/.test(text) ? Number(text) : 0
  if (value > 0) return value
  throw new ConfigurationError(`--${name} must be a whole number above 0`)
}

/** The value of an option that takes one. */
export function textOf(given: Given, name: string): string | undefined {
  const value = given[name]
  return typeof value === 'string' ? value : undefined
}

export const SYSTEM_OPTION: OptionSpec = {
  value: 'name',
  help: 'which system, where the configuration has several',
}

/** Of every command. */
export const COMMON_OPTIONS: Readonly<Record<string, OptionSpec>> = {
  config: { value: 'file', help: 'default: tenantry.config.ts, .js or .mjs, from here upwards' },
  json: { value: null, help: 'print one JSON document, for programs' },
  debug: { value: null, help: 'show where an error came from' },
  help: { value: null, help: 'show this' },
}

/** Of commands that use a database. */
export const DATABASE_OPTIONS: Readonly<Record<string, OptionSpec>> = {
  url: { value: 'url', help: 'postgres://user:password@host/name or file:<folder>; default: DATABASE_URL' },
  system: SYSTEM_OPTION,
}
