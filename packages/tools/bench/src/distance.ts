/** A server that is a network away: a proxy, in a process of its own, that holds up what passes in each direction. */
import { fork } from 'node:child_process'
import { once } from 'node:events'
import { connect, createServer, type AddressInfo, type Socket } from 'node:net'
import { fileURLToPath } from 'node:url'

/** About what a round trip takes between two machines of one region: 1 ms each way, and what timers add. */
const ONE_WAY_MS = 1

const FILE = fileURLToPath(import.meta.url)

export interface Distance {
  /** The URL by which the server is that far away. */
  away(url: string): string
  close(): void
}

export async function openDistance(serverUrl: string): Promise<Distance> {
  const { hostname, port } = new URL(serverUrl)
  const proxy = fork(FILE, [hostname, port || '5432'])
  const [listening] = (await once(proxy, 'message')) as [number]
  return {
    away: (url) => Object.assign(new URL(url), { hostname: '127.0.0.1', port: String(listening) }).href,
    close: () => void proxy.kill(),
  }
}

function later(from: Socket, to: Socket): void {
  from.setNoDelay(true)
  // Timers of the same length fire in order, so bytes do too.
  from.on('data', (bytes) => setTimeout(() => to.writable && to.write(bytes), ONE_WAY_MS))
  from.on('close', () => setTimeout(() => to.destroy(), ONE_WAY_MS))
  from.on('error', () => from.destroy())
}

if (process.argv[1] === FILE) {
  const [host = '127.0.0.1', port] = process.argv.slice(2)
  const server = createServer((near) => {
    const far = connect(Number(port), host)
    later(near, far)
    later(far, near)
  })
  server.listen(0, '127.0.0.1', () => process.send?.((server.address() as AddressInfo).port))
  process.once('disconnect', () => process.exit())
}
