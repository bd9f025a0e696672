/** Every code block of the documents compiles as it stands; one that says `run` runs. */
import { execFile } from 'node:child_process'
import { mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { join, relative, resolve } from 'node:path'
import { promisify } from 'node:util'
import ts from 'typescript'
import { describe, expect, it } from 'vitest'
import { root } from '../../scripts/workspace.ts'
import { documents } from './documents.ts'

const folder = resolve(import.meta.dirname, '../.snippets')

interface Snippet {
  readonly document: string
  readonly line: number
  readonly code: string
  readonly runs: boolean
  readonly file: string
}

const snippets = documents().flatMap(snippetsOf)

describe('code blocks of the documents', () => {
  rmSync(folder, { recursive: true, force: true })
  mkdirSync(folder, { recursive: true })
  for (const { file, code } of snippets) writeFileSync(file, `${code}\nexport {}\n`)

  it('are found, each in a file of its own', () => {
    expect(snippets.length).toBeGreaterThan(5)
    expect(new Set(snippets.map(({ file }) => file)).size).toBe(snippets.length)
  })

  it('compile under the settings of the repository', { timeout: 120_000 }, () => {
    expect(compileErrors()).toEqual([])
  })

  it.each(
    snippets
      .filter((snippet) => snippet.runs)
      .map((snippet) => [`${snippet.document}:${snippet.line}`, snippet] as const),
  )('runs: %s', { timeout: 60_000 }, async (_name, { file }) => {
    const { DATABASE_URL: _url, ...env } = process.env
    const run = promisify(execFile)(
      process.execPath,
      ['--conditions=@tenantry/source', '--import', 'tsx', file],
      { cwd: folder, env },
    )
    await expect(run).resolves.toMatchObject({ stderr: '' })
  })
})

function snippetsOf(document: string): readonly Snippet[] {
  const lines = readFileSync(join(root, document), 'utf8').split('\n')
  const found: Snippet[] = []
  for (let index = 0; index < lines.length; index++) {
    const fence = /^```(?:ts|tsx|typescript)\b(.*)$/.exec(lines[index] ?? '')
    if (fence === null) continue
    const end = lines.indexOf('```', index + 1)
    const name = `${document.replace(/[^a-z0-9]+/gi, '-')}-${index + 1}.ts`
    found.push({
      document,
      line: index + 1,
      code: lines.slice(index + 1, end).join('\n'),
      runs: /\brun\b/.test(fence[1] ?? ''),
      file: join(folder, name),
    })
    index = end
  }
  return found
}

function compileErrors(): readonly string[] {
  const config = ts.readConfigFile(join(root, 'tsconfig.base.json'), (path) => ts.sys.readFile(path))
  const { options } = ts.parseJsonConfigFileContent(config.config, ts.sys, root)
  // Examples show what they declare without using all of it.
  const program = ts.createProgram(
    snippets.map((snippet) => snippet.file),
    {
      ...options,
      noUnusedLocals: false,
      noUnusedParameters: false,
      typeRoots: [join(root, 'node_modules/@types')],
    },
  )
  return ts.getPreEmitDiagnostics(program).map((diagnostic) => {
    const text = ts.flattenDiagnosticMessageText(diagnostic.messageText, ' ')
    if (diagnostic.file === undefined || diagnostic.start === undefined) return text
    const { line } = diagnostic.file.getLineAndCharacterOfPosition(diagnostic.start)
    const snippet = snippets.find((candidate) => candidate.file === diagnostic.file?.fileName)
    const place =
      snippet === undefined
        ? relative(root, diagnostic.file.fileName)
        : `${snippet.document}:${snippet.line + line + 1}`
    return `${place} ${text}`
  })
}
