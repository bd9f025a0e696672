import { readdirSync } from 'node:fs'
import { join, relative, sep } from 'node:path'
import ts from 'typescript'

/**
 * Writes `dist/**` declarations for each package folder, all from one program: siblings are read from
 * source (condition `@tenantry/source`) and referred to by name, so neither order nor a built sibling
 * is needed. Throws with the compiler's own words when a declaration can't be written.
 */
export function emitDeclarations(packageFolders: readonly string[]): void {
  const root = join(import.meta.dirname, '..')
  const { config } = ts.readConfigFile(join(root, 'tsconfig.base.json'), ts.sys.readFile)
  const parsed = ts.convertCompilerOptionsFromJson(config.compilerOptions, root)
  const sources = new Map(packageFolders.map((folder) => [join(folder, 'src') + sep, join(folder, 'dist')]))
  const program = ts.createProgram({
    rootNames: packageFolders.flatMap((folder) => sourceFiles(join(folder, 'src'))),
    options: { ...parsed.options, noEmit: false, declaration: true, emitDeclarationOnly: true },
  })
  const problems: ts.Diagnostic[] = [...parsed.errors]
  for (const file of program.getSourceFiles()) {
    const owner = [...sources].find(([source]) => file.fileName.startsWith(source))
    if (!owner) continue
    const [source, dist] = owner
    const target = join(dist, relative(source, file.fileName).replace(/\.ts$/, '.d.ts'))
    const { diagnostics } = program.emit(
      file,
      (_name, text) => ts.sys.writeFile(target, asJavaScript(text)),
      undefined,
      true,
    )
    problems.push(...diagnostics)
  }
  if (problems.length > 0) {
    throw new Error(
      ts.formatDiagnostics(problems, {
        getCanonicalFileName: (name) => name,
        getCurrentDirectory: () => root,
        getNewLine: () => '\n',
      }),
    )
  }
}

/** The compiler rewrites `./x.ts` to `./x.js` in JavaScript only; a consumer's declarations need it as well. */
function asJavaScript(declarations: string): string {
  return declarations.replace(/\b(from |import |import\()(['"])(\.{1,2}\/[^'"\n]*)\.ts\2/g, '$1$2$3.js$2')
}

function sourceFiles(folder: string): string[] {
  return readdirSync(folder, { withFileTypes: true }).flatMap((entry) => {
    const path = join(folder, entry.name)
    if (entry.isDirectory()) return sourceFiles(path)
    return entry.isFile() && /(?<!\.d)\.ts$/.test(entry.name) ? [path] : []
  })
}
