/** A rule for each action and each kind of age. */
import { defineRetention, retention } from '../../src/index.ts'
import { documents, events, notes, schema } from './documents.ts'

const all = { maxFraction: null } as const

export const every = retention({
  schema,
  rules: [
    defineRetention(documents, {
      age: { column: 'createdAt', months: 3 },
      action: 'archive-then-delete',
      floors: { maxFraction: null },
    }),
    defineRetention(notes, {
      age: { column: 'createdAt', days: 30 },
      action: 'delete',
      batch: { rows: 40, maxRows: 80 },
      floors: { minimumDays: 10, maxFraction: 0.9 },
    }),
    defineRetention(notes, {
      name: 'notes-purge',
      age: { column: 'createdAt', days: 30 },
      action: { kind: 'soft-delete-then-purge', column: 'deletedAt', purgeAfterDays: 10 },
      floors: all,
    }),
    defineRetention(notes, {
      name: 'notes-anonymous',
      age: { column: 'createdAt', days: 30 },
      action: { kind: 'anonymise', set: { body: 'removed' }, marker: 'anonymisedAt' },
      floors: all,
    }),
    defineRetention(notes, {
      name: 'notes-last',
      age: { column: 'createdAt', days: 30 },
      action: 'delete',
      floors: { ...all, keepLast: { rows: 3, per: 'userId' } },
    }),
    defineRetention(events, {
      name: 'events-epoch',
      age: { column: 'epochMs', days: 90, kind: 'epoch-milliseconds' },
      action: 'delete',
      floors: all,
    }),
    defineRetention(events, {
      name: 'events-plain',
      age: { column: 'plainAt', days: 80 },
      action: 'delete',
      floors: all,
    }),
    defineRetention(events, {
      name: 'events-text',
      age: { column: 'isoAt', days: 60, kind: 'iso-text' },
      action: 'delete',
      floors: all,
    }),
  ],
  policy: {
    reads: [],
    async resolve(connection, rule) {
      const { rows: there } = await connection.query({
        text: `select to_regclass('public.policies') is not null`,
        params: [],
      })
      if (there[0]?.[0] !== true) return null
      const { rows } = await connection.query({
        text: 'select days, paused from public.policies where rule = $1',
        params: [rule.name],
      })
      return rows[0] === undefined ? null : { days: rows[0][0] as number | null, paused: rows[0][1] === true }
    },
  },
})
