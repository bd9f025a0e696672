/** A database and a login of the run's own, removed when it ends. */
import { randomBytes } from 'node:crypto'
import { contentpilot } from '@tenantry/contentpilot'
import { connect } from '@tenantry/core'
import postgres from 'postgres'

export interface BenchDatabase {
  /** A superuser's URL: row security doesn't apply to it. */
  readonly ownerUrl: string
  /** A login that owns nothing and is subject to row security, as an application should have it. */
  readonly appUrl: string
  /**
   * The same for Drizzle, which names every column in an INSERT, `id` too: it may write all columns, where a
   * tenant of the library may not.
   */
  readonly usualUrl: string
  readonly serverVersion: string
  remove(): Promise<void>
}

export async function createBenchDatabase(serverUrl: string): Promise<BenchDatabase> {
  const run = randomBytes(4).toString('hex')
  const name = `bench_${run}`
  const app = `bench_app_${run}`
  const usual = `bench_usual_${run}`
  const password = randomBytes(16).toString('hex')
  const ownerUrl = changed(serverUrl, (url) => (url.pathname = `/${name}`))
  const as = (username: string): string =>
    changed(ownerUrl, (url) => Object.assign(url, { username, password }))
  const admin = postgres(serverUrl, { max: 1, onnotice: () => {} })
  const remove = async (): Promise<void> => {
    await admin.unsafe(`drop database if exists ${name} with (force)`)
    await admin.unsafe(`drop role if exists ${app}, ${usual}`)
    await admin.end({ timeout: 5 })
  }
  try {
    await admin.unsafe(`create database ${name} template template0`)
    await migrate(ownerUrl)
    for (const login of [app, usual]) {
      await admin.unsafe(`create role ${login} login password '${password}'`)
      await admin.unsafe(`grant tenantry_tenant to ${login} with inherit true`)
    }
    await admin.unsafe(`grant tenantry_service to ${app} with inherit false, set true`)
    await grantAll(ownerUrl, usual)
    const [server] = await admin<{ version: string }[]>`select current_setting('server_version') as version`
    return { ownerUrl, appUrl: as(app), usualUrl: as(usual), serverVersion: server?.version ?? '', remove }
  } catch (error) {
    await remove()
    throw error
  }
}

async function migrate(ownerUrl: string): Promise<void> {
  const owner = await connect(ownerUrl)
  await contentpilot(owner)
    .migrate()
    .finally(() => owner.close())
}

async function grantAll(ownerUrl: string, login: string): Promise<void> {
  const owner = postgres(ownerUrl, { max: 1 })
  await owner
    .unsafe(`grant select, insert, update, delete on all tables in schema public to ${login}`)
    .finally(() => owner.end({ timeout: 5 }))
}

function changed(text: string, change: (url: URL) => void): string {
  const url = new URL(text)
  change(url)
  return url.href
}
