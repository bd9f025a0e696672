/** An empty database for one test file: on the server of TEST_DATABASE_URL, else embedded. */
import { randomBytes } from 'node:crypto'
import { PGlite } from '@electric-sql/pglite'
import { vector } from '@electric-sql/pglite-pgvector'
import postgres from 'postgres'

export interface TestDatabase {
  rows<T extends object>(text: string, params?: (string | number | null)[]): Promise<T[]>
  /** One or more statements without parameters. */
  script(text: string): Promise<void>
  close(): Promise<void>
}

export async function emptyDatabase(): Promise<TestDatabase> {
  const url = process.env['TEST_DATABASE_URL']
  return url === undefined || url === 'memory://' ? embedded() : onServer(url)
}

async function embedded(): Promise<TestDatabase> {
  const client = await PGlite.create({ extensions: { vector } })
  return {
    rows: async <T>(text: string, params?: unknown[]) => (await client.query<T>(text, params)).rows,
    script: async (text) => void (await client.exec(text)),
    close: () => client.close(),
  }
}

async function onServer(url: string): Promise<TestDatabase> {
  const name = `cp_schema_${randomBytes(6).toString('hex')}`
  const admin = postgres(url, { max: 1, onnotice: () => undefined })
  await admin.unsafe(`create database ${name}`)
  const own = new URL(url)
  own.pathname = `/${name}`
  const client = postgres(own.href, { max: 1, onnotice: () => undefined })
  return {
    rows: async <T extends object>(text: string, params?: (string | number | null)[]) =>
      [...(await client.unsafe<T[]>(text, params))] as T[],
    script: async (text) => void (await client.unsafe(text)),
    close: async () => {
      await client.end()
      await admin.unsafe(`drop database ${name} with (force)`)
      await admin.end()
    },
  }
}
