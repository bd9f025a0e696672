import type { Command } from '../command.ts'
import { EXIT } from '../exit-code.ts'
import { planLines } from '../plan-lines.ts'
import { RETENTION_OPTIONS, withRetention } from '../with-retention.ts'

export const retentionPlan: Command = {
  summary: 'say what retention run would do, writing nothing; exit 1 if a rule would be refused',
  argument: null,
  options: RETENTION_OPTIONS,
  run: (input) =>
    withRetention(input, async ({ name, retention, driver, chosen }) => {
      const plans = await retention.plan(driver, chosen)
      return {
        exitCode: plans.some(({ blockers }) => blockers.length > 0) ? EXIT.found : EXIT.ok,
        lines: planLines(name, plans),
        json: { system: name, plans },
      }
    }),
}
