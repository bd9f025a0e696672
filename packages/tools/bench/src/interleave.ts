/**
 * Sides take turns in short blocks, in one process, in an order that rotates: what the machine does meanwhile
 * hits all of them. A ratio is taken within a round, and the median over the rounds is what counts. Taking turns
 * call by call instead would measure the scheduler: each side would wake connections that have gone cold.
 */
import type { Call, SideName } from './scenario.ts'

type Sides = Readonly<Partial<Record<SideName, Call>>>

/** What one side did in one round: microseconds for p50, calls per second for throughput. */
export type Rounds = ReadonlyMap<SideName, readonly number[]>

export interface Turns {
  readonly rounds: number
  /** Rounds that aren't counted: connections are opened, statements prepared, code compiled. */
  readonly warmUp: number
}

export async function interleave(
  sides: Sides,
  turns: Turns,
  block: (call: Call, first: number) => Promise<number>,
): Promise<Rounds> {
  const names = Object.keys(sides) as SideName[]
  const results = new Map<SideName, number[]>(names.map((name) => [name, []]))
  for (let round = -turns.warmUp; round < turns.rounds; round++) {
    for (let turn = 0; turn < names.length; turn++) {
      const name = names[(turn + round + turns.warmUp) % names.length]
      const call = name === undefined ? undefined : sides[name]
      if (name === undefined || call === undefined) continue
      const value = await block(call, (round + turns.warmUp) * 10_000)
      if (round >= 0) results.get(name)?.push(value)
    }
  }
  return results
}

/** One call after the other: the median time of a call, in microseconds. */
export function serialBlock(calls: number): (call: Call, first: number) => Promise<number> {
  return async (call, first) => {
    const times: number[] = []
    for (let index = 0; index < calls; index++) {
      const started = performance.now()
      await call(first + index)
      times.push((performance.now() - started) * 1000)
    }
    return median(times)
  }
}

/** Callers that each ask again as soon as they are answered: calls per second. */
export function concurrentBlock(
  calls: number,
  callers: number,
): (call: Call, first: number) => Promise<number> {
  return async (call, first) => {
    let next = first
    const caller = async (): Promise<void> => {
      while (next < first + calls) await call(next++)
    }
    const started = performance.now()
    await Promise.all(Array.from({ length: callers }, caller))
    return calls / ((performance.now() - started) / 1000)
  }
}

export function median(values: readonly number[]): number {
  const sorted = [...values].sort((a, b) => a - b)
  const middle = Math.floor(sorted.length / 2)
  const upper = sorted[middle] ?? Number.NaN
  return sorted.length % 2 === 1 ? upper : ((sorted[middle - 1] ?? Number.NaN) + upper) / 2
}

/** The median of the ratios of each round. */
export function medianRatio(rounds: Rounds, of: SideName, against: SideName): number {
  const reference = rounds.get(against) ?? []
  return median((rounds.get(of) ?? []).map((value, round) => value / (reference[round] ?? Number.NaN)))
}

/** A side's middle value, for the eye: ratios are taken round by round. */
export function typical(rounds: Rounds, side: SideName): number {
  return median(rounds.get(side) ?? [])
}
