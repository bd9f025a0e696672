/** Beside a host's own drizzle-kit, run as the host runs it. */
import { execFileSync } from 'node:child_process'
import { cpSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { createRequire } from 'node:module'
import { dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { drizzle } from 'drizzle-orm/postgres-js'
import { migrate as drizzleMigrate } from 'drizzle-orm/postgres-js/migrator'
import postgres from 'postgres'
import { describe, expect, it } from 'vitest'
import { generateMigration } from '../src/generate.ts'
import {
  grants,
  lockDown,
  partitioned,
  policy,
  role,
  rowSecurity,
  setNullColumns,
  sqlFunction,
  type DeclaredObject,
} from '../src/index.ts'
import { serverUrl, setup } from './support.ts'
import { topics, usage } from './tables.ts'

const KIT = join(dirname(createRequire(import.meta.url).resolve('drizzle-kit/api')), 'bin.cjs')
/** Inside the package, so that the host's files find drizzle-orm. */
const HOSTS = fileURLToPath(new URL('../node_modules/.hosts', import.meta.url))

function host(): Disposable & {
  readonly out: string
  tables(source: string): void
  kit(...args: string[]): string
  files(): readonly string[]
  run(url: string): Promise<void>
} {
  mkdirSync(HOSTS, { recursive: true })
  const folder = mkdtempSync(join(HOSTS, 'host-'))
  const out = join(folder, 'drizzle')
  writeFileSync(
    join(folder, 'drizzle.config.ts'),
    `export default { dialect: 'postgresql', schema: './schema.ts', out: './drizzle' }`,
  )
  return {
    out,
    tables: (source) =>
      writeFileSync(
        join(folder, 'schema.ts'),
        `import { pgTable, text, uuid } from 'drizzle-orm/pg-core'\n${source}`,
      ),
    kit: (...args) =>
      execFileSync(process.execPath, [KIT, ...args], { cwd: folder, encoding: 'utf8', stdio: 'pipe' }),
    files: () =>
      readdirSync(out)
        .filter((file) => file.endsWith('.sql'))
        .toSorted(),
    async run(url) {
      const client = postgres(url, { max: 1, onnotice: () => {} })
      await drizzleMigrate(drizzle(client), { migrationsFolder: out }).finally(() => client.end())
    },
    [Symbol.dispose]: () => rmSync(folder, { recursive: true }),
  }
}

const NOTES = `export const notes = pgTable('notes', { id: uuid('id').primaryKey(), teamId: text('team_id') })`
const table = { name: 'notes' }

function objects(tenant: string, using: string): readonly DeclaredObject[] {
  return [
    role({ name: tenant }),
    sqlFunction({
      name: 'team',
      returns: 'text',
      language: 'sql',
      volatility: 'stable',
      body: `select current_setting('app.team', true)`,
    }),
    rowSecurity({ table }),
    policy({ table, name: 'team', as: 'permissive', command: 'select', to: [tenant], using }),
    lockDown(table),
    grants({ table, to: tenant, privileges: { select: true } }),
  ]
}

describe.skipIf(serverUrl === null)("in a host's drizzle-kit folder", () => {
  it('a migration is added that drizzle-orm applies, and drizzle-kit goes on after it', async () => {
    await using place = await setup()
    using app = host()
    const tenant = `${place.prefix}_tenant`
    app.tables(NOTES)
    app.kit('generate', '--name', 'start')
    const generate = (using_: string) =>
      generateMigration({
        name: 'app',
        mode: 'objects',
        format: 'drizzle-kit',
        title: 'isolation',
        objects: objects(tenant, using_),
        directory: app.out,
      })
    expect((await generate('team_id = public.team()')).file).toBe('0001_isolation.sql')
    await app.run(place.url)
    expect(await place.value('select count(*)::int from pg_policy')).toBe(1)

    // The host changes its tables; drizzle-kit must see its own last state, and nothing of ours.
    expect(app.kit('generate', '--name', 'nothing')).toMatch(/No schema changes/)
    app.tables(NOTES.replace(`'team_id')`, `'team_id').notNull(), body: text('body')`))
    app.kit('generate', '--name', 'body')
    const added = readFileSync(join(app.out, '0002_body.sql'), 'utf8')
    expect(added).toMatch(/ADD COLUMN "body" text/)
    expect(added).not.toMatch(/POLICY|CREATE TABLE/)

    // Ours changes too, after the host's were applied.
    await app.run(place.url)
    expect((await generate('team_id = (select public.team())')).file).toBe('0003_isolation.sql')
    expect(await generate('team_id = (select public.team())')).toEqual({ file: null, text: null })
    app.kit('check')
    await app.run(place.url)
    expect(await place.value('select pg_get_expr(polqual, polrelid) from pg_policy')).toMatch(/SELECT/)
    expect(await place.value('select count(*)::int from drizzle.__drizzle_migrations')).toBe(4)

    // And the whole folder applies from nothing.
    await using fresh = await place.another()
    await app.run(fresh.url)
    expect(await fresh.value('select count(*)::int from pg_policy')).toBe(1)
  })

  it('goes on in the style of names that the host chose', async () => {
    using app = host()
    app.tables(NOTES)
    app.kit(
      'generate',
      '--name',
      'start',
      '--prefix',
      'timestamp',
      '--dialect',
      'postgresql',
      '--schema',
      './schema.ts',
      '--out',
      './drizzle',
    )
    const { file } = await generateMigration({
      name: 'app',
      mode: 'objects',
      format: 'drizzle-kit',
      objects: [rowSecurity({ table })],
      directory: app.out,
    })
    expect(file).toMatch(/^\d{14}_app\.sql$/)
    expect(app.files().at(-1)).toBe(file)
  })

  it('refuses what would change a statement of drizzle-kit, and a folder that is not one', async () => {
    await using place = await setup()
    using app = host()
    app.tables(NOTES)
    app.kit('generate', '--name', 'start')
    const generate = (declared: readonly DeclaredObject[], directory = app.out) =>
      generateMigration({ name: 'app', mode: 'objects', format: 'drizzle-kit', objects: declared, directory })
    await expect(generate(partitioned({ table: usage, by: 'created_at', every: 'month' }))).rejects.toThrow(
      /changes a statement that another tool writes/,
    )
    await expect(generate([setNullColumns(topics, 'topics_pillar_fk', ['pillar_id'])])).rejects.toThrow(
      /changes a statement that another tool writes/,
    )
    await expect(generate([rowSecurity({ table })], place.folder)).rejects.toThrow(
      /not a folder of drizzle-kit/,
    )
    cpSync(app.out, place.folder, { recursive: true })
    writeFileSync(
      join(place.folder, 'meta', '_journal.json'),
      JSON.stringify({ version: '7', dialect: 'postgresql', entries: [] }),
    )
    await expect(generate([rowSecurity({ table })], place.folder)).rejects.toThrow(/has no migration yet/)
  })
})
