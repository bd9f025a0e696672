import type { Reporter, TestCase, TestModule, TestSuite } from 'vitest/node'

/** Says at the end of a run which suites and tests didn't run, and how to run them. In CI a skip is a failure. */
export class SkipReporter implements Reporter {
  onTestRunEnd(modules: readonly TestModule[]): void {
    const skipped = modules.flatMap((module) => [...outermostSkipped(module)])
    if (skipped.length === 0) return
    const lines = skipped.map(({ file, name }) => `  skipped: ${name}  (${file})`)
    const reasons = [
      process.env.TEST_DATABASE_URL?.startsWith('postgres')
        ? undefined
        : 'These tests ran on the embedded server, which has one connection; concurrency needs a real one.',
      process.env.TEST_POOLER_URL ? undefined : 'TEST_POOLER_URL names no PgBouncer in transaction mode.',
    ].filter((reason) => reason !== undefined)
    process.stderr.write(
      [
        '',
        `${skipped.length} skipped:`,
        ...lines,
        ...reasons,
        'To run them: scripts/postgres.sh start && eval "$(scripts/postgres.sh env)" && npm test',
        'or start Docker (no PgBouncer there), or set TEST_DATABASE_URL and TEST_POOLER_URL.',
        '',
      ].join('\n'),
    )
    if (process.env.CI) {
      process.stderr.write('CI is set: a skipped test fails the run.\n')
      process.exitCode = 1
    }
  }
}

interface Skipped {
  readonly file: string
  readonly name: string
}

function* outermostSkipped(parent: TestModule | TestSuite): Generator<Skipped> {
  for (const child of parent.children) {
    if (isSkipped(child)) yield { file: child.module.relativeModuleId, name: child.fullName }
    else if (child.type === 'suite') yield* outermostSkipped(child)
  }
}

function isSkipped(task: TestSuite | TestCase): boolean {
  if (task.type === 'test') return task.result().state === 'skipped'
  return task.state() === 'skipped'
}
