/** The same rows in the same order for every side. */
export function pick<T>(values: readonly [T, ...T[]] | readonly T[], index: number): T {
  const value = values[index % values.length]
  if (value === undefined) throw new Error('There is nothing to pick from')
  return value
}

/** An answer that isn't what was asked for would make a fast benchmark. */
export function expectRows<T>(rows: readonly T[], count: number): readonly T[] {
  if (rows.length !== count) throw new Error(`${rows.length} rows instead of ${count}`)
  return rows
}
