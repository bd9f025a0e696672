/**
 * Test databases on the embedded server. Opening a copy of a prepared data folder takes 0.3–0.6 s; loading
 * a dump takes 0.4–1.2 s, starting anew and migrating 1.5–3.5 s.
 */
import { randomBytes } from 'node:crypto'
import { readFileSync } from 'node:fs'
import { cp, mkdir, mkdtemp, readdir, rename, rm, stat, utimes } from 'node:fs/promises'
import { createRequire } from 'node:module'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { connect } from '@tenantry/core'
import type { Created, TemplateOptions, TestDatabaseOptions } from './database.ts'
import { fingerprint, templateKey } from './fingerprint.ts'

type Migrate = NonNullable<TestDatabaseOptions['migrate']>

const BASE = join(tmpdir(), 'tenantry-test')
/** Copies of runs that were killed: no test run takes longer. */
const COPY_ABANDONED_AFTER_MS = 6 * 3_600_000
/** Templates of other sources, 40 MB each, that no other checkout has used of late. */
const TEMPLATE_STALE_AFTER_MS = 10 * 60_000

export async function createEmbedded({ migrate, template }: TestDatabaseOptions): Promise<Created> {
  await mkdir(BASE, { recursive: true })
  const folder = await mkdtemp(join(BASE, 'copy-'))
  try {
    const source = await preparedFolder(template, migrate)
    await cp(source, folder, { recursive: true })
    const url = `file:${folder}`
    if (!template && migrate) await prepare(url, migrate)
    return {
      url,
      poolerUrl: undefined,
      findLeaks: async () => [],
      remove: () => rm(folder, { recursive: true, force: true }),
    }
  } catch (error) {
    await rm(folder, { recursive: true, force: true })
    throw error
  }
}

/**
 * The folder to copy: an empty server, or one migrated from a copy of that (initdb is the slow part). Made
 * aside and moved into place in one step: two processes may both make it, and either result serves.
 */
async function preparedFolder(template?: TemplateOptions, migrate?: Migrate): Promise<string> {
  const target = join(BASE, templateName(template))
  if (await exists(target)) {
    await utimes(target, new Date(), new Date())
    return target
  }
  await dropStale(target)
  const draft = join(BASE, `copy-${randomBytes(6).toString('hex')}`)
  try {
    if (template) await cp(await preparedFolder(), draft, { recursive: true })
    await prepare(`file:${draft}`, template && migrate)
    await rename(draft, target)
  } catch (error) {
    await rm(draft, { recursive: true, force: true })
    if (!(await exists(target))) throw error
  }
  return target
}

async function prepare(url: string, migrate?: Migrate): Promise<void> {
  const database = await connect(url)
  await Promise.resolve(migrate?.(database, url)).finally(() => database.close())
}

function templateName(template: TemplateOptions | undefined): string {
  const key = template ? templateKey(template) : 'empty'
  return `template-${key}-${fingerprint([embeddedVersion(), ...(template?.sources ?? [])])}`
}

/** A data folder is good for the version that wrote it. */
function embeddedVersion(): string {
  const entry = createRequire(import.meta.url).resolve('@electric-sql/pglite')
  return readFileSync(join(dirname(entry), '..', 'package.json'), 'utf8')
}

async function dropStale(target: string): Promise<void> {
  for (const path of (await readdir(BASE)).map((name) => join(BASE, name))) {
    const isCopy = path.startsWith(join(BASE, 'copy-'))
    if (path !== target && (await age(path)) > (isCopy ? COPY_ABANDONED_AFTER_MS : TEMPLATE_STALE_AFTER_MS)) {
      await rm(path, { recursive: true, force: true })
    }
  }
}

async function age(path: string): Promise<number> {
  const found = await stat(path).catch(() => undefined)
  return found ? Date.now() - found.mtimeMs : 0
}

async function exists(path: string): Promise<boolean> {
  return (await stat(path).catch(() => undefined)) !== undefined
}
