import type { RetentionEvent, RulePlan } from '@tenantry/retention'

const WIDTH = 30
/** A terminal needn't be told more often. */
const INTERVAL_MS = 100

/** Shows how far a rule is, by what its plan counted. */
export function progressOf(
  plan: RulePlan,
  show: (line: string | null) => void,
): (event: RetentionEvent) => void {
  const total = plan.phases.reduce((sum, phase) => sum + phase.rows, 0)
  const started = performance.now()
  let [done, exported, shown] = [0, 0, 0]
  return (event) => {
    if (event.type === 'batch') done += event.changed + event.kept
    if (event.type === 'exported') exported += event.rows
    const now = performance.now()
    if (event.type === 'waiting') show(`${plan.rule}: waits for the server (${event.reason})`)
    if ((event.type !== 'batch' && event.type !== 'exported') || now - shown < INTERVAL_MS) return
    shown = now
    show(barOf(plan.rule, { total, done, exported, seconds: (now - started) / 1000 }))
  }
}

export function barOf(
  rule: string,
  { total, done, exported, seconds }: { total: number; done: number; exported: number; seconds: number },
): string {
  const share = total === 0 ? 1 : Math.min(1, done / total)
  const full = Math.round(share * WIDTH)
  const rate = seconds > 0 ? Math.round(done / seconds) : 0
  const left = rate > 0 ? `, ${Math.ceil((total - Math.min(done, total)) / rate)} s to go` : ''
  return [
    `${rule} [${'#'.repeat(full)}${'-'.repeat(WIDTH - full)}]`,
    `${Math.floor(share * 100)} %`,
    `${done} of ${total} rows${exported > done ? ` (${exported} exported)` : ''}, ${rate}/s${left}`,
  ].join(' ')
}
