/** Repostr's project with its files and outputs, against the same query by hand without row security. */
import { connect } from '@tenantry/core'
import { repostr } from '@tenantry/repostr'
import postgres from 'postgres'
import { interleave, medianRatio, serialBlock, typical } from './interleave.ts'
import { createLoginDatabase } from './login-database.ts'
import { expectRows, pick } from './pick.ts'
import type { Line } from './table.ts'

/** Of the specification: 30 files and 100 outputs of 10 kB in 10 projects. */
const FILES = 3
const OUTPUTS = 10

const SEED = (projects: number) => `
insert into projects (user_id, title) select 'user_' || n % 100, 'Episode ' || n from generate_series(1, ${projects}) as n;
insert into files (user_id, project_id, path, mime_type, size_bytes)
select user_id, id, user_id || '/' || id || '/' || n || '.mp3', 'audio/mpeg', n
from projects, generate_series(1, ${FILES}) as n;
insert into outputs (user_id, project_id, kind, request, body, metadata)
select user_id, id, 'blog', '{"topic": "AI"}', repeat('word ', 2000), '{"word_count": 2000}'
from projects, generate_series(1, ${OUTPUTS});`

export async function contentLines(serverUrl: string, quick: boolean): Promise<readonly Line[]> {
  const database = await createLoginDatabase(serverUrl, async (ownerUrl) => {
    await migrate(ownerUrl)
    await seed(ownerUrl, quick ? 500 : 3000)
  })
  const raw = postgres(database.ownerUrl, { max: 1, onnotice: () => {} })
  const app = await connect({ url: database.appUrl, maxConnections: 1 })
  const system = repostr(app)
  try {
    const [first, ...others] = await raw<{ id: string; user_id: string }[]>`select id, user_id from projects`
    if (first === undefined) throw new Error('Nothing was seeded')
    const projects = [first, ...others] as const
    const sides = {
      async ours(index: number) {
        const { id, user_id: userId } = pick(projects, index)
        return expectRows((await system.as({ userId }).projects.contents(id)).outputs, OUTPUTS)
      },
      async raw(index: number) {
        const { id, user_id: userId } = pick(projects, index)
        const [project] = await raw<{ outputs: unknown[] }[]>`
          select projects.*,
            (
              select coalesce(json_agg(files order by files.created_at, files.id), '[]')
              from files where files.user_id = ${userId} and files.project_id = projects.id
            ) as files,
            (
              select coalesce(json_agg(outputs order by outputs.created_at desc, outputs.id desc), '[]')
              from outputs where outputs.user_id = ${userId} and outputs.project_id = projects.id
            ) as outputs
          from projects where projects.user_id = ${userId} and projects.id = ${id}`
        return expectRows(project?.outputs ?? [], OUTPUTS)
      },
    }
    const turns = quick ? { rounds: 6, warmUp: 2 } : { rounds: 30, warmUp: 4 }
    const rounds = await interleave(sides, turns, serialBlock(50))
    const micro = (side: 'ours' | 'raw') => `${Math.round(typical(rounds, side))} µs`
    return [
      {
        scenario: 'project with files and outputs',
        measure: 'p50',
        of: 'tenantry',
        reference: 'the query by hand',
        ours: micro('ours'),
        other: micro('raw'),
        ratio: medianRatio(rounds, 'ours', 'raw'),
        target: { relation: '≤', value: 1.2 },
      },
    ]
  } finally {
    await app.close()
    await raw.end({ timeout: 5 })
    await database.remove()
  }
}

/**
 * On a connection of its own: a session that has seeded keeps the memory that it took, and would answer large rows
 * in half the time of a fresh one.
 */
async function seed(ownerUrl: string, projects: number): Promise<void> {
  const owner = postgres(ownerUrl, { max: 1, onnotice: () => {} })
  await owner.unsafe(SEED(projects))
  await owner`vacuum analyze`
  await owner.end({ timeout: 5 })
}

async function migrate(ownerUrl: string): Promise<void> {
  const owner = await connect(ownerUrl)
  await repostr(owner)
    .migrate()
    .finally(() => owner.close())
}
