/**
 * Looks for what a migration must not hold: a bound parameter. drizzle-kit writes `$1` for a value that was
 * interpolated into a check or a policy, and PostgreSQL refuses it only when the migration is applied.
 */
import { existsSync, readdirSync, readFileSync } from 'node:fs'
import { join, relative } from 'node:path'
import { root } from './workspace.ts'

/** Line numbers, from 1, at which `$1` and the like stand outside of bodies, strings and comments. */
export function parameterLines(sql: string): number[] {
  const lines: number[] = []
  // The first alternatives swallow what may hold a `$1` by right; only the last one is an offence.
  const token =
    /--[^\n]*|\/\*[\s\S]*?\*\/|'(?:[^']|'')*'|"(?:[^"]|"")*"|(\$(?:[a-z_]\w*)?\$)[\s\S]*?\1|(\$\d+)/gi
  for (const match of sql.matchAll(token)) {
    if (match[2] !== undefined) lines.push(sql.slice(0, match.index).split('\n').length)
  }
  return lines
}

if (process.argv[1] === import.meta.filename) {
  const folder = join(root, 'migrations')
  const names = existsSync(folder) ? readdirSync(folder, { recursive: true, encoding: 'utf8' }) : []
  for (const path of names.filter((name) => name.endsWith('.sql')).map((name) => join(folder, name))) {
    for (const line of parameterLines(readFileSync(path, 'utf8'))) {
      console.error(`${relative(root, path)}:${line}: a bound parameter; write the value itself (sql.raw)`)
      process.exitCode = 1
    }
  }
}
