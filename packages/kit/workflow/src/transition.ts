import { NotFoundError, StaleTransitionError } from '@tenantry/core'

/**
 * The row that a compare-and-set returned. When it returned none, another caller was faster or the row isn't
 * there for this tenant: `exists` is asked which, and the matching error is thrown.
 */
export async function transitioned<R>(
  rows: readonly R[],
  context: { readonly table: string; readonly to: string; readonly from: readonly string[] },
  exists: () => Promise<boolean>,
): Promise<R> {
  const [row] = rows
  if (row !== undefined) return row
  if (!(await exists())) {
    throw new NotFoundError(`There is no such row in ${context.table}`, { table: context.table })
  }
  throw new StaleTransitionError(
    `The row of ${context.table} can't become "${context.to}" from the state it is in`,
    {
      table: context.table,
      hint: `That needs it to be ${context.from.join(' or ')}; read it again and decide anew`,
    },
  )
}
