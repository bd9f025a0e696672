import { ConfigurationError } from '@tenantry/core'
import type { GenerateTarget, OperableSystem, TenantryConfig } from './config.ts'
import { selectSystems } from './systems.ts'

export interface SystemTarget {
  readonly system: OperableSystem
  readonly target: GenerateTarget
}

/**
 * Whose migrations are written here, and where: the system that `--system` names, or every one that the
 * configuration's `generate` names.
 *
 * @throws ConfigurationError where that is none.
 */
export function selectTargets(config: TenantryConfig, named: string | undefined): readonly SystemTarget[] {
  const targets = selectSystems(config, named).flatMap((system) => {
    const target = config.generate?.[system.definition.name]
    return target === undefined ? [] : [{ system, target }]
  })
  if (targets.length > 0) return targets
  throw new ConfigurationError(
    `The configuration names no folder for the migrations of ${named ?? 'any system'}`,
    { hint: 'Add `generate: { <system>: { directory: … } }` to it' },
  )
}
