/** Settings by their type, and how they reach every process. */
import { connect } from '@tenantry/core'
import { describeOnServer, describeThroughPooler } from '@tenantry/testing/vitest'
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from 'vitest'
import {
  type Configuration,
  usegemz,
  watchConfiguration,
  type WatchConfigurationOptions,
} from '../src/index.ts'
import { type ConfigurationInput, durationSeconds } from '../src/types.ts'
import { type GemsDatabase, gemsDatabase, person } from './support/gems.ts'

let place: GemsDatabase
beforeAll(async () => {
  place = await gemsDatabase()
})
afterAll(() => place?.close())

/** Before any test has changed them. */
let documented: object[]
beforeAll(async () => {
  documented = await settings().readAll()
})
beforeEach(async () => {
  await place.rows('truncate system_configurations')
})

const settings = () => place.gems.asService().configuration

test('the documented settings come with the product', () => {
  const seconds = (days: number) => ({ valueType: 'duration', value: days * 86_400 })
  expect(documented).toMatchObject([
    { category: 'api', key: 'max_api_calls_production', valueType: 'number', value: 999 },
    { category: 'api', key: 'max_api_calls_testing', valueType: 'number', value: 1 },
    { category: 'api', key: 'mode', valueType: 'string', value: 'production' },
    {
      category: 'email',
      key: 'trial_day_2_delay',
      ...seconds(2),
      description: 'Delay for day 2 trial email',
    },
    { category: 'email', key: 'trial_day_5_delay', ...seconds(5) },
    { category: 'email', key: 'trial_expiry_delay', ...seconds(7) },
  ])
})

