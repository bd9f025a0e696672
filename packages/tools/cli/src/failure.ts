import { inspect } from 'node:util'
import { TenantryError } from '@tenantry/core'

/** What went wrong and what to do about it, without a stack; with `debug` all that is known. */
export function describeFailure(error: unknown, debug: boolean): string {
  if (debug) return inspect(error, { depth: 5 })
  if (isExplained(error)) return error.message
  const text = error instanceof Error ? error.message || error.name : String(error)
  return `${text.split('\n', 1)[0] ?? ''} (--debug shows where this came from)`
}

/** For `--json`: the error as the library describes it, with its stable code where it has one. */
export function failureJson(error: unknown): unknown {
  if (error instanceof TenantryError) return error.toJSON()
  const { name, message } = error instanceof Error ? error : new Error(String(error))
  return { code: isExplained(error) ? error.code : null, name, message }
}

/** By its code: the configuration may have brought a second copy of the library. */
function isExplained(error: unknown): error is Error & { readonly code: string } {
  return (
    error instanceof Error &&
    'code' in error &&
    typeof error.code === 'string' &&
    error.code.startsWith('TENANTRY_')
  )
}
