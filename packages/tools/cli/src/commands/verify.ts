import type { Finding } from '@tenantry/core'
import { type Command, DATABASE_OPTIONS } from '../command.ts'
import { EXIT } from '../exit-code.ts'
import { needMigrations, type Operable, withSystem } from '../systems.ts'
import { count } from '../text.ts'

export const verify: Command = {
  summary: 'compare the live database with what is declared; exit 1 if anything departs from it',
  argument: null,
  options: DATABASE_OPTIONS,
  run: (input) =>
    withSystem(input, async ({ factory, system }) => {
      needMigrations(factory)
      const { name, checks, migrations } = factory.definition
      const history = migrations === null ? [] : await historyFindings(name, system)
      // What a pending migration has yet to make isn't a hole, and a check may depend on it.
      const pending = history.some((finding) => finding.code === PENDING)
      const findings = pending ? history : [...history, ...(await system.verify())]
      return {
        exitCode: findings.length === 0 ? EXIT.ok : EXIT.found,
        lines:
          findings.length === 0
            ? [`${name}: ${count(checks.length, 'check')}, nothing found`]
            : [`${name}: ${count(findings.length, 'finding')}`, ...findings.flatMap(describe)],
        json: { system: name, checks: checks.map((check) => check.name), findings },
      }
    }),
}

const PENDING = 'migrations-pending'

async function historyFindings(name: string, system: Operable): Promise<readonly Finding[]> {
  const { pending, problem } = await system.status()
  if (problem !== null) {
    return [
      {
        code: 'migration-history',
        object: 'tenantry.migrations',
        message: problem,
        remedy: `See tenantry status --system ${name}`,
      },
    ]
  }
  if (pending.length === 0) return []
  return [
    {
      code: PENDING,
      object: 'tenantry.migrations',
      message: `${count(pending.length, 'migration')} not applied yet: ${pending.join(', ')}`,
      remedy: 'Run tenantry migrate, then verify again',
    },
  ]
}

function describe({ code, object, message, remedy }: Finding): readonly string[] {
  return [`  ${object}  ${code}`, `    ${message}`, `    → ${remedy}`]
}
