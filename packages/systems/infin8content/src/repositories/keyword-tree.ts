import type { Row } from '@tenantry/repository'
import type { keywords } from '../schema/index.ts'

/** A keyword with those that were found from it. */
export type KeywordTree = Row<typeof keywords> & { readonly children: KeywordTree[] }

/** Makes trees of the rows themselves, in their order on each level: copies of fifty thousand would cost as much as reading them. */
export function treeOf(rows: readonly Row<typeof keywords>[]): KeywordTree[] {
  const nodes = new Map<string, KeywordTree>()
  for (const row of rows) nodes.set(row.id, Object.assign(row, { children: [] }))
  const roots: KeywordTree[] = []
  for (const node of nodes.values()) {
    const parent = node.parentSeedKeywordId === null ? undefined : nodes.get(node.parentSeedKeywordId)
    ;(parent?.children ?? roots).push(node)
  }
  return roots
}
