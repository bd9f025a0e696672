/** Every status but the workflow's: raw SQL takes the documented steps, and no other. */
import { afterAll, beforeAll, expect, test } from 'vitest'
import {
  ARTICLE_PUBLISH_STATUSES,
  ARTICLE_STATUSES,
  EXPANSION_STATUSES,
  FILTER_STATUSES,
  INVITATION_STATUSES,
  KEYWORD_ARTICLE_STATUSES,
  PUBLISH_STATUSES,
  SECTION_STATUSES,
} from '../src/types.ts'
import { type ContentDatabase, contentDatabase } from './support/content.ts'
import { seedEverything } from './support/rows.ts'

let place: ContentDatabase
beforeAll(async () => {
  place = await contentDatabase()
})
afterAll(() => place?.close())

/** A lease that somebody else has: without its token nobody ends it, and no other way leads into one. */
const LEASED = `, lease_token = gen_random_uuid(), available_at = now() + interval '1 hour'`

/** Column, states, steps (written out here and not read from the machines), and what else a row of a state has. */
const MACHINES: readonly (readonly [string, readonly string[], string, string])[] = [
  [
    'keywords.longtail_status',
    EXPANSION_STATUSES,
    'not_started>processing processing>complete processing>failed complete>processing failed>processing',
    '',
  ],
  [
    'keywords.subtopics_status',
    EXPANSION_STATUSES,
    'not_started>processing processing>complete processing>failed complete>processing failed>processing',
    '',
  ],
  [
    'keywords.article_status',
    KEYWORD_ARTICLE_STATUSES,
    'not_started>ready ready>processing ready>not_started processing>complete processing>failed complete>ready failed>ready failed>processing',
    '',
  ],
  [
    'keywords.filter_status',
    FILTER_STATUSES,
    'not_started>approved not_started>rejected approved>rejected rejected>approved',
    '',
  ],
  [
    'articles.status',
    ARTICLE_STATUSES,
    'draft>generating generating>completed generating>failed failed>generating failed>draft completed>published completed>generating',
    '',
  ],
  [
    'articles.publish_status',
    ARTICLE_PUBLISH_STATUSES,
    'not_published>publishing publishing>published publishing>failed published>publishing failed>publishing failed>not_published',
    '',
  ],
  ['organization_invitations.status', INVITATION_STATUSES, 'pending>accepted pending>revoked', ''],
  ['article_sections.status', SECTION_STATUSES, 'completed>pending failed>pending', LEASED],
  ['publish_references.publish_status', PUBLISH_STATUSES, 'published>pending failed>pending', LEASED],
]

test.each(MACHINES)('raw SQL takes each step of %s and no other', async (name, states, steps, also) => {
  const [table = '', column = ''] = name.split('.')
  const { organizationId } = await seedEverything(place)
  const one = `${table} set`
  const which = `where id = (select id from ${table} where organization_id = '${organizationId}' order by id limit 1)`
  const taken: string[] = []
  for (const from of states) {
    for (const to of states.filter((state) => state !== from)) {
      await place.database.driver
        .transaction({}, async (connection) => {
          await connection.script(
            `set local session_replication_role = replica;
             update ${one} ${column} = '${from}'${also} ${which};
             set local session_replication_role = origin`,
          )
          await connection.script(`update ${one} ${column} = '${to}' ${which}`)
          taken.push(`${from}>${to}`)
        })
        .catch((error: unknown) => expect(error).toMatchObject({ code: 'TENANTRY_STALE_TRANSITION' }))
    }
  }
  expect(taken.toSorted()).toEqual(steps.split(' ').toSorted())
})
