/** One scenario, measured as it asks. */
import type { Clients } from './clients.ts'
import {
  concurrentBlock,
  interleave,
  medianRatio,
  type Rounds,
  serialBlock,
  type Turns,
  typical,
} from './interleave.ts'
import type { Measure, Scenario, SideName } from './scenario.ts'
import type { Seed } from './seed.ts'
import type { Line } from './table.ts'

/** Callers that share the ten connections of a side: twice as many, so that none is ever idle. */
const CALLERS = 20

export interface Setup {
  readonly seed: Seed
  /** One connection a side, for the time of a call. */
  readonly single: Clients
  /** Ten connections a side, for throughput. */
  readonly many: Clients
}

export async function measure(
  scenario: Scenario,
  { seed, single, many }: Setup,
  turns: Turns,
): Promise<readonly Line[]> {
  const rounds: Partial<Record<Measure, Rounds>> = {
    p50: await interleave(scenario.sides(single, seed), turns, serialBlock(scenario.block)),
    ...(scenario.concurrent
      ? {
          throughput: await interleave(
            scenario.sides(many, seed),
            turns,
            concurrentBlock(scenario.block * 5, CALLERS),
          ),
        }
      : {}),
  }
  return scenario.targets.map(({ measure, against, ratio, of = 'ours' }) => {
    const measured: Rounds = rounds[measure] ?? new Map()
    return {
      scenario: scenario.name,
      measure,
      of: SIDES[of],
      reference: SIDES[against],
      ours: quantity(measure, typical(measured, of)),
      other: quantity(measure, typical(measured, against)),
      ratio: medianRatio(measured, of, against),
      ...(ratio === undefined
        ? {}
        : { target: { relation: measure === 'p50' ? '≤' : '≥', value: ratio } as const }),
    }
  })
}

const SIDES: Readonly<Record<SideName, string>> = {
  ours: 'tenantry',
  privileged: 'tenantry, privileged login',
  raw: 'postgres.js without RLS',
  usual: 'Drizzle, set_config in a transaction',
}

function quantity(measure: Measure, value: number): string {
  if (measure === 'throughput') return `${Math.round(value)}/s`
  return value >= 10_000 ? `${(value / 1000).toFixed(1)} ms` : `${Math.round(value)} µs`
}
