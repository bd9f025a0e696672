/** Repostr's project with its files and outputs. */
import { repostr } from '@tenantry/repostr'
import { type ByHand } from './by-hand.ts'
import { expectRows, pick } from './pick.ts'

/** Of the specification: 30 files and 100 outputs of 10 kB in 10 projects. */
const FILES = 3
const OUTPUTS = 10

const SEED = (projects: number) => `
insert into subscriptions (user_id, plan) select 'user_' || n, 'business' from generate_series(0, 99) as n;
insert into projects (user_id, title) select 'user_' || n % 100, 'Episode ' || n from generate_series(1, ${projects}) as n;
insert into files (user_id, project_id, path, mime_type, size_bytes)
select user_id, id, user_id || '/' || id || '/' || n || '.mp3', 'audio/mpeg', n
from projects, generate_series(1, ${FILES}) as n;
insert into outputs (user_id, project_id, kind, request, body, metadata)
select user_id, id, 'blog', '{"topic": "AI"}', repeat('word ', 2000), '{"word_count": 2000}'
from projects, generate_series(1, ${OUTPUTS});`

export const projectContents = (quick: boolean): ByHand<ReturnType<typeof repostr>> => ({
  scenario: 'project with files and outputs',
  system: repostr,
  seed: SEED(quick ? 500 : 3000),
  block: 50,
  async sides(system, raw) {
    const [first, ...others] = await raw<{ id: string; user_id: string }[]>`select id, user_id from projects`
    if (first === undefined) throw new Error('Nothing was seeded')
    const projects = [first, ...others] as const
    return {
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
  },
})
