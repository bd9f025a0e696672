/** Entries named `./types` are for browsers. */
import { join } from 'node:path'
import { build } from 'esbuild'
import { expect, test } from 'vitest'
import { workspacePackages } from '../workspace.ts'

const entries = workspacePackages().flatMap(({ folder, manifest }) => {
  const entry = manifest.exports?.['./types']
  const source = typeof entry === 'object' ? entry['@tenantry/source'] : undefined
  return source === undefined ? [] : [[`${manifest.name}/types`, join(folder, source)] as const]
})

test('every system has one', () => {
  const systems = workspacePackages().filter(({ group }) => group === 'packages/systems')
  expect(entries.map(([name]) => name)).toEqual(systems.map(({ manifest }) => `${manifest.name}/types`))
})

test.each(entries)('%s bundles with zod alone: no driver, no ORM, nothing of Node', async (_, entry) => {
  const { metafile } = await build({
    entryPoints: [entry],
    bundle: true,
    write: false,
    metafile: true,
    platform: 'browser',
    format: 'esm',
    conditions: ['@tenantry/source'],
    logLevel: 'silent',
  })
  const own = /(?:^|\/)(?:src\/types(?:\.ts|\/)|kit\/repository\/src\/fields\.ts$)/
  const foreign = Object.keys(metafile.inputs).filter(
    (path) => !path.includes('/node_modules/zod/') && !own.test(path),
  )
  expect(foreign).toEqual([])
  expect(Object.values(metafile.outputs).flatMap((output) => output.imports)).toEqual([])
})
