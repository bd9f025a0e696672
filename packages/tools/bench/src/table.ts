/** What the benchmark prints. */

export interface Line {
  readonly scenario: string
  readonly measure: string
  readonly of: string
  readonly reference: string
  readonly ours: string
  readonly other: string
  readonly ratio: number
  readonly target?: { readonly relation: '≤' | '≥'; readonly value: number }
}

export function isMet({ ratio, target }: Line): boolean | undefined {
  if (target === undefined) return undefined
  return target.relation === '≤' ? ratio <= target.value : ratio >= target.value
}

const HEAD = ['scenario', 'measure', 'side', 'value', 'against', 'value', 'ratio', 'target', 'met']

export function renderTable(lines: readonly Line[]): string {
  const rows = lines.map((line) => {
    const { scenario, measure, of, reference, ours, other, ratio, target } = line
    const met = isMet(line)
    return [
      scenario,
      measure,
      of,
      ours,
      reference,
      other,
      `${ratio.toFixed(2)}×`,
      target === undefined ? '' : `${target.relation} ${target.value.toFixed(2)}×`,
      met === undefined ? '' : met ? 'yes' : 'NO',
    ]
  })
  const widths = HEAD.map((head, column) =>
    Math.max(head.length, ...rows.map((row) => row[column]?.length ?? 0)),
  )
  return [HEAD, widths.map((width) => '-'.repeat(width)), ...rows]
    .map((row) =>
      row
        .map((cell, column) => cell.padEnd(widths[column] ?? 0))
        .join('  ')
        .trimEnd(),
    )
    .join('\n')
}
