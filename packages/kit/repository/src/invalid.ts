/** Refused input, always as a ValidationError that names the field. */
import { type InputIssue, ValidationError } from '@tenantry/core'
import type { z } from 'zod'

export function invalid(table: string, path: readonly PropertyKey[], message: string): ValidationError {
  return refused(table, [{ path: dotted(path), message }])
}

/** Zod's issues as ours; an unknown field is named in the path, where a form can find it. */
export function refusedByZod(
  table: string,
  error: z.ZodError,
  at: readonly PropertyKey[] = [],
): ValidationError {
  return refused(
    table,
    error.issues.flatMap((issue) =>
      issue.code === 'unrecognized_keys'
        ? issue.keys.map((key) => ({
            path: dotted([...at, ...issue.path, key]),
            message: 'No such field may be given',
          }))
        : [{ path: dotted([...at, ...issue.path]), message: issue.message }],
    ),
  )
}

function refused(table: string, issues: readonly InputIssue[]): ValidationError {
  const list = issues.map(({ path, message }) => (path === '' ? message : `${path}: ${message}`)).join('; ')
  return new ValidationError(`Invalid input for ${table}: ${list}`, issues, { table })
}

function dotted(path: readonly PropertyKey[]): string {
  return path.map(String).join('.')
}
