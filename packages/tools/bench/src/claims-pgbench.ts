/** The floor: pgbench runs the very statements of a claim and its finishing, without a library in between. */
import type { CompiledQuery } from '@tenantry/core'
import { getTableColumns } from 'drizzle-orm'
import { jobClaims, jobs } from './claims-database.ts'
import { SERVICE, sent } from './claims-sent.ts'
import { pgbench } from './pgbench.ts'

const names = ({ params }: CompiledQuery): readonly string[] =>
  params.map((param) => String(Reflect.get(Object(param), 'name')))

function filled(query: CompiledQuery, values: Readonly<Record<string, string>>): string {
  const parameters = names(query)
  return query.text.replaceAll(
    /\$(\d+)/g,
    (_, number: string) => values[parameters[Number(number) - 1] ?? ''] ?? 'null',
  )
}

/** The claim as a CTE `taken` of the three columns that finishing needs, whose answer pgbench couldn't keep else. */
function named(claim: string): string {
  const answer = claim.lastIndexOf('\nselect c0')
  if (answer < 0) {
    return claim
      .replace('\nupdate ', ',\ntaken as (\nupdate ')
      .replace(/returning [\s\S]*$/, 'returning job.id, job.user_id, job.lease_token)')
  }
  const properties = Object.keys(getTableColumns(jobs))
  const columns = (['id', 'userId', 'leaseToken'] as const).map((name) => `c${properties.indexOf(name) + 1}`)
  const order = claim.slice(claim.lastIndexOf('order by'))
  return `${claim.slice(0, answer)},
taken (id, user_id, lease_token) as (select ${columns.join(', ')} from claimed ${order})`
}

/** Two statements, as a pgbench script that hands the claim's answer to the finishing. */
export async function claimScript(batch: number): Promise<string> {
  const { query: claim } = await sent((executor) => jobClaims.claim(executor, { limit: batch }), SERVICE)
  const held = Array.from({ length: batch }, () => ({ claim: { id: '', tenant: '', token: '' } }))
  const { query: finish } = await sent((executor) => jobClaims.finishAll(executor, held), SERVICE)
  const finishing = filled(finish, {
    ids: ':ids',
    tenants: ':tenants',
    tokens: ':tokens',
    presented: ':presented',
    states: ':states',
  })
  return `${named(filled(claim, { seconds: '300' }).trim())}
select array_agg(id)::text as ids, array_agg(user_id)::text as tenants, array_agg(lease_token)::text as tokens,
  string_agg(lease_token::text, ',') as presented, array_agg('done'::text)::text as states
from taken \\gset
${finishing};
`
}

/** Rows a second, or null where there is no pgbench. */
export async function pgbenchRate(
  url: string,
  { batch, clients, rows }: { readonly batch: number; readonly clients: number; readonly rows: number },
): Promise<number | null> {
  const transactions = Math.floor(rows / batch / clients)
  const rate = await pgbench(url, await claimScript(batch), { clients, transactions })
  return rate === null ? null : rate * batch
}
