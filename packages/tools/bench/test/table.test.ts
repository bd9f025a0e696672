import { describe, expect, it } from 'vitest'
import { interleave, median, medianRatio, serialBlock } from '../src/interleave.ts'
import { isMet, type Line, renderTable } from '../src/table.ts'

const line = (ratio: number, relation: '≤' | '≥'): Line => ({
  scenario: 's',
  measure: 'p50',
  of: 'a',
  reference: 'b',
  ours: '1',
  other: '2',
  ratio,
  target: { relation, value: 1 },
})

describe('a target', () => {
  it('is met up to its value in a time, from its value in a throughput', () => {
    expect([0.9, 1, 1.1].map((ratio) => isMet(line(ratio, '≤')))).toEqual([true, true, false])
    expect([0.9, 1, 1.1].map((ratio) => isMet(line(ratio, '≥')))).toEqual([false, true, true])
  })

  it('that is missed is seen in the table', () => {
    expect(renderTable([line(2, '≤')])).toMatch(/2\.00× +≤ 1\.00× +NO$/)
  })
})

describe('sides', () => {
  it('take turns in an order that rotates, and a ratio is taken within a round', async () => {
    const order: string[] = []
    const values: Record<string, number[]> = { ours: [0, 4, 30], raw: [0, 2, 10] }
    const side = (name: string) => async () => order.push(name)
    const rounds = await interleave(
      { ours: side('ours'), raw: side('raw') },
      { rounds: 2, warmUp: 1 },
      async (call) => {
        await call(0)
        return values[order.at(-1) ?? '']?.shift() ?? Number.NaN
      },
    )
    expect(order).toEqual(['ours', 'raw', 'raw', 'ours', 'ours', 'raw'])
    expect(rounds.get('ours')).toEqual([4, 30])
    expect(medianRatio(rounds, 'ours', 'raw')).toBe(2.5)
  })

  it('are measured by the median of their calls', async () => {
    expect(median([5, 1, 3])).toBe(3)
    expect(median([4, 1, 2, 3])).toBe(2.5)
    expect(await serialBlock(3)(async () => undefined, 0)).toBeGreaterThan(0)
  })
})
