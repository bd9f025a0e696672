import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { build } from 'esbuild'
import { expect, it } from 'vitest'
import { linkModules, startNode } from './support.ts'

/** The command as it is published: JavaScript, which Node runs without a loader. */
async function setup() {
  const folder = mkdtempSync(join(tmpdir(), 'tenantry-built-'))
  linkModules(folder, ['jiti', 'drizzle-orm'])
  await build({
    entryPoints: [fileURLToPath(new URL('../src/bin.ts', import.meta.url))],
    outfile: join(folder, 'bin.mjs'),
    bundle: true,
    platform: 'node',
    format: 'esm',
    conditions: ['@tenantry/source'],
    external: ['jiti', 'drizzle-orm', 'drizzle-kit', 'postgres', 'pg', '@electric-sql/*'],
  })
  return {
    write: (file: string, text: string) => writeFileSync(join(folder, file), text),
    tenantry: (...args: readonly string[]) => startNode(['bin.mjs', ...args], folder).result,
    [Symbol.dispose]: () => rmSync(folder, { recursive: true }),
  }
}

it('TypeScript that Node cannot run by itself is loaded: types, enums, imports without an ending', async () => {
  using host = await setup()
  host.write('names.ts', `export enum Name { Notes = 'notes' }`)
  host.write(
    'tenantry.config.ts',
    `import { Name } from './names'
const definition: { readonly name: string; readonly jobs: readonly [] } = { name: Name.Notes, jobs: [] }
export default { systems: [Object.assign(() => ({}), { definition })] }`,
  )
  expect(await host.tenantry('jobs')).toEqual({ code: 0, stderr: '', stdout: 'notes: no jobs\n' })
  host.write('names.ts', `throw new Error('evaluated')`)
  expect((await host.tenantry('jobs')).stderr).toContain("tenantry.config.ts can't be loaded: evaluated")
})
