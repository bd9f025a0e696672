import { IsolationError, NotFoundError } from '@tenantry/core'

/**
 * A change that policies keep to owners and administrators: to others the row can't be found for it. Tells
 * them so, where they can see the row.
 *
 * @throws IsolationError when the row is there and the member's role isn't enough.
 */
export async function managed<R>(change: () => Promise<R>, isThere: () => Promise<boolean>): Promise<R> {
  try {
    return await change()
  } catch (error) {
    if (error instanceof NotFoundError && (await isThere())) {
      throw new IsolationError('The role of the member is not enough for this', {
        table: error.table,
        cause: error,
        hint: 'Owners and administrators manage members and invitations; owners are changed by owners alone',
      })
    }
    throw error
  }
}
