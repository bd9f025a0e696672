/**
 * A bucket over HTTP. The server that it is made of ignores conditions and checksums; what stands before it
 * answers as the real service does.
 */
import { createHash } from 'node:crypto'
import { createServer, type IncomingMessage, request } from 'node:http'
import type { AddressInfo } from 'node:net'
import { S3Client } from '@aws-sdk/client-s3'
import S3rver from 's3rver'

export const BUCKET = 'archive'

export interface S3Server {
  readonly client: S3Client
  /** `method key` of every request. */
  readonly requests: string[]
  close(): Promise<void>
}

export async function s3Server(directory: string): Promise<S3Server> {
  const server = new S3rver({
    port: 0,
    address: '127.0.0.1',
    silent: true,
    directory,
    configureBuckets: [{ name: BUCKET }],
  })
  const { port } = await server.run()
  const requests: string[] = []
  const stored = new Set<string>()
  const front = createServer((incoming, outgoing) => {
    void (async () => {
      const body = await bytesOf(incoming)
      const path = (incoming.url ?? '').split('?', 1)[0] ?? ''
      requests.push(`${incoming.method} ${path}`)
      const refuse = (status: number, code: string): void => {
        outgoing.writeHead(status, { 'content-type': 'application/xml' })
        outgoing.end(`<Error><Code>${code}</Code><Message>${code}</Message></Error>`)
      }
      if (incoming.method === 'PUT') {
        if (incoming.headers['if-none-match'] === '*' && stored.has(path))
          return refuse(412, 'PreconditionFailed')
        const said = incoming.headers['x-amz-checksum-sha256']
        if (said !== createHash('sha256').update(body).digest('base64')) return refuse(400, 'BadDigest')
        stored.add(path)
      }
      const onward = request(
        { port, host: '127.0.0.1', method: incoming.method, path: incoming.url, headers: incoming.headers },
        (answer) => {
          outgoing.writeHead(answer.statusCode ?? 500, answer.headers)
          answer.pipe(outgoing)
        },
      )
      onward.on('error', () => outgoing.destroy())
      onward.end(body)
    })()
  })
  await new Promise<void>((listening) => front.listen(0, '127.0.0.1', listening))
  const client = new S3Client({
    endpoint: `http://127.0.0.1:${(front.address() as AddressInfo).port}`,
    region: 'eu-central-1',
    forcePathStyle: true,
    credentials: { accessKeyId: 'S3RVER', secretAccessKey: 'S3RVER' },
    maxAttempts: 1,
  })
  return {
    client,
    requests,
    async close() {
      client.destroy()
      front.closeAllConnections()
      await new Promise((closed) => front.close(closed))
      await server.close()
    },
  }
}

async function bytesOf(message: IncomingMessage): Promise<Buffer> {
  const parts: Buffer[] = []
  for await (const part of message as AsyncIterable<Buffer>) parts.push(part)
  return Buffer.concat(parts)
}
