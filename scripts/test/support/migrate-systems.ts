/**
 * One of several processes that migrate the systems at once. Says that it is ready, and begins at a line of input:
 * a JSON object of database URLs by system. Answers one of what it applied, by system.
 */
import { createInterface } from 'node:readline'
import config from '../../../tenantry.config.ts'
import { connect } from '../../../packages/kit/core/src/index.ts'

const lines = createInterface({ input: process.stdin })
process.stdout.write('ready\n')
const [line] = await new Promise<[string]>((resolve) => lines.once('line', (text: string) => resolve([text])))
lines.close()
const urls = new Map(Object.entries(JSON.parse(line) as Record<string, string>))

const applied = await Promise.all(
  config.systems.map(async (factory) => {
    const { name } = factory.definition
    const database = await connect({ url: urls.get(name) ?? '' })
    try {
      return [name, (await factory(database).migrate()).applied.length] as const
    } finally {
      await database.close()
    }
  }),
)
process.stdout.write(`${JSON.stringify(Object.fromEntries(applied))}\n`)
