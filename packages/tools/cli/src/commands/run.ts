import { type Command, DATABASE_OPTIONS } from '../command.ts'
import { EXIT } from '../exit-code.ts'
import { withSystem } from '../systems.ts'

export const run: Command = {
  summary: 'run one job now; an interrupt asks it to stop',
  argument: 'job',
  options: DATABASE_OPTIONS,
  run: (input) =>
    withSystem(input, async ({ factory, system }) => {
      const job = input.argument
      const interrupt = new AbortController()
      // Once each: a second Ctrl-C ends the process as ever.
      for (const signal of ['SIGINT', 'SIGTERM'] as const) process.once(signal, () => interrupt.abort())
      const message = await system.runJob(job, { signal: interrupt.signal })
      return {
        exitCode: EXIT.ok,
        lines: [`${job}: ${message}`],
        json: { system: factory.definition.name, job, message },
      }
    }),
}
