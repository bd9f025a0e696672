/** Rewrites Drizzle's statements where an object says so, also when Drizzle itself has nothing to change. */
import { ConfigurationError, type StatementAmendment } from '@tenantry/core'
import type { DeclaredObject } from '../declared.ts'
import type { DrizzleDiff } from './drizzle.ts'
import type { StoredObjects } from './snapshot.ts'

/**
 * Drizzle's statements with every amendment in its place. One that came, went or changed while its foreign
 * key stayed makes the key anew; a table that exists can't be amended, and that is an error.
 */
export async function amendStatements(
  diff: DrizzleDiff,
  objects: readonly DeclaredObject[],
  previous: StoredObjects,
): Promise<readonly string[]> {
  const changes = await diff.changes()
  const declared = objects.filter((object) => object.amend !== undefined)
  const statements = declared.reduce<readonly string[]>(
    (texts, object) => (object.amend ?? []).reduce((amended, amendment) => amend(amended, amendment), texts),
    changes,
  )
  const changed = declared.filter(
    (object) => JSON.stringify(previous[object.id]?.amend ?? null) !== JSON.stringify(object.amend),
  )
  const ids = new Set(declared.map((object) => object.id))
  const removed = Object.entries(previous).filter(
    ([id, object]) => object.amend !== undefined && !ids.has(id),
  )
  const open = [
    ...changed.map((object) => ({ id: object.id, amend: object.amend ?? [], put: true })),
    ...removed.map(([id, object]) => ({ id, amend: object.amend ?? [], put: false })),
  ].flatMap(({ id, amend: amendments, put }) =>
    amendments
      .filter((amendment) => !changes.some((text) => text.includes(amendment.match)))
      .map((amendment) => ({ id, amendment, put })),
  )
  if (open.length === 0) return statements
  const all = await diff.fromNothing()
  return [...statements, ...open.flatMap(({ id, amendment, put }) => remake(all, id, amendment, put))]
}

function amend(statements: readonly string[], amendment: StatementAmendment): readonly string[] {
  return statements.map((text) => (text.includes(amendment.match) ? rewrite(text, amendment) : text))
}

function rewrite(text: string, { match, replace, put }: StatementAmendment): string {
  if (replace === undefined) return text + put
  if (!text.includes(replace)) {
    throw new ConfigurationError(`The generated statement has no "${replace}": ${match}`, {
      hint: "Declare the foreign key with onDelete('set null')",
    })
  }
  return text.replace(replace, () => put)
}

function remake(
  all: readonly string[],
  id: string,
  amendment: StatementAmendment,
  put: boolean,
): readonly string[] {
  const text = all.find((candidate) => candidate.includes(amendment.match))
  if (text === undefined) {
    if (!put) return []
    throw new ConfigurationError(`"${id}" applies to nothing that Drizzle declares: ${amendment.match}`)
  }
  const constraint = /^(ALTER TABLE .+?) ADD CONSTRAINT ("(?:[^"]|"")+")/.exec(text)
  if (constraint === null) {
    throw new ConfigurationError(
      `"${id}" can't ${put ? 'be added to' : 'be taken from'} a table that exists`,
      {
        hint: 'Write that migration by hand: make a new table, move the rows, swap the names',
      },
    )
  }
  return [`${constraint[1]} DROP CONSTRAINT ${constraint[2]}`, put ? rewrite(text, amendment) : text]
}
