import type { RulePlan } from '@tenantry/retention'
import type { Command } from '../command.ts'
import { EXIT } from '../exit-code.ts'
import { planLines } from '../plan-lines.ts'
import { RETENTION_OPTIONS, withRetention } from '../with-retention.ts'

/** `retention run` has no store but the configuration's. */
const refused = ({ blockers, warnings }: RulePlan): boolean =>
  blockers.length > 0 || warnings.some(({ code }) => code === 'no-store')

export const retentionPlan: Command = {
  summary: 'say what retention run would do, writing nothing; exit 1 if a rule would be refused',
  argument: null,
  options: RETENTION_OPTIONS,
  run: (input) =>
    withRetention(input, async ({ name, retention, driver, chosen }) => {
      const plans = await retention.plan(driver, chosen)
      return {
        exitCode: plans.some(refused) ? EXIT.found : EXIT.ok,
        lines: planLines(name, plans),
        json: { system: name, plans },
      }
    }),
}
