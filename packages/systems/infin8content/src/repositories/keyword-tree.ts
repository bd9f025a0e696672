import type { Row } from '@tenantry/repository'
import type { keywords } from '../schema/index.ts'

/** A keyword with those that were found from it. */
export type KeywordTree = Row<typeof keywords> & { readonly children: KeywordTree[] }

/** The rows as trees, in their order on each level. */
export function treeOf(rows: readonly Row<typeof keywords>[]): KeywordTree[] {
  const nodes = new Map(rows.map((row) => [row.id, { ...row, children: [] as KeywordTree[] }]))
  const roots: KeywordTree[] = []
  for (const node of nodes.values()) {
    const parent = node.parentSeedKeywordId === null ? undefined : nodes.get(node.parentSeedKeywordId)
    ;(parent?.children ?? roots).push(node)
  }
  return roots
}
