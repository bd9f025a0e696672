import { readFileSync } from 'node:fs'
import { ConfigurationError } from '@tenantry/core'
import { parseArguments } from './arguments.ts'
import type { Command, CommandInput } from './command.ts'
import { catalog } from './commands/catalog.ts'
import { generate } from './commands/generate.ts'
import { jobs } from './commands/jobs.ts'
import { migrate } from './commands/migrate.ts'
import { retentionPlan } from './commands/retention-plan.ts'
import { retentionRestore } from './commands/retention-restore.ts'
import { retentionRun } from './commands/retention-run.ts'
import { retentionStatus } from './commands/retention-status.ts'
import { run } from './commands/run.ts'
import { seal } from './commands/seal.ts'
import { status } from './commands/status.ts'
import { verify } from './commands/verify.ts'
import { EXIT, type ExitCode, exitCodeOf } from './exit-code.ts'
import { describeFailure, failureJson } from './failure.ts'
import { commandHelp, generalHelp } from './help.ts'

const COMMANDS: Readonly<Record<string, Command>> = {
  generate,
  seal,
  migrate,
  status,
  verify,
  catalog,
  jobs,
  run,
  'retention plan': retentionPlan,
  'retention run': retentionRun,
  'retention status': retentionStatus,
  'retention restore': retentionRestore,
}

export interface Streams {
  out(text: string): void
  err(text: string): void
  /** Somebody looks at `err`: what is shown there may be overwritten. Default false. */
  readonly terminal?: boolean
}

/** Runs one command line and answers the exit code; never throws. */
export async function main(
  args: readonly string[],
  environment: Pick<CommandInput, 'cwd' | 'env'>,
  streams: Streams,
): Promise<ExitCode> {
  // Looked up before anything is parsed: a wrong option must not change how its error is shown.
  const json = args.includes('--json')
  try {
    const [name, rest] = nameOf(args)
    if (name === '--version') return print(streams, version())
    if (name === '--help' || name === 'help') return print(streams, generalHelp(COMMANDS))
    const command = findCommand(name)
    const { given, argument } = parseArguments(name ?? '', command, rest)
    if (given['help'] === true) return print(streams, commandHelp(name ?? '', command))
    const warn = (message: string) => streams.err(`tenantry: warning: ${message}\n`)
    const say = (lines: readonly string[]) => {
      if (!json) streams.out(lines.map((line) => `${line}\n`).join(''))
    }
    const shown = json || streams.terminal !== true ? () => {} : overwriting(streams.err)
    const outcome = await command.run({ given, argument, warn, say, progress: shown, ...environment })
    print(streams, json ? JSON.stringify(outcome.json, null, 2) : outcome.lines.join('\n'))
    return outcome.exitCode
  } catch (error) {
    if (json) print(streams, JSON.stringify({ error: failureJson(error) }, null, 2))
    else streams.err(`tenantry: ${describeFailure(error, args.includes('--debug'))}\n`)
    return exitCodeOf(error)
  }
}

/** Some commands have a name of two words. */
function nameOf(args: readonly string[]): readonly [string | undefined, readonly string[]] {
  const [first, second, ...rest] = args
  const two = `${first} ${second}`
  return Object.hasOwn(COMMANDS, two) ? [two, rest] : [first, args.slice(1)]
}

/** One line of a terminal that is written over and over. */
function overwriting(write: (text: string) => void): (line: string | null) => void {
  let before = 0
  return (line) => {
    const text = line ?? ''
    write(`\r${text.padEnd(before)}${line === null ? '\r' : ''}`)
    before = text.length
  }
}

function findCommand(name: string | undefined): Command {
  const command = name !== undefined && Object.hasOwn(COMMANDS, name) ? COMMANDS[name] : undefined
  if (command !== undefined) return command
  const hint = `Commands: ${Object.keys(COMMANDS).join(', ')}. See tenantry --help`
  if (name === undefined) throw new ConfigurationError('No command was given', { hint })
  const longer = Object.keys(COMMANDS).filter((known) => known.startsWith(`${name} `))
  if (longer.length > 0) {
    throw new ConfigurationError(`tenantry ${name} needs to be told what to do`, {
      hint: `Write tenantry ${longer.join(', or tenantry ')}`,
    })
  }
  if (name.startsWith('-')) throw new ConfigurationError(`A command must come before ${name}`, { hint })
  throw new ConfigurationError(`There is no command ${name}`, { hint })
}

function print(streams: Streams, text: string): ExitCode {
  streams.out(`${text}\n`)
  return EXIT.ok
}

function version(): string {
  const manifest = readFileSync(new URL('../package.json', import.meta.url), 'utf8')
  return (JSON.parse(manifest) as { readonly version: string }).version
}
