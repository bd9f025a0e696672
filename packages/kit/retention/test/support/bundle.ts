import { mkdtempSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { build } from 'esbuild'

/** One file that starts at once: compiling the sources in every process would take most of a test's time. */
export async function bundle(name: string): Promise<string> {
  const program = join(mkdtempSync(join(tmpdir(), 'tenantry-program-')), `${name}.mjs`)
  await build({
    entryPoints: [join(import.meta.dirname, `${name}.ts`)],
    outfile: program,
    bundle: true,
    platform: 'node',
    format: 'esm',
    conditions: ['@tenantry/source'],
    external: ['@electric-sql/*', 'hyparquet', 'hyparquet-writer', '@aws-sdk/*'],
    banner: {
      js: "import { createRequire } from 'node:module'; const require = createRequire(import.meta.url)",
    },
  })
  return program
}
