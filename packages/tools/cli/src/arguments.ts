import { parseArgs } from 'node:util'
import { ConfigurationError } from '@tenantry/core'
import { COMMON_OPTIONS, type Command, type Given } from './command.ts'

export interface ParsedArguments {
  readonly given: Given
  readonly argument: string
}

/**
 * Reads what stands after the command's name.
 *
 * @throws ConfigurationError for an option that the command doesn't have, one that is given twice, one
 *   without its value or with a value that it doesn't take, and for an argument too many or too few.
 */
export function parseArguments(name: string, command: Command, args: readonly string[]): ParsedArguments {
  const options = { ...command.options, ...COMMON_OPTIONS }
  const { tokens } = parseArgs({
    args: [...args],
    options: Object.fromEntries(
      Object.entries(options).map(([key, { value }]) => [
        key,
        { type: value === null ? ('boolean' as const) : ('string' as const) },
      ]),
    ),
    allowPositionals: true,
    // What is wrong is said here, in words that name the command.
    strict: false,
    tokens: true,
  })
  const given: Record<string, string | true> = {}
  const positionals: string[] = []
  for (const token of tokens) {
    if (token.kind === 'positional') positionals.push(token.value)
    if (token.kind !== 'option') continue
    const spec = Object.hasOwn(options, token.name) ? options[token.name] : undefined
    if (spec === undefined) {
      throw wrong(
        `tenantry ${name} has no option ${token.rawName}`,
        `It has: ${Object.keys(options)
          .map((option) => `--${option}`)
          .join(', ')}`,
      )
    }
    if (token.name in given) throw wrong(`${token.rawName} is given twice`, 'Leave one of them out')
    if (spec.value === null) {
      if (token.value !== undefined) throw wrong(`${token.rawName} takes no value`, `Write ${token.rawName}`)
      given[token.name] = true
    } else {
      const missing = token.value === undefined || token.value === ''
      if (missing || (!token.inlineValue && token.value.startsWith('-'))) {
        throw wrong(`${token.rawName} needs a value`, `Write ${token.rawName} <${spec.value}>`)
      }
      given[token.name] = token.value
    }
  }
  if (given['help'] === true) return { given, argument: '' }
  return { given, argument: onlyArgument(name, command, positionals) }
}

function onlyArgument(name: string, command: Command, positionals: readonly string[]): string {
  const wanted = command.argument === null ? 0 : 1
  const surplus = positionals[wanted]
  if (surplus !== undefined) {
    const hint =
      wanted === 0 ? `See tenantry ${name} --help` : `Put a ${command.argument} with spaces into quotes`
    throw wrong(`tenantry ${name} doesn't understand "${surplus}"`, hint)
  }
  if (positionals.length < wanted) {
    throw wrong(`tenantry ${name} needs a ${command.argument}`, `See tenantry ${name} --help`)
  }
  return positionals[0] ?? ''
}

function wrong(message: string, hint: string): ConfigurationError {
  return new ConfigurationError(message, { hint })
}
