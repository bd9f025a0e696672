import type { RowsRefusedError, RulePlan, RunReport } from '@tenantry/retention'
import { type Command, countOf } from '../command.ts'
import { EXIT } from '../exit-code.ts'
import { describeFailure, failureJson } from '../failure.ts'
import { planLines } from '../plan-lines.ts'
import { count } from '../text.ts'
import { progressOf } from '../progress.ts'
import { RETENTION_OPTIONS, withRetention } from '../with-retention.ts'

/** Of one rule: what it did, or why it was refused or failed. */
type Result =
  | { readonly rule: string; readonly report: RunReport }
  | { readonly rule: string; readonly error: unknown }

/** Nothing was changed by it. */
const REFUSED = 'TENANTRY_RETENTION_REFUSED'
const ROWS_REFUSED = 'TENANTRY_RETENTION_ROWS' satisfies RowsRefusedError['code']

const SIGNALS = ['SIGINT', 'SIGTERM'] as const

export const retentionRun: Command = {
  summary: 'apply the rules: prints the plan, then does it; an interrupt stops after the running batch',
  argument: null,
  options: {
    ...RETENTION_OPTIONS,
    'max-rows': { value: 'number', help: 'stop after so many rows of each rule; the next run goes on' },
    'max-minutes': { value: 'number', help: 'stop each rule after so long; the next run goes on' },
    'any-share': { value: null, help: 'let this run take any share of a table, after you read the plan' },
  },
  run: (input) =>
    withRetention(input, async ({ name, retention, driver, chosen }) => {
      const [maxRows, maxMinutes] = [countOf(input.given, 'max-rows'), countOf(input.given, 'max-minutes')]
      const plans = await retention.plan(driver, chosen)
      input.say(planLines(name, plans))
      const interrupt = new AbortController()
      // Once each: a second Ctrl-C ends the process as ever.
      const stop = (): void => interrupt.abort()
      for (const signal of SIGNALS) process.once(signal, stop)
      const results: Result[] = []
      for (const plan of plans) {
        if (interrupt.signal.aborted) break
        const { rule } = plan
        try {
          const [report] = await retention.run(driver, {
            rules: [rule],
            signal: interrupt.signal,
            anyShare: input.given['any-share'] === true,
            onEvent: progressOf(plan, input.progress),
            ...(maxRows === undefined ? {} : { maxRows }),
            ...(maxMinutes === undefined ? {} : { maxMs: maxMinutes * 60_000 }),
          })
          if (report !== undefined) results.push({ rule, report })
        } catch (error) {
          // Other rules aren't concerned, and what they did must be told.
          results.push({ rule, error })
        } finally {
          input.progress(null)
        }
      }
      for (const signal of SIGNALS) process.off(signal, stop)
      const settled = results.length === plans.length && results.every(isSettled)
      return {
        exitCode: results.some(isFailed) ? EXIT.failed : settled ? EXIT.ok : EXIT.found,
        lines: ['', ...plans.map((plan) => lineOf(plan, results))],
        json: {
          system: name,
          plans,
          results: results.map((result) =>
            'error' in result ? { rule: result.rule, error: failureJson(result.error) } : result,
          ),
        },
      }
    }),
}

/** By its code: the configuration may have brought a second copy of the library. */
const isRefusal = (error: unknown): boolean =>
  error instanceof Error && 'code' in error && error.code === REFUSED

/** Of rows that their table refused to give away. */
function refusedKeys(error: unknown): readonly string[] {
  if (!(error instanceof Error) || !('code' in error) || error.code !== ROWS_REFUSED) return []
  return (error as RowsRefusedError).rows.map(({ key }) => JSON.stringify(key))
}

const isFailed = (result: Result): boolean => 'error' in result && !isRefusal(result.error)

const isSettled = (result: Result): boolean =>
  'report' in result && (result.report.ended === 'done' || result.report.ended === 'paused')

const ENDS: Readonly<Record<RunReport['ended'], string>> = {
  done: 'done',
  paused: 'paused by policy',
  budget: 'stopped at its limit; run again to go on',
  aborted: 'interrupted; run again to go on',
  busy: 'left to another worker, who has it',
}

function lineOf({ rule }: RulePlan, results: readonly Result[]): string {
  const result = results.find((candidate) => candidate.rule === rule)
  if (result === undefined) return `${rule}: not begun`
  if ('error' in result) {
    const said = isRefusal(result.error) ? 'refused' : 'failed'
    const keys = refusedKeys(result.error)
    return [
      `${rule}: ${said}: ${describeFailure(result.error, false)}`,
      ...keys.map((key) => `  ${key}`),
    ].join('\n')
  }
  const { changed, kept, archived, backlog, ended } = result.report
  const parts = [
    ENDS[ended],
    ...Object.entries(changed).map(([effect, rows]) => `${effect} ${rows}`),
    ...(archived.segments > 0 ? [`archived ${archived.rows} in ${count(archived.segments, 'object')}`] : []),
    ...(kept > 0 ? [`${kept} left alone`] : []),
    ...(backlog !== null && backlog.rows > 0 ? [`${backlog.rows} to go`] : []),
  ]
  return `${rule}: ${parts.join('; ')}`
}
