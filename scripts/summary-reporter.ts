import type { Reporter, TestCase, TestModule, TestSuite, Vitest } from 'vitest/node'

/**
 * Ends a run with one line of sums, after a line for each suite or test that didn't run and how to run it.
 * In CI a skip is a failure.
 */
export class SummaryReporter implements Reporter {
  /** With `-t` all that doesn't match counts as skipped, as was asked. */
  #filtered = false

  onInit(vitest: Vitest): void {
    this.#filtered = vitest.config.testNamePattern !== undefined
  }

  onTestRunEnd(modules: readonly TestModule[], unhandledErrors: readonly unknown[]): void {
    const skipped = this.#filtered ? [] : modules.flatMap((module) => [...outermostSkipped(module)])
    const lines = [
      '',
      ...(skipped.length > 0 ? explain(skipped) : []),
      sums(modules, unhandledErrors.length),
      '',
    ]
    process.stdout.write(lines.join('\n'))
    if (process.env.CI && skipped.length > 0) process.exitCode = 1
  }
}

interface Skipped {
  readonly file: string
  readonly name: string
}

function explain(skipped: readonly Skipped[]): string[] {
  const onServer = process.env.TEST_DATABASE_URL?.startsWith('postgres')
  return [
    ...skipped.map(({ file, name }) => `skipped: ${name}  (${file})`),
    ...(onServer ? [] : ['The embedded server has one connection; what needs concurrency needs a real one.']),
    ...(process.env.TEST_POOLER_URL ? [] : ['TEST_POOLER_URL names no PgBouncer in transaction mode.']),
    'To run them: scripts/postgres.sh start && eval "$(scripts/postgres.sh env)" && npm test',
    'or start Docker (it gives no PgBouncer), or set TEST_DATABASE_URL and TEST_POOLER_URL.',
    ...(process.env.CI ? ['CI is set: a skipped test fails the run.'] : []),
    '',
  ]
}

/** A file that can't be loaded, or an error outside of any test, counts as one failed test. */
function sums(modules: readonly TestModule[], unhandledErrors: number): string {
  const count = { passed: 0, failed: unhandledErrors, skipped: 0 }
  for (const module of modules) {
    const failedBefore = count.failed
    for (const test of module.children.allTests()) {
      const { state } = test.result()
      count[state === 'pending' ? 'failed' : state] += 1
    }
    if (module.state() === 'failed' && count.failed === failedBefore) count.failed += 1
  }
  return `${count.passed} passed, ${count.failed} failed, ${count.skipped} skipped`
}

function* outermostSkipped(parent: TestModule | TestSuite): Generator<Skipped> {
  for (const child of parent.children) {
    if (isSkipped(child)) yield { file: child.module.relativeModuleId, name: child.fullName }
    else if (child.type === 'suite') yield* outermostSkipped(child)
  }
}

function isSkipped(task: TestSuite | TestCase): boolean {
  return (task.type === 'test' ? task.result().state : task.state()) === 'skipped'
}
