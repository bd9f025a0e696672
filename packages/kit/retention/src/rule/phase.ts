/** Which rows one step of a run is about, as SQL. */
import { quoteIdentifier } from '@tenantry/ddl'
import { type Age, olderThan, spanText } from './age.ts'
import type { RetentionRule } from './rule.ts'

/** Rows of one kind, and what becomes of them. */
export interface Phase {
  /** Stands in reports and in the rows of `retention_batches`. */
  readonly effect: string
  /** What makes a row old enough: the rule's age, by the run's cut-off, or another of its own. */
  readonly age: Age
  /** A further condition; null: none. */
  readonly condition: string | null
  /** The rows go; else they are changed. */
  readonly removes: boolean
}

/** Why rows stay that are old enough: SQL conditions that a row must meet to be taken. */
export interface Stays {
  /** No legal hold reaches it; `true`: there are none. */
  readonly notHeld: string
  /** Nothing refers to it that would refuse its deletion; `true`: nothing could. */
  readonly notReferred: string
}

export const NOTHING_STAYS: Stays = { notHeld: 'true', notReferred: 'true' }

/** Values that every statement of a run is given, in this order: `$1` and `$2`. */
export const RUN_PARAMETERS = { cutoff: '$1::timestamptz', startedAt: '$2::timestamptz' } as const

export interface Moments {
  readonly cutoff: string
  readonly startedAt: string
}

/** Below which a row of the phase is old enough. */
export const cutoffOf = ({ age }: RetentionRule, phase: Phase, given: Moments): string =>
  phase.age === age ? given.cutoff : `(${given.startedAt} - ${spanText(phase.age.span)})`

/** `"drafts"."created_at" < $1::timestamptz and …`: all that must hold for a row, now, to be taken. */
export function eligible(
  rule: RetentionRule,
  phase: Phase,
  { notHeld, notReferred }: Stays,
  given: Moments = RUN_PARAMETERS,
): string {
  const { target, where, floors } = rule
  return [
    olderThan(target, phase.age, cutoffOf(rule, phase, given)),
    // Every statement takes both values, whether its phase needs them or not.
    `${RUN_PARAMETERS.cutoff} is not null and ${RUN_PARAMETERS.startedAt} is not null`,
    ...(where === null ? [] : [`(${where})`]),
    ...(phase.condition === null ? [] : [`(${phase.condition})`]),
    ...(floors.keepLast === null ? [] : [notAmongLast(rule, floors.keepLast)]),
    ...(phase.removes && notReferred !== 'true' ? [notReferred] : []),
    ...(notHeld === 'true' ? [] : [`(${notHeld})`]),
  ].join('\n  and ')
}

/** Counts newer rows of the same parent, as far as it must. */
function notAmongLast(
  { target, age }: RetentionRule,
  { rows, per }: NonNullable<RetentionRule['floors']['keepLast']>,
): string {
  const own = (name: string): string => `${quoteIdentifier(target.name)}.${quoteIdentifier(name)}`
  const newer = (name: string): string => `newer.${quoteIdentifier(name)}`
  const [since, parent] = [age.column.name, per.name]
  return `(
    select pg_catalog.count(*) from (
      select from ${target.sql} as newer
      where ${newer(parent)} = ${own(parent)}
        and (${newer(since)} > ${own(since)} or (${newer(since)} = ${own(since)} and newer.ctid > ${own('ctid')}))
      limit ${rows}
    ) as newest
  ) >= ${rows}`
}