describe('a setting', () => {
  test.each<[ConfigurationInput, string, unknown]>([
    [{ category: 'a', key: 'k', valueType: 'string', value: '' }, '', ''],
    [{ category: 'a', key: 'k', valueType: 'number', value: 999 }, '999', 999],
    [{ category: 'a', key: 'k', valueType: 'number', value: -0.25 }, '-0.25', -0.25],
    [{ category: 'a', key: 'k', valueType: 'boolean', value: false }, 'false', false],
    [{ category: 'a', key: 'k', valueType: 'duration', value: '2 days' }, '2 days', 172_800],
    [
      { category: 'a', key: 'k', valueType: 'duration', value: '1 hour 30 minutes' },
      '1 hour 30 minutes',
      5400,
    ],
    [
      { category: 'a', key: 'k', valueType: 'json', value: { a: [1, null] } },
      '{"a":[1,null]}',
      { a: [1, null] },
    ],
    [{ category: 'a', key: 'k', valueType: 'json', value: null }, 'null', null],
  ])('%j is stored as text and read in its type', async (input, text, value) => {
    const { category, key, valueType } = input
    expect(await settings().set(input)).toMatchObject({ category, key, valueType, value })
    expect(await settings().read(category, key)).toMatchObject({ valueType, value })
    expect(await settings().find()).toMatchObject({ value: text })
  })

  test('is made once, and changed after that; what is left out stays', async () => {
    const name = { category: 'api', key: 'max_api_calls_testing' }
    await settings().set({
      ...name,
      valueType: 'number',
      value: 1,
      description: 'API call limit for testing',
      isHotReloadable: false,
    })
    expect(await settings().set({ ...name, valueType: 'number', value: 2 })).toMatchObject({
      value: 2,
      description: 'API call limit for testing',
      isHotReloadable: false,
    })
    expect(await settings().readAll('api')).toHaveLength(1)
    expect(await settings().readAll('email')).toEqual([])
    await expect(settings().read('api', 'other')).rejects.toMatchObject({ code: 'TENANTRY_NOT_FOUND' })
  })

  test.each<[string, object]>([
    ['a number as text', { valueType: 'number', value: '1' }],
    ['a number that is none', { valueType: 'number', value: NaN }],
    ['a number without end', { valueType: 'number', value: Infinity }],
    ['a number too long to be itself', { valueType: 'number', value: 1e21 }],
    ['a boolean as text', { valueType: 'boolean', value: 'true' }],
    ['a duration without a unit', { valueType: 'duration', value: '7' }],
    ['a duration in months', { valueType: 'duration', value: '1 month' }],
    ['a duration below zero', { valueType: 'duration', value: '-1 days' }],
    ['json that has none', { valueType: 'json', value: () => 1 }],
    ['no value', { valueType: 'string' }],
    ['an unknown type', { valueType: 'date', value: '2026-01-01' }],
  ])('is refused with %s, before anything runs', async (_, part) => {
    const input = { category: 'a', key: 'k', ...part } as ConfigurationInput
    await expect(settings().set(input)).rejects.toMatchObject({
      code: 'TENANTRY_VALIDATION',
      issues: [{ path: expect.stringMatching(/^value(Type)?$/) }],
    })
    expect(await settings().count()).toBe(0)
  })

  test.each([
    ['number', 'abc'],
    ['number', ''],
    ['number', '1e3'],
    ['number', '１'],
    ['number', '1\n'],
    ['boolean', 'yes'],
    ['boolean', 'TRUE'],
    ['duration', '2'],
    ['duration', '2 days '],
    ['duration', '1 year'],
    ['json', '{'],
    ['json', "{'a': 1}"],
  ])(
    'of the type %s is refused by the database with the value %j, whoever writes it',
    async (type, value) => {
      const insert =
        'insert into system_configurations (category, key, value, value_type) values ($1, $2, $3, $4)'
      const refused = { code: 'TENANTRY_CHECK', constraint: 'system_configurations_value_check' }
      await expect(place.rows(insert, ['a', 'k', value, type])).rejects.toMatchObject(refused)
      await place.rows(insert, ['a', 'k', value, 'string'])
      await expect(
        place.rows('update system_configurations set value_type = $1', [type]),
      ).rejects.toMatchObject(refused)
    },
  )

  test.each(['2 days', '5 days', '7 days'])('takes the documented duration %s', async (value) => {
    await place.rows(
      `insert into system_configurations (category, key, value, value_type) values ('email', 'delay', $1, 'duration')`,
      [value],
    )
    expect(await settings().read('email', 'delay')).toMatchObject({ value: durationSeconds(value) })
  })

  test('is the service role’s to write', async () => {
    const { scope } = await person(place)
    const input: ConfigurationInput = { category: 'a', key: 'k', valueType: 'boolean', value: true }
    const refused = { code: 'TENANTRY_ISOLATION' }
    await expect(scope.configuration.set(input)).rejects.toMatchObject(refused)
    await expect(
      scope.configuration.create({ category: 'a', key: 'k', valueType: 'boolean', value: 'true' }),
    ).rejects.toMatchObject(refused)
  })
})

const opened: { close(): Promise<unknown> }[] = []
afterEach(async () => {
  for (const each of opened.splice(0).toReversed()) await each.close()
})

/** A process of its own: another database handle on the same database, with its settings. */
async function otherProcess(
  url: string,
  options: WatchConfigurationOptions & { readonly pooler?: boolean } = {},
) {
  const { pooler = false, ...watch } = options
  const database = await connect({ url, ...(pooler ? { situation: 'pooler' as const } : {}) })
  opened.push(database)
  const configuration = await watchConfiguration(usegemz(database), watch)
  opened.push(configuration)
  return configuration
}

/** Waits for the next change that is told. */
function ear() {
  const told: (readonly { category: string; key: string }[])[] = []
  let wake = () => {}
  return {
    told,
    onChange(changed: readonly { category: string; key: string }[]) {
      told.push(changed)
      wake()
    },
    async until(count: number) {
      while (told.length < count) await new Promise<void>((resolve) => (wake = resolve))
    },
  }
}

const LIMIT = { category: 'api', key: 'max_api_calls', valueType: 'number' } as const
const limitOf = (configuration: Configuration) => configuration.value('number', LIMIT.category, LIMIT.key)

