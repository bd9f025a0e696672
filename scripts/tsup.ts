/** How every package is built: JavaScript by esbuild (through tsup), types by the TypeScript compiler. */
import { cp, readdir } from 'node:fs/promises'
import { join } from 'node:path'
import type { Options } from 'tsup'
import { emitDeclarations } from './declarations.ts'

/**
 * Options for one package, run from its folder. `entry` names files under `src/`; each comes out at the
 * same place under `dist/`. Entries share chunks, so that a class has one identity however it is imported.
 * Dependencies and peers are never bundled.
 */
export function library({ entry }: { readonly entry: readonly string[] }): Options {
  return {
    entry: [...entry],
    format: 'esm',
    platform: 'node',
    target: 'node20',
    splitting: true,
    sourcemap: true,
    clean: true,
    // rollup's dts plugin takes seconds for each package and inlines what it can't classify.
    dts: false,
    silent: true,
    esbuildOptions(options) {
      options.outbase = 'src'
      // esbuild remembers the folder in which it was loaded; build.ts walks from package to package.
      options.absWorkingDir = process.cwd()
    },
    async onSuccess() {
      await copyMigrations(process.cwd())
      emitDeclarations([process.cwd()])
    },
  }
}

/** A system reads its migrations beside its code; in `src/` a link leads to them, in `dist/` they are files. */
export async function copyMigrations(packageFolder: string): Promise<void> {
  const source = join(packageFolder, 'src')
  const entries = await readdir(source)
  if (!entries.includes('migrations')) return
  await cp(join(source, 'migrations'), join(packageFolder, 'dist', 'migrations'), {
    recursive: true,
    dereference: true,
  })
}
