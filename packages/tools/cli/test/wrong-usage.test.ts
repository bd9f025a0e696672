import { mkdtempSync, readdirSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, describe, expect, it } from 'vitest'
import { main } from '../src/main.ts'

const folders: string[] = []
afterEach(() => {
  for (const folder of folders.splice(0)) rmSync(folder, { recursive: true })
})

const SYSTEM = `Object.assign(() => ({}), { definition: { name: 'notes', jobs: [], migrations: null } })`

/** A folder with this configuration, and the command line run in it. */
function setup(config: string | null = `export default { systems: [${SYSTEM}] }`) {
  const cwd = mkdtempSync(join(tmpdir(), 'tenantry-usage-'))
  folders.push(cwd)
  if (config !== null) writeFileSync(join(cwd, 'tenantry.config.mjs'), config)
  const tenantry = async (args: readonly string[], env: Record<string, string> = {}) => {
    let [stdout, stderr] = ['', '']
    const streams = {
      out: (text: string) => void (stdout += text),
      err: (text: string) => void (stderr += text),
    }
    return { code: await main(args, { cwd, env }, streams), stdout, stderr }
  }
  return { cwd, tenantry }
}

describe('a wrong command line is refused in one line that says what to do', () => {
  it.each<readonly [readonly string[], string]>([
    [[], 'Commands: generate, seal, migrate, status, verify, catalog, jobs, run'],
    [['migrat'], 'There is no command migrat'],
    [['toString'], 'There is no command toString'],
    [['--url', 'x', 'migrate'], 'A command must come before --url'],
    [['migrate', '--ur', 'x'], 'has no option --ur. It has: --url'],
    [['generate', '--url', 'x'], 'tenantry generate has no option --url'],
    [['migrate', '--url'], '--url needs a value'],
    [['migrate', '--url', '--system', 'notes'], '--url needs a value'],
    [['migrate', '--url='], '--url needs a value'],
    [['jobs', '--json=yes'], '--json takes no value'],
    [['jobs', '--config', 'a', '--config', 'b'], '--config is given twice'],
    [['jobs', 'extra'], `doesn't understand "extra"`],
    [['run'], 'needs a job'],
    [['run', 'two', 'words'], 'Put a job with spaces into quotes'],
    [['catalog', '--write', 'a', '--check', 'b'], '--write and --check exclude each other'],
    [['catalog', '--check', 'none.json'], 'Make it with tenantry catalog --write'],
    [['jobs', '--system', 'other'], 'There is no system other. There are: notes'],
    [['seal'], 'names no folder for the migrations'],
    [['generate'], 'names no folder for the migrations'],
    [['migrate'], 'Set DATABASE_URL, or pass --url'],
    [['migrate', '--url', 'mysql://db'], 'unknown scheme (mysql:)'],
    [['migrate', '--url', 'postgres://u:secret@h:port/db'], "--url can't be read as a URL"],
    [['migrate', '--url', 'postgres://u:sec%ret@h/db'], "--url can't be read as a URL"],
    [['jobs', '--config', 'none.ts'], 'Check the path after --config'],
  ])('%j', async (args, expected) => {
    const { stdout, stderr, code } = await setup().tenantry(args)
    expect(stderr).toContain(expected)
    expect(stderr).toMatch(/^tenantry: [^\n]+\n$/)
    expect(stderr).not.toMatch(/sec%?ret/)
    expect({ code, stdout }).toEqual({ code: 2, stdout: '' })
  })

  it('an empty migration is written for one system, and not by a check', async () => {
    const two = `const system = (name) => Object.assign(() => ({}), { definition: { name } })
export default {
  systems: [system('notes'), system('diary')],
  generate: { notes: { directory: 'notes' }, diary: { directory: 'diary' } },
}`
    const { tenantry, cwd } = setup(two)
    const check = await tenantry(['generate', '--by-hand', '--check'])
    expect(check).toMatchObject({ code: 2, stdout: '' })
    expect(check.stderr).toContain('--by-hand and --check exclude each other')
    const both = await tenantry(['generate', '--by-hand'])
    expect(both).toMatchObject({ code: 2, stdout: '' })
    expect(both.stderr).toContain('Say which by --system: notes, diary')
    expect(readdirSync(cwd)).toEqual(['tenantry.config.mjs'])
  })

  it('a server that does not answer is a failure of the database, not of the usage', async () => {
    const { code, stderr } = await setup().tenantry(['status'], {
      DATABASE_URL: 'postgres://u:secret@127.0.0.1:1/db',
    })
    expect(code).toBe(3)
    expect(stderr).toMatch(/^tenantry: The PostgreSQL server can't be reached \(ECONNREFUSED\)\. [^\n]+\n$/)
    expect(stderr).not.toContain('secret')
  })
})

describe('a configuration that cannot work is refused, naming the file and the part', () => {
  it.each<readonly [string | null, string]>([
    [null, 'There is no tenantry.config.ts in'],
    ['export default {', "can't be loaded: "],
    ['throw new Error("no licence")', "can't be loaded: no licence"],
    ['export const config = {}', 'there is no default export'],
    ['export default { systems: [] }', '`systems` is no list of systems'],
    ['export default { systems: [{}] }', 'systems[0] is no system'],
    [`export default { systems: [${SYSTEM}], migrations: {} }`, '"migrations" is not understood'],
    [`export default { systems: [${SYSTEM}, ${SYSTEM}] }`, 'two systems are called notes'],
    [
      `export default { systems: [${SYSTEM}], generate: { note: {} } }`,
      'names note, which is no system here',
    ],
    [`export default { systems: [${SYSTEM}], generate: { notes: {} } }`, '`directory` is missing'],
    [
      `export default { systems: [${SYSTEM}], generate: { notes: { directory: 'm', format: 'drizzle-kit' } } }`,
      "format 'drizzle-kit' needs mode 'objects'",
    ],
    [
      `export default { systems: [${SYSTEM}], generate: { notes: { directory: 'm', dir: 'n' } } }`,
      'generate.notes: "dir" is not understood',
    ],
  ])('%j', async (config, expected) => {
    const { code, stderr } = await setup(config).tenantry(['jobs'])
    expect(stderr).toContain(expected)
    expect(stderr).toMatch(/^tenantry: [^\n]+\n$/)
    expect(code).toBe(2)
  })
})

describe('what is printed', () => {
  it('is one JSON document with --json, errors included', async () => {
    const { stdout, stderr, code } = await setup().tenantry(['migrate', '--json'])
    expect(JSON.parse(stdout)).toMatchObject({ error: { code: 'TENANTRY_CONFIGURATION', retryable: false } })
    expect({ stderr, code }).toEqual({ stderr: '', code: 2 })
  })

  it('holds a stack only with --debug', async () => {
    const { tenantry } = setup('throw new Error("no licence")')
    expect((await tenantry(['jobs'])).stderr).not.toContain('    at ')
    const { stderr } = await tenantry(['jobs', '--debug'])
    expect(stderr).toContain('    at ')
    expect(stderr).toContain('[cause]: Error: no licence')
  })

  it('explains every command, on stdout', async () => {
    const { tenantry } = setup(null)
    const { stdout, code } = await tenantry(['--help'])
    expect(code).toBe(0)
    for (const name of ['generate', 'seal', 'migrate', 'status', 'verify', 'catalog', 'jobs', 'run']) {
      expect(stdout).toMatch(new RegExp(`^  ${name} `, 'm'))
      const help = await tenantry([name, '--help'])
      expect(help).toMatchObject({ code: 0, stderr: '' })
      expect(help.stdout).toContain('--config <file>')
    }
  })
})

it('finds the configuration of a folder above', async () => {
  const { cwd } = setup()
  const lines: string[] = []
  const streams = {
    out: (text: string) => void lines.push(text),
    err: (text: string) => void lines.push(text),
  }
  await main(['jobs'], { cwd: join(cwd, 'deep', 'below'), env: {} }, streams)
  expect(lines).toEqual(['notes: no jobs\n'])
})
