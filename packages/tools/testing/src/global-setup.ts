/**
 * Vitest's `globalSetup`: decides once for a run which server the tests use, and says so.
 * `TEST_DATABASE_URL`; else a container, if Docker answers and `@testcontainers/postgresql` is installed;
 * else the embedded PostgreSQL. The choice is left in `TEST_DATABASE_URL`, where the workers find it.
 */
import { connect } from 'node:net'

let stop: (() => Promise<unknown>) | undefined

export async function setup(): Promise<void> {
  const given = process.env['TEST_DATABASE_URL']
  if (given) return announce('the server of TEST_DATABASE_URL')
  if (await dockerAnswers()) {
    const { PostgreSqlContainer } = await import('@testcontainers/postgresql')
    const container = await new PostgreSqlContainer('pgvector/pgvector:pg17')
      .withCommand(['postgres', '-c', 'max_connections=300', '-c', 'fsync=off', '-c', 'full_page_writes=off'])
      .start()
    stop = () => container.stop()
    process.env['TEST_DATABASE_URL'] = container.getConnectionUri()
    return announce('PostgreSQL 17 in a container')
  }
  process.env['TEST_DATABASE_URL'] = 'memory://'
  announce('the embedded PostgreSQL (set TEST_DATABASE_URL for a real one)')
}

export async function teardown(): Promise<void> {
  await stop?.()
}

function announce(server: string): void {
  process.stdout.write(`Tests run on ${server}.\n`)
}

/** A socket that accepts is enough: what is wrong beyond that, testcontainers says better. */
function dockerAnswers(): Promise<boolean> {
  const host = process.env['DOCKER_HOST']
  if (host && !host.startsWith('unix://')) return Promise.resolve(true)
  const path = host ? host.slice('unix://'.length) : '/var/run/docker.sock'
  return new Promise((resolve) => {
    const socket = connect(path)
    const answer = (value: boolean) => {
      socket.destroy()
      resolve(value)
    }
    socket.once('connect', () => answer(true)).once('error', () => answer(false))
  })
}
