import type { RetentionAction } from '../action.ts'
import { changeInBatches } from '../engine/batches.ts'

export function deleteRows(): RetentionAction {
  return {
    kind: 'delete',
    privileges: { delete: true },
    archives: false,
    cascades: true,
    phases: ({ age }) => [{ effect: 'delete', age, condition: null, removes: true }],
    async run(work) {
      for (const phase of work.phases) await changeInBatches(work, phase, null)
    },
  }
}
