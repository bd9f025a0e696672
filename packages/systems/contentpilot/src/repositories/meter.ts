import type { Executor } from '@tenantry/core'
import type { ResourceType } from '../types/enums.ts'
import { type MeteredCallInput } from '../types/inputs.ts'
import { usage } from './usage.ts'

/** Notes what a verb cost, in the verb's own transaction. */
export async function meter(
  within: Executor,
  resourceType: ResourceType,
  resourceId: string | null,
  call: MeteredCallInput,
): Promise<void> {
  await usage.bind(within).record({ ...call, resourceType, resourceId })
}
