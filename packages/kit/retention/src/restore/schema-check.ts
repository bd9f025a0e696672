import type { TableShape } from '../engine/shape.ts'

/** How a table departs from what it was when rows were archived, in sentences that name the column. */
export function changesSince(
  then: Pick<TableShape, 'columns' | 'primaryKey'>,
  now: Pick<TableShape, 'columns' | 'primaryKey'>,
): readonly string[] {
  const before = new Map(then.columns.map((column) => [column.name, column]))
  const after = new Map(now.columns.map((column) => [column.name, column]))
  return [
    ...then.columns.flatMap(({ name, type, notNull, generated }) => {
      const found = after.get(name)
      if (found === undefined) return [`${name} is gone`]
      return [
        ...(found.type === type ? [] : [`${name} was ${type} and is ${found.type}`]),
        ...(found.notNull && !notNull ? [`${name} may no longer be null`] : []),
        ...(found.generated === generated
          ? []
          : [`${name} is ${found.generated ? '' : 'no longer '}generated`]),
      ]
    }),
    ...now.columns.filter(({ name }) => !before.has(name)).map(({ name }) => `${name} is new`),
    ...(then.primaryKey.join('\0') === now.primaryKey.join('\0') ? [] : ['the primary key is another']),
  ]
}
