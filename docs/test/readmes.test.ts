import { existsSync, readFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { describe, expect, it } from 'vitest'
import { type Package, publishedPackages, root } from '../../scripts/workspace.ts'
import { documents, readmes } from './documents.ts'

const packages = new Map(publishedPackages().map((each) => [each.manifest.name, each]))

describe('the README of a published package', () => {
  it.each([...readmes])('is there: %s', (_name, path) => {
    expect(existsSync(join(root, path))).toBe(true)
  })

  it.each([...readmes])(
    'installs %s with every peer that it requires, theirs too, and no other',
    (name, path) => {
      const lines = [...read(path).matchAll(/^npm install (?:--save-dev )?(.+)$/gm)]
      const installed = lines.map(([, names = '']) => names.split(' ')).find(([first]) => first === name)
      expect(installed?.toSorted()).toEqual([name, ...requiredPeers(name)].toSorted())
    },
  )
})

it('links of the documents lead to files, and headings in them, that are there', () => {
  const broken = documents().flatMap((document) =>
    [...read(document).matchAll(/\]\((?!https?:)([^)#\s]*)(?:#([^)\s]+))?\)/g)]
      .filter(([, path = '', heading]) => {
        const target = path === '' ? document : join(dirname(document), path)
        if (!existsSync(join(root, target))) return true
        return heading !== undefined && !headingsOf(target).includes(heading)
      })
      .map(([link]) => `${document}: ${link}`),
  )
  expect(broken).toEqual([])
})

/** By the names that GitHub gives them. */
function headingsOf(document: string): readonly string[] {
  const text = read(document).replaceAll(/^```[^]*?^```$/gm, '')
  return [...text.matchAll(/^#+ (.+)$/gm)].map(([, heading = '']) =>
    heading
      .toLowerCase()
      .replaceAll(/[^\p{L}\p{N} _-]/gu, '')
      .replaceAll(' ', '-'),
  )
}

/** As one types them: siblings by name, others by name and the versions that work. */
function requiredPeers(name: string, found = new Set<string>()): ReadonlySet<string> {
  const { peerDependencies = {}, peerDependenciesMeta = {} }: Package['manifest'] =
    packages.get(name)?.manifest ?? expect.fail(`there is no package ${name}`)
  for (const [peer, range] of Object.entries(peerDependencies)) {
    if (peerDependenciesMeta[peer]?.optional === true) continue
    if (!packages.has(peer)) found.add(`${peer}@${/^\^(0\.\d+|\d+)/.exec(range)?.[1] ?? range}`)
    else if (!found.has(peer)) requiredPeers(peer, found.add(peer))
  }
  return found
}

function read(document: string): string {
  return readFileSync(join(root, document), 'utf8')
}
