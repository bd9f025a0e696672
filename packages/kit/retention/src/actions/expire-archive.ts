/** The end of what was archived: objects leave the store when they have been kept long enough there too. */
import { quoteIdentifier, quoteLiteral } from '@tenantry/ddl'
import type { RetentionAction } from '../action.ts'
import type { Work } from '../engine/work.ts'
import { RetentionRefusedError } from '../errors.ts'
import { inForce } from '../holds/active.ts'
import { eligible, type Phase } from '../rule/phase.ts'
import { defineRetention } from '../rule/define.ts'
import type { AgeOptions } from '../rule/options.ts'
import type { RetentionRule } from '../rule/rule.ts'
import { archiveSegments } from '../tables.ts'

/**
 * A rule of its own, called `<name>_archive`: objects that `of` archived so long ago are removed from the store, and
 * from the manifest. Counted from when an object was archived, so its rows are older still by the age of `of`. While
 * any legal hold is in force, nothing is removed: what an object holds isn't known without reading it.
 */
export function expireArchive(
  of: RetentionRule,
  age: Pick<AgeOptions<typeof archiveSegments>, 'days' | 'months' | 'years'>,
): RetentionRule {
  return defineRetention(archiveSegments, {
    name: `${of.name}_archive`,
    age: { column: 'createdAt', ...age },
    action: expiry(of.name),
    // An archive that is older than the rule goes whole.
    floors: { maxFraction: null },
  })
}

function expiry(ruleName: string): RetentionAction {
  return {
    kind: 'expire-archive',
    privileges: { delete: true },
    archives: true,
    cascades: false,
    phases: ({ age, target }) => [
      {
        effect: 'expire',
        age,
        condition: `${quoteIdentifier(target.name)}.rule = ${quoteLiteral(ruleName)} and not exists (select from tenantry.legal_holds as hold where ${inForce('hold')})`,
        removes: true,
      },
    ],
    async run(work) {
      for (const phase of work.phases) {
        while ((await work.proceed()) && (await expireOne(work, phase))) work.tally.add(phase.effect, 1)
      }
    },
  }
}

/**
 * The object first: without it the row says what is missing and the next run goes on; the other way round it would
 * stay in the store for ever. No hold can be placed meanwhile.
 */
async function expireOne(work: Work, phase: Phase): Promise<boolean> {
  const { rule, store, parameters, run, fence } = work
  if (store === null) throw new RetentionRefusedError(`The rule ${rule.name} has no archive store`)
  return work.change(async (connection, stays) => {
    const found = await connection.query({
      text: `select id::text, key from ${rule.target.sql} where ${eligible(rule, phase, stays)} order by created_at, id limit 1`,
      params: [...parameters],
    })
    const [id, key] = found.rows[0] ?? []
    if (id === undefined) return false
    await store.remove(String(key))
    await connection.query({ text: `delete from ${rule.target.sql} where id = $1::uuid`, params: [id] })
    await connection.query({
      text: `
insert into tenantry.retention_batches (run_id, segment_id, fence, effect, changed)
values ($1::uuid, $2::uuid, $3::bigint, $4, 1)`,
      params: [run.id, id, fence, phase.effect],
    })
    return true
  })
}
