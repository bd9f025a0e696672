import type { Finding } from '@tenantry/core'
import type { TriggerObject } from '@tenantry/ddl'
import type { Declared } from '../declared.ts'
import type { Deparsed } from '../deparse.ts'
import type { LiveRelation } from '../queries/relations.ts'
import type { LiveTrigger } from '../queries/triggers.ts'
import { finding, restore } from './finding.ts'
import { isPart } from './tables.ts'

/** Whether the declared triggers fire as declared, foreign keys are enforced, and no others are there. */
export function triggerFindings(
  declared: Declared,
  deparsed: Deparsed,
  live: readonly LiveTrigger[],
  relations: readonly LiveRelation[],
): readonly Finding[] {
  const roots = new Map(relations.map(({ label, root }) => [label, root]))
  const concerned = live.filter((trigger) => {
    const label = labelOf(trigger)
    return declared.guarded.has(label) || isPart(declared, roots.get(label) ?? null)
  })
  const departed = declared.triggers.flatMap((object) => {
    if (!roots.has(object.on)) return []
    const found = live.find(
      (trigger) => !trigger.internal && labelOf(trigger) === object.on && trigger.name === object.name,
    )
    return compare(object, found, deparsed)
  })
  const known = new Set(declared.triggers.map((object) => JSON.stringify([object.on, object.name])))
  const others = concerned.flatMap((trigger) => {
    const label = labelOf(trigger)
    if (known.has(JSON.stringify([label, trigger.name]))) return []
    if (trigger.enabled === 'disabled') return [disabled(label, trigger)]
    return trigger.internal ? [] : [unknown(label, trigger)]
  })
  return [...departed, ...others]
}

const labelOf = ({ schema, table }: LiveTrigger): string => `${schema}.${table}`

function compare(
  object: TriggerObject,
  live: LiveTrigger | undefined,
  deparsed: Deparsed,
): readonly Finding[] {
  const { on, name, id, create, drop, enable } = object
  if (live === undefined)
    return [finding('trigger-missing', on, `The trigger ${name} is missing`, restore(...create))]
  if (live.enabled === 'disabled') return [disabled(on, live)]
  const wanted = deparsed.triggers.get(id)
  const refusal = deparsed.refused.get(id)
  if (refusal !== undefined) {
    return [
      finding(
        'trigger-not-comparable',
        on,
        `The trigger ${name} could not be compared with its declaration: ${refusal}`,
        'Create what it needs, and verify as the role that migrates',
      ),
    ]
  }
  const enabled = live.enabled === enable
  if (enabled && (wanted === undefined || wanted.definition === live.definition)) return []
  return [
    finding(
      'trigger-changed',
      on,
      enabled
        ? `The trigger ${name} is not as declared: ${live.definition}`
        : `The trigger ${name} is enabled for ${live.enabled}, not ${enable}`,
      restore(...drop, ...create),
    ),
  ]
}

function disabled(label: string, { name, internal }: LiveTrigger): Finding {
  return finding(
    'trigger-disabled',
    label,
    internal
      ? 'A foreign key of it is not enforced: its triggers are disabled'
      : `The trigger ${name} is disabled`,
    `alter table ${label} enable trigger ${internal ? 'all' : `"${name}"`}`,
  )
}

function unknown(label: string, { name }: LiveTrigger): Finding {
  return finding(
    'trigger-undeclared',
    label,
    `The trigger ${name} is not declared; it sees and may change every row that is written`,
    `Declare it with trigger(), or drop it`,
  )
}