test('settings are read without a question to the database, and tell what is wrong with them', async () => {
  await settings().set({ ...LIMIT, value: 1 })
  await settings().set({ category: 'email', key: 'delay', valueType: 'duration', value: '2 days' })
  const configuration = await watchConfiguration(place.gems)
  opened.push(configuration)
  expect(limitOf(configuration)).toBe(1)
  expect(configuration.value('duration', 'email', 'delay')).toBe(172_800)
  expect(configuration.all().map(({ key }) => key)).toEqual(['max_api_calls', 'delay'])
  expect(configuration.get('email', 'other')).toBeUndefined()
  expect(configuration.value('boolean', 'email', 'enabled', true)).toBe(true)
  expect(() => configuration.value('boolean', 'email', 'enabled')).toThrow('email.enabled is missing')
  expect(() => configuration.value('string', 'api', 'max_api_calls')).toThrow(
    'of the type number, not string',
  )
})

test('a change is heard on the embedded database too', async () => {
  const { onChange, until } = ear()
  const configuration = await watchConfiguration(place.gems, { onChange, pollSeconds: 3600 })
  opened.push(configuration)
  await settings().set({ ...LIMIT, value: 1 })
  await until(1)
  expect(limitOf(configuration)).toBe(1)
})

describeOnServer('in every process', () => {
  test('a change arrives without a restart, as it is committed: new, changed, removed', async () => {
    await settings().set({ ...LIMIT, value: 1 })
    const ears = [ear(), ear(), ear()]
    const processes = await Promise.all(
      ears.map(({ onChange }) => otherProcess(place.url, { onChange, pollSeconds: 3600 })),
    )
    expect(processes.map(({ listening }) => listening)).toEqual([true, true, true])
    await settings().set({ ...LIMIT, value: 2 })
    await Promise.all(ears.map(({ until }) => until(1)))
    expect(processes.map(limitOf)).toEqual([2, 2, 2])
    await place.rows(
      `insert into system_configurations (category, key, value, value_type) values ('a', 'raw', 'x', 'string')`,
    )
    await Promise.all(ears.map(({ until }) => until(2)))
    await place.rows(`delete from system_configurations where category = 'api'`)
    await Promise.all(ears.map(({ until }) => until(3)))
    expect(processes.map((each) => each.get('api', 'max_api_calls'))).toEqual([
      undefined,
      undefined,
      undefined,
    ])
    const named = { category: 'api', key: 'max_api_calls' }
    expect(ears.map(({ told }) => told)).toEqual(
      ears.map(() => [[named], [{ category: 'a', key: 'raw' }], [named]]),
    )
  })

  test('a setting that isn’t hot-reloadable stays what it was, until the process starts anew', async () => {
    await settings().set({ ...LIMIT, value: 1, isHotReloadable: false })
    const { onChange, until, told } = ear()
    const running = await otherProcess(place.url, { onChange, pollSeconds: 3600 })
    await settings().set({ ...LIMIT, value: 2 })
    await settings().set({ category: 'a', key: 'other', valueType: 'boolean', value: true })
    await until(1)
    expect(told).toEqual([[{ category: 'a', key: 'other' }]])
    expect(limitOf(running)).toBe(1)
    expect(limitOf(await otherProcess(place.url))).toBe(2)
  })

  test('a change that a lost connection hid is read when the connection is back', async () => {
    await settings().set({ ...LIMIT, value: 1 })
    const { onChange, until } = ear()
    const running = await otherProcess(place.url, { onChange, pollSeconds: 3600 })
    // The kill and the change in one statement: nobody listens when it is said.
    await place.rows(
      `with killed as materialized (
         select pg_terminate_backend(pid) from pg_stat_activity
         where datname = current_database() and query ilike 'listen%' and pid <> pg_backend_pid()
       )
       update system_configurations set value = '7' where (select count(*) from killed) > 0`,
    )
    await until(1)
    expect(limitOf(running)).toBe(7)
  })
})

describeThroughPooler('behind a pooler, where nothing can be heard', () => {
  test('a change arrives by looking', async () => {
    await settings().set({ ...LIMIT, value: 1 })
    const { onChange, until } = ear()
    const running = await otherProcess(place.poolerUrl ?? '', { onChange, pollSeconds: 0.05, pooler: true })
    expect([running.listening, limitOf(running)]).toEqual([false, 1])
    await settings().set({ ...LIMIT, value: 2 })
    await until(1)
    expect(limitOf(running)).toBe(2)
  })
})
