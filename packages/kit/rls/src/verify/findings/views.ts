import type { Finding } from '@tenantry/core'
import type { DependentView } from '../queries/views.ts'
import { finding } from './finding.ts'

/** Whether every view over rows of tenants reads with its reader's rights. */
export function viewFindings(views: readonly DependentView[]): readonly Finding[] {
  return views.flatMap(({ label, kind, invoker, over }) => {
    if (kind !== 'view' || invoker) return []
    return [
      finding(
        'view-not-security-invoker',
        label,
        `It shows ${over} with its owner's rights, whoever reads it`,
        `alter view ${label} set (security_invoker = true)`,
      ),
    ]
  })
}
