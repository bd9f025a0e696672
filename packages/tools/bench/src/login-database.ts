/** A database of its own with a login that is subject to row security. */
import { randomBytes } from 'node:crypto'
import postgres from 'postgres'

export interface LoginDatabase {
  readonly ownerUrl: string
  /** Subject to row security, and allowed to act as the service role. */
  readonly appUrl: string
  remove(): Promise<void>
}

export async function createLoginDatabase(
  serverUrl: string,
  migrate: (ownerUrl: string) => Promise<void>,
): Promise<LoginDatabase> {
  const run = randomBytes(4).toString('hex')
  const [name, app, password] = [`bench_${run}`, `bench_app_${run}`, randomBytes(16).toString('hex')]
  const url = (change: Partial<Pick<URL, 'username' | 'password'>>): string =>
    Object.assign(new URL(serverUrl), { pathname: `/${name}`, ...change }).href
  const ownerUrl = url({})
  const admin = postgres(serverUrl, { max: 1, onnotice: () => {} })
  const remove = async (): Promise<void> => {
    await admin.unsafe(`drop database if exists ${name} with (force)`)
    await admin.unsafe(`drop role if exists ${app}`)
    await admin.end({ timeout: 5 })
  }
  try {
    await admin.unsafe(`create database ${name} template template0`)
    await migrate(ownerUrl)
    await admin.unsafe(`create role ${app} login password '${password}'`)
    await admin.unsafe(`grant tenantry_tenant to ${app} with inherit true`)
    await admin.unsafe(`grant tenantry_service to ${app} with inherit false, set true`)
  } catch (error) {
    await remove()
    throw error
  }
  return { ownerUrl, appUrl: url({ username: app, password }), remove }
}
