/**
 * Where two catalogs differ, one line for each place: `-` what only the first has, `+` what only the second
 * has, `~` what both have with different values.
 */
export function differences(before: unknown, after: unknown, path = ''): readonly string[] {
  if (isObject(before) && isObject(after)) {
    const keys = [...new Set([...Object.keys(before), ...Object.keys(after)])].toSorted()
    return keys.flatMap((key) => {
      const place = path === '' ? key : `${path} › ${key}`
      if (!Object.hasOwn(after, key)) return [`- ${place}`]
      if (!Object.hasOwn(before, key)) return [`+ ${place}`]
      return differences(before[key], after[key], place)
    })
  }
  const [left, right] = [JSON.stringify(before), JSON.stringify(after)]
  return left === right ? [] : [`~ ${path}: ${left} → ${right}`]
}

function isObject(value: unknown): value is Readonly<Record<string, unknown>> {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}
