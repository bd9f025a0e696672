/**
 * LISTEN on a connection of its own. postgres.js (3.4.9) listens again after a lost connection too, but only
 * once: when that attempt fails, as it does while a server restarts, its listeners stay silent for ever.
 */
import type { Listen } from '../driver.ts'
import type { InternalClient } from './postgres-js-connection.ts'

export interface ListenerHooks {
  readonly onclose: () => void
  readonly onnotify: (channel: string, payload: string) => void
}

export interface Listener {
  readonly listen: Listen
  close(): Promise<void>
}

type Heard = (payload: string | null) => void

/** Waits between attempts to connect anew, in milliseconds: doubled from the first up to the last. */
const RECONNECT_FIRST_MS = 100
const RECONNECT_LAST_MS = 10_000

/** One connection for all channels, opened for the first and ended with the last. */
export function createListener(open: (hooks: ListenerHooks) => InternalClient): Listener {
  const channels = new Map<string, Set<Heard>>()
  let current: InternalClient | undefined
  let timer: NodeJS.Timeout | undefined
  let failures = 0

  function client(): InternalClient {
    if (current !== undefined) return current
    const opened = open({
      onclose: () => lost(opened),
      onnotify: (channel, payload) => channels.get(channel)?.forEach((heard) => heard(payload)),
    })
    current = opened
    return opened
  }

  function lost(closed: InternalClient): void {
    if (closed !== current) return
    drop()
    if (channels.size > 0) retry()
  }

  function drop(): void {
    const dropped = current
    current = undefined
    dropped?.end({ timeout: 0 }).catch(() => {})
  }

  function retry(): void {
    clearTimeout(timer)
    const wait = Math.min(RECONNECT_LAST_MS, RECONNECT_FIRST_MS * 2 ** failures++)
    timer = setTimeout(() => void again(), wait)
  }

  async function again(): Promise<void> {
    const opened = client()
    try {
      for (const channel of channels.keys()) await send(opened, `listen ${quoted(channel)}`)
      failures = 0
      // What was said in between is lost: whoever listens looks for itself.
      for (const listeners of channels.values()) for (const heard of listeners) heard(null)
    } catch {
      lost(opened)
    }
  }

  async function unlisten(channel: string, heard: Heard): Promise<void> {
    const listeners = channels.get(channel)
    if (listeners?.delete(heard) !== true || listeners.size > 0) return
    channels.delete(channel)
    if (channels.size === 0) await close()
    else if (current !== undefined) await send(current, `unlisten ${quoted(channel)}`).catch(() => {})
  }

  async function close(): Promise<void> {
    channels.clear()
    clearTimeout(timer)
    const ended = current
    current = undefined
    await ended?.end({ timeout: 0 })
  }

  return {
    async listen(channel, onNotify) {
      // A function of its own, so that the same one may listen twice.
      const heard: Heard = (payload) => onNotify(payload)
      const known = channels.get(channel)
      if (known === undefined) channels.set(channel, new Set([heard]))
      else known.add(heard)
      try {
        // Once more for a channel that is listened to already: it answers when the first one is under way too.
        await send(client(), `listen ${quoted(channel)}`)
      } catch (error) {
        await unlisten(channel, heard)
        throw error
      }
      return () => unlisten(channel, heard)
    },
    close,
  }
}

/** What a host's client has for it. */
export interface ListeningClient {
  listen(
    channel: string,
    heard: (payload: string) => void,
    listening: () => void,
  ): Promise<{ readonly unlisten: () => Promise<unknown> }>
}

/** By the client's own means: where it falls silent, its host's other listeners do too. */
export function hostListener(client: ListeningClient): Listener {
  return {
    async listen(channel, onNotify) {
      let again = false
      const { unlisten } = await client.listen(channel, onNotify, () => {
        if (again) onNotify(null)
        again = true
      })
      return async () => void (await unlisten())
    },
    close: () => Promise.resolve(),
  }
}

async function send(client: InternalClient, text: string): Promise<void> {
  await client.unsafe(text, [], { simple: true })
}

function quoted(channel: string): string {
  return `"${channel.replaceAll('"', '""')}"`
}
