/** What can't work is refused where it is declared: by the compiler where it can see it, else as it is defined. */
import { ConfigurationError } from '@tenantry/core'
import { pgSchema, pgTable, text, timestamp, uuid } from 'drizzle-orm/pg-core'
import { describe, expect, it } from 'vitest'
import { definePlans, guard } from '../src/index.ts'

const subscriptions = pgTable('subscriptions', {
  userId: uuid('user_id').primaryKey(),
  plan: text('plan').notNull(),
  status: text('status', { enum: ['active', 'paused'] }).notNull(),
  until: timestamp('until', { withTimezone: true }),
})
const rows = pgTable('rows', { id: uuid('id').primaryKey(), userId: uuid('user_id').notNull() })
const keyless = pgTable('keyless', { userId: uuid('user_id').notNull() })
const elsewhere = pgSchema('elsewhere').table('rows', { userId: uuid('user_id').notNull() })

const features = {
  posts: { kind: 'metered', per: 'calendar_month' },
  topics: { kind: 'metered', per: 'calendar_month', subject: 'topic' },
  pillars: { kind: 'allocated' },
  files: { kind: 'allocated' },
} as const
const caps = { posts: 1, topics: 1, pillars: 1, files: null }
const working = {
  features,
  plans: { starter: caps },
  subscription: { table: subscriptions, account: 'userId', plan: 'plan', status: 'status' },
  standing: { active: 'consumes', paused: 'reads' },
  tenant: { expression: 'tenantry.current_user_uuid()', type: 'uuid' },
} as const
const count = { table: rows, account: 'userId' } as const
const guards = [guard({ ...count, counts: [{ feature: 'pillars' }, { feature: 'files' }] })]
const UNCOUNTED = /no guard counts them/

describe('plans', () => {
  it('are declared', () => {
    expect(definePlans({ ...working, guards })).toBeDefined()
  })

  it('with a number of rows that no guard counts are refused, since its cap would bind nobody', () => {
    expect(() => definePlans(working)).toThrow(UNCOUNTED)
    const files = [guard({ ...count, counts: [{ feature: 'files' }] })]
    expect(() => definePlans({ ...working, guards: files })).toThrow(/^pillars is a number of rows/)
  })

  it('that miss a feature, or a status, do not compile', () => {
    const { files: _, ...lacking } = caps
    // @ts-expect-error the plan says nothing of files
    expect(() => definePlans({ ...working, plans: { starter: lacking } })).toThrow(ConfigurationError)
    // @ts-expect-error what does paused mean?
    definePlans({ ...working, standing: { active: 'consumes' }, guards })
    // @ts-expect-error there is no such plan
    expect(() => definePlans({ ...working, defaultPlan: 'free' })).toThrow(ConfigurationError)
    const subscription = { ...working.subscription, plan: 'tier' } as const
    // @ts-expect-error there is no such property
    expect(() => definePlans({ ...working, subscription })).toThrow(ConfigurationError)
  })

  it.each([
    ['no feature', { features: {}, plans: { starter: {} } }],
    ['no plan', { plans: {} }],
    ['a cap of nothing', { plans: { starter: { ...caps, likes: 1 } } }],
    ['a negative cap', { plans: { starter: { ...caps, posts: -1 } } }],
    ['a fractional cap of units', { plans: { starter: { ...caps, posts: 1.5 } } }],
    ['a cap that is no number', { plans: { starter: { ...caps, posts: Number.NaN } } }],
    ['a period that is none', { features: { ...features, posts: { kind: 'metered', per: 'week' } } }],
    [
      'a time zone that is none',
      { features: { ...features, posts: { kind: 'metered', per: 'calendar_day', zone: 'Europe/Berln' } } },
    ],
    ['statuses that mean nothing', { standing: undefined }],
    ['an end that is no time', { standing: { active: { until: 'plan' }, paused: 'reads' } }],
    [
      'a subscription table with several rows',
      { subscription: { table: keyless, account: 'userId', plan: 'userId' } },
    ],
    ['accounts of another type', { subscription: { table: subscriptions, account: 'plan', plan: 'plan' } }],
  ])('with %s are refused', (_, wrong) => {
    const define = () => Reflect.apply(definePlans, null, [{ ...working, guards, ...wrong }])
    expect(define).toThrow(ConfigurationError)
    expect(define).not.toThrow(UNCOUNTED)
  })

  it.each([
    ['of a feature that is none', [{ ...count, counts: [{ feature: 'likes' }] }]],
    ['of a column that is none', [{ table: rows, account: 'owner', counts: [{ feature: 'posts' }] }]],
    ['of nothing', [{ ...count, counts: [] }]],
    ['without the subject', [{ ...count, counts: [{ feature: 'topics' }] }]],
    ['with a subject too many', [{ ...count, counts: [{ feature: 'posts', subject: 'id' }] }]],
    ['that counts once what is there', [{ ...count, counts: [{ feature: 'pillars', once: true }] }]],
    ['that grows by what is there', [{ ...count, counts: [{ feature: 'pillars', grows: true }] }]],
    [
      'of rows that nothing tells apart',
      [{ table: keyless, account: 'userId', counts: [{ feature: 'posts', once: true }] }],
    ],
    ['twice for a table', [1, 2].map(() => ({ ...count, counts: [{ feature: 'posts' }] }))],
    [
      'for two tables of one name',
      [rows, elsewhere].map((table) => ({ table, account: 'userId', counts: [{ feature: 'posts' }] })),
    ],
    [
      'by two tables of what is there',
      [rows, keyless].map((table) => ({ table, account: 'userId', counts: [{ feature: 'pillars' }] })),
    ],
  ])('with a guard %s are refused', (_, wrong) => {
    const wrongly = wrong.map((options) => Reflect.apply(guard, null, [options]))
    const define = () => Reflect.apply(definePlans, null, [{ ...working, guards: wrongly }])
    expect(define).toThrow(ConfigurationError)
    expect(define).not.toThrow(UNCOUNTED)
  })
})
