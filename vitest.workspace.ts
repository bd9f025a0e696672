/**
 * The configuration of every test. Vitest 4 doesn't look for a file of this name: pass it by
 * `--config vitest.workspace.ts` (`npm test` does).
 */
import { defineConfig, type TestProjectInlineConfiguration } from 'vitest/config'
import { SummaryReporter } from './scripts/summary-reporter.ts'

// Vite's own conditions for a server, after ours: tests run on the sources, with no build before them.
const conditions = ['@tenantry/source', 'module', 'node', 'development|production']

function project(name: string, include: string[]): TestProjectInlineConfiguration {
  return {
    resolve: { conditions },
    ssr: { resolve: { conditions } },
    test: {
      name,
      include,
      // A process for each file: a test that leaks a handle or crashes its driver harms no other file.
      pool: 'forks',
      // Generous: a machine of two busy cores takes ten times as long as a quiet one.
      testTimeout: 90_000,
      // The embedded server starts in one to three seconds, twice that when both cores are busy.
      hookTimeout: 120_000,
    },
  }
}

export default defineConfig({
  test: {
    projects: [
      project('kit', ['packages/kit/*/test/**/*.test.ts']),
      project('systems', ['packages/systems/*/test/**/*.test.ts']),
      project('tools', ['packages/tools/*/test/**/*.test.ts', 'scripts/test/**/*.test.ts']),
      project('examples', ['examples/*/test/**/*.test.ts', 'docs/test/**/*.test.ts']),
    ],
    maxWorkers: 2,
    // Here and not in the projects, so that the server is chosen once for a run.
    globalSetup: ['packages/tools/testing/src/global-setup.ts'],
    reporters: ['default', new SummaryReporter()],
  },
})
