import { IsolationError, NotFoundError, type TenantryError } from '@tenantry/core'

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
    throw error instanceof NotFoundError && (await isThere()) ? roleTooLow(error) : error
  }
}

export function roleTooLow(cause: TenantryError): IsolationError {
  return new IsolationError('The role of the member is not enough for this', {
    table: cause.table,
    cause,
    hint: 'Owners and administrators manage members and invitations; owners are changed by owners alone',
  })
}
