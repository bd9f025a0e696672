import { join } from 'node:path'
import { describe, expect, it } from 'vitest'
import { findOffences } from '../import-direction.ts'
import { root, type Manifest, type Package } from '../workspace.ts'

function pack(path: string, manifest: Partial<Manifest> = {}): Package {
  const [group = '', name = ''] = [
    path.slice(0, path.lastIndexOf('/')),
    path.slice(path.lastIndexOf('/') + 1),
  ]
  return {
    folder: join(root, path),
    group,
    manifest: { name: `@tenantry/${name}`, version: '0.0.0', ...manifest },
  }
}

function offences(from: string, path: string, imported: string, manifest: Partial<Manifest> = {}): string[] {
  const places = ['kit/core', 'kit/ddl', 'kit/repository', 'kit/rls', 'kit/search', 'kit/system']
  const others = [...places, 'systems/repostr', 'tools/testing', 'tools/cli'].map((place) =>
    pack(`packages/${place}`),
  )
  const declared = Object.fromEntries(
    [...others.map((other) => other.manifest.name), 'zod'].map((name) => [name, '*']),
  )
  const text = `import { x } from '${imported}'`
  const own = pack(from, { peerDependencies: declared, ...manifest })
  return findOffences(own, [{ path, text }], others, new Set(['vitest']))
}

describe('the direction of imports', () => {
  it.each([
    ['packages/kit/rls', '@tenantry/core'],
    ['packages/kit/rls', '@tenantry/ddl'],
    ['packages/kit/system', '@tenantry/rls'],
    ['packages/systems/contentpilot', '@tenantry/search'],
    ['packages/tools/testing', '@tenantry/system'],
    ['packages/tools/bench', '@tenantry/testing'],
    ['examples/quickstart', '@tenantry/repostr'],
  ])('%s may import %s', (from, imported) => {
    expect(offences(from, 'src/index.ts', imported)).toEqual([])
  })

  it.each([
    ['a floor above', 'packages/kit/core', '@tenantry/ddl'],
    ['a neighbour on floor 2', 'packages/kit/ddl', '@tenantry/repository'],
    ['a neighbour on floor 3', 'packages/kit/rls', '@tenantry/search'],
    ['another system', 'packages/systems/contentpilot', '@tenantry/repostr'],
    ['a tool', 'packages/systems/contentpilot', '@tenantry/testing'],
    ['a system, from the command line', 'packages/tools/cli', '@tenantry/repostr'],
  ])('refuses %s', (_what, from, imported) => {
    expect(offences(from, 'src/index.ts', imported)).toHaveLength(1)
  })

  it('lets tests use the testing package and any mechanism, and a kit test no system', () => {
    expect(offences('packages/kit/core', 'test/x.test.ts', '@tenantry/testing')).toEqual([])
    expect(offences('packages/kit/core', 'test/x.test.ts', '@tenantry/rls')).toEqual([])
    expect(offences('packages/kit/core', 'test/x.test.ts', '@tenantry/repostr')).toHaveLength(1)
  })

  it('refuses what the package does not declare', () => {
    expect(offences('packages/kit/core', 'src/index.ts', 'zod', { peerDependencies: {} })).toHaveLength(1)
    const onlyDev = { peerDependencies: {}, devDependencies: { zod: '*' } }
    expect(offences('packages/kit/core', 'src/index.ts', 'zod', onlyDev)).toHaveLength(1)
    expect(offences('packages/kit/core', 'test/x.test.ts', 'zod/v4', onlyDev)).toEqual([])
    expect(offences('packages/kit/core', 'test/x.test.ts', 'vitest')).toEqual([])
  })

  it('refuses to leave the package by a path, and builtins without their prefix', () => {
    expect(offences('packages/kit/rls', 'src/a/b.ts', '../../../core/src/index.ts')).toHaveLength(1)
    expect(offences('packages/kit/rls', 'src/a/b.ts', '../c.ts')).toEqual([])
    expect(offences('packages/kit/rls', 'src/index.ts', 'fs')).toHaveLength(1)
    expect(offences('packages/kit/rls', 'src/index.ts', 'node:fs')).toEqual([])
  })
})
