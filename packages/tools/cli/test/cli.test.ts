import { existsSync, mkdirSync, writeFileSync } from 'node:fs'
import { readdir, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { describeOnServer } from '@tenantry/testing/vitest'
import { describe, expect, it, vi } from 'vitest'
import { type Host, setup, setupGenerated, setupMigrated } from './support.ts'

// Every call starts a process, which on a busy machine and the embedded server takes seconds.
vi.setConfig({ testTimeout: 120_000 })

function execute(host: Host, text: string): Promise<void> {
  return host.withDatabase(({ driver }) => driver.session((session) => session.script(text)))
}

describe('tenantry generate', () => {
  it('writes the first migration, then nothing until something changes, and then what has changed', async () => {
    await using host = await setup()
    const missing = await host.tenantry('generate', '--check')
    expect(missing).toMatchObject({ code: 1, stderr: '' })
    expect(missing.stdout).toContain('notebook: a migration is missing')
    expect(existsSync(join(host.folder, 'migrations'))).toBe(false)

    const first = await host.tenantry('generate', '--title', 'Notes of people')
    expect(first).toMatchObject({ code: 0, stderr: '' })
    expect(first.stdout).toMatch(/^notebook: wrote migrations\/0000_notes_of_people\.sql \(\d+ changes\)\n/)
    expect(first.stdout).toContain('  CREATE TABLE "notes"\n')
    expect(first.stdout).not.toContain('REVIEW')
    const files = await readdir(join(host.folder, 'migrations'))

    const second = await host.tenantry('generate')
    expect(second).toEqual({ code: 0, stderr: '', stdout: 'notebook: nothing has changed\n' })
    expect((await host.tenantry('generate', '--check')).code).toBe(0)
    expect(await readdir(join(host.folder, 'migrations'))).toEqual(files)

    host.edit('schema.ts', (text) => text.replace(`    mood: text('mood'),\n`, ''))
    const third = await host.tenantry('generate', '--json')
    const [change] = (JSON.parse(third.stdout) as { systems: [Record<string, unknown>] }).systems
    expect(change).toMatchObject({
      system: 'notebook',
      file: join(host.folder, 'migrations/0001_change.sql'),
      review: [
        { note: 'this removes or rewrites data', statement: expect.stringContaining('DROP COLUMN "mood"') },
      ],
    })
    const [{ line }] = change['review'] as [{ line: number }]
    expect(host.read('migrations/0001_change.sql').split('\n')[line - 1]).toContain('DROP COLUMN "mood"')
  })

  it('writes an empty migration to fill in, which runs once it is sealed', async () => {
    await using host = await setupMigrated()
    const file = 'migrations/0001_fill.sql'
    const written = await host.tenantry('generate', '--by-hand', '--title', 'fill')
    expect(written.stdout).toBe(`notebook: wrote ${file}, to be filled in; then run tenantry seal\n`)
    host.edit(file, (text) => `${text}\ncreate table filled_by_hand ();\n`)
    expect((await host.tenantry('migrate')).code).toBe(1)
    expect(await host.tenantry('seal')).toMatchObject({ code: 0, stderr: '' })
    expect((await host.tenantry('migrate')).stdout).toBe('notebook: applied 1 migration\n  0001_fill\n')
  })

  it('leaves the tables to drizzle-kit where the configuration says so', async () => {
    await using host = await setup()
    host.edit('tenantry.config.ts', (text) =>
      text.replace(`directory: 'migrations'`, `directory: 'drizzle', mode: 'objects', format: 'drizzle-kit'`),
    )
    const refused = await host.tenantry('generate')
    expect(refused).toMatchObject({ code: 2, stdout: '' })
    expect(refused.stderr).toContain('run drizzle-kit generate first')

    // A folder as drizzle-kit leaves it.
    const entries = [{ idx: 0, version: '7', when: 1, tag: '0000_start', breakpoints: true }]
    mkdirSync(join(host.folder, 'drizzle/meta'))
    for (const [file, content] of [
      ['0000_snapshot.json', { id: '1' }],
      ['_journal.json', { version: '7', dialect: 'postgresql', entries }],
    ] as const) {
      writeFileSync(join(host.folder, 'drizzle/meta', file), JSON.stringify(content))
    }
    const written = await host.tenantry('generate')
    expect(written).toMatchObject({ code: 0, stderr: '' })
    expect(written.stdout).toContain('wrote drizzle/0001_notebook.sql')
    expect(written.stdout).toContain('drizzle-kit migrate applies it')
  })
})

describe('tenantry migrate and status', () => {
  it('say what is pending before, and what was applied after', async () => {
    await using host = await setup()
    const none = await host.tenantry('status')
    expect(none).toMatchObject({ code: 2, stdout: '' })
    expect(none.stderr).toContain('Write the first one with tenantry generate')

    await host.tenantry('generate')
    const before = await host.tenantry('status')
    expect(before.code).toBe(1)
    expect(before.stdout).toContain('notebook: 1 pending')
    expect((await host.tenantry('verify')).code).toBe(1)

    const applied = await host.tenantry('migrate')
    expect(applied).toEqual({ code: 0, stderr: '', stdout: 'notebook: applied 1 migration\n  0000_init\n' })
    expect((await host.tenantry('migrate')).stdout).toBe('notebook: nothing to apply here\n')

    const after = await host.tenantry('status', '--json')
    expect(after.code).toBe(0)
    expect(JSON.parse(after.stdout)).toMatchObject({
      system: 'notebook',
      applied: [{ name: '0000_init' }],
      pending: [],
      problem: null,
    })
  })

  it('refuse a migration that was edited after it was applied, and name it', async () => {
    await using host = await setupMigrated()
    host.edit('migrations/0000_init.sql', (text) => `${text}\n-- a late thought\n`)
    for (const command of ['migrate', 'status']) {
      const { code, stderr, stdout } = await host.tenantry(command)
      expect(code).toBe(1)
      expect(stderr + stdout).toContain('0000_init.sql was edited')
    }
  })

  it('report a statement that fails as a failure of the database, with the file that holds it', async () => {
    await using host = await setupGenerated()
    await execute(host, 'create table notes (id integer)')
    const { code, stderr } = await host.tenantry('migrate')
    expect(code).toBe(3)
    expect(stderr).toMatch(/^tenantry: 0000_init\.sql failed at statement \d+ .*"notes" already exists/)
  })
})

describeOnServer('tenantry migrate by several processes', () => {
  it('applies a migration once when two run at the same time', async () => {
    await using host = await setupGenerated()
    const both = await Promise.all([host.tenantry('migrate', '--json'), host.tenantry('migrate', '--json')])
    expect(both.map(({ code }) => code)).toEqual([0, 0])
    const applied = both.flatMap(({ stdout }) => (JSON.parse(stdout) as { applied: string[] }).applied)
    expect(applied).toEqual(['0000_init'])
  })
})

describe('tenantry verify', () => {
  it('finds nothing in a migrated database, and names the hole that somebody made by hand', async () => {
    await using host = await setupMigrated()
    const clean = await host.tenantry('verify')
    expect(clean).toMatchObject({ code: 0, stderr: '' })
    expect(clean.stdout).toMatch(/^notebook: \d+ checks?, nothing found\n$/)

    await execute(host, 'alter table notes no force row level security')
    const holed = await host.tenantry('verify')
    expect(holed.code).toBe(1)
    expect(holed.stdout).toContain('public.notes  rls-not-forced')
    expect(holed.stdout).toContain('→ alter table public.notes force row level security')
    const machine = JSON.parse((await host.tenantry('verify', '--json')).stdout) as { findings: unknown[] }
    expect(machine.findings).toContainEqual(
      expect.objectContaining({ code: 'rls-not-forced', object: 'public.notes' }),
    )
  })
})

describe('tenantry catalog', () => {
  it('writes the catalog of the migrated database, and finds every difference from it', async () => {
    await using host = await setupGenerated()
    const early = await host.tenantry('catalog', '--write', 'catalog.json')
    expect(early.code).toBe(1)
    expect(existsSync(join(host.folder, 'catalog.json'))).toBe(false)

    await host.tenantry('migrate')
    const written = await host.tenantry('catalog', '--write', 'catalog.json')
    expect(written).toEqual({ code: 0, stderr: '', stdout: 'notebook: wrote catalog.json\n' })
    const snapshot = JSON.parse(host.read('catalog.json')) as { tables: object; schemas: object }
    expect(Object.keys(snapshot.tables)).toContain('public.notes')
    expect(Object.keys(snapshot.schemas)).toEqual(['public', 'tenantry'])
    expect((await host.tenantry('catalog', '--check', 'catalog.json')).code).toBe(0)

    await execute(
      host,
      `drop index notes_user_id_idx;
      alter table notes add column colour text, alter column body drop not null`,
    )
    const changed = await host.tenantry('catalog', '--check', 'catalog.json')
    expect(changed.code).toBe(1)
    expect(changed.stdout).toContain('- tables › public.notes › indexes › notes_user_id_idx')
    expect(changed.stdout).toContain('+ tables › public.notes › columns › colour')
    expect(changed.stdout).toContain('~ tables › public.notes › columns › body: ')
  })
})

describe('tenantry jobs and run', () => {
  it('list the jobs without a database, and run one of them now', async () => {
    await using host = await setupMigrated()
    const listed = await host.tenantry('jobs')
    expect(listed).toMatchObject({ code: 0, stderr: '' })
    expect(listed.stdout).toContain('  purge            0 3 * * *  Deletes empty notes\n')
    const ran = await host.tenantry('run', 'purge')
    expect(ran).toEqual({ code: 0, stderr: '', stdout: 'purge: deleted 0 notes\n' })
    const unknown = await host.tenantry('run', 'tidy')
    expect(unknown).toMatchObject({ code: 2, stdout: '' })
    expect(unknown.stderr).toContain('It has: purge, wait until told')
  })

  it('ask a running job to stop when the operator interrupts', async () => {
    await using host = await setup()
    const { child, result } = host.start('run', 'wait until told')
    child.stderr?.once('data', () => child.kill('SIGINT'))
    expect(await result).toEqual({
      code: 0,
      stderr: 'waiting\n',
      stdout: 'wait until told: stopped early\n',
    })
  })
})

describe('the embedded database', () => {
  it('is migrated and verified in its folder, named by --url', async () => {
    await using host = await setupGenerated()
    const url = `file:${join(host.folder, 'embedded')}`
    expect((await host.tenantry('migrate', '--url', url)).stdout).toContain('applied 1 migration')
    expect((await host.tenantry('verify', '--url', url)).code).toBe(0)
  })
})

describe('several systems', () => {
  it('make the operator say which, before any database is touched', async () => {
    await using host = await setup()
    await writeFile(
      join(host.folder, 'tenantry.config.ts'),
      `import { notebook } from './system.ts'
const diary = Object.assign(() => {}, { definition: { ...notebook.definition, name: 'diary' } })
export default { systems: [notebook, diary], generate: { notebook: { directory: 'migrations' } } }`,
    )
    const unsaid = await host.tenantry('migrate')
    expect(unsaid).toMatchObject({ code: 2, stdout: '' })
    expect(unsaid.stderr).toContain('Say which by --system: notebook, diary')
    expect((await host.tenantry('generate')).stdout).toContain('notebook: wrote')
    expect((await host.tenantry('generate', '--system', 'diary')).stderr).toContain('migrations of diary')
    expect((await host.tenantry('migrate', '--system', 'notebook')).code).toBe(0)
  })
})
