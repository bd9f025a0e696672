import { describe, expect, it, vi } from 'vitest'
import { keepFresh, type Listen } from '../src/index.ts'

/** A driver that says what the test says, and a source whose reads the test lets through one by one. */
function setup() {
  let heard: ((payload: string | null) => void) | undefined
  const stop = vi.fn(() => {
    heard = undefined
    return Promise.resolve()
  })
  const listen: Listen = (_channel, onNotify) => {
    heard = onNotify
    return Promise.resolve(stop)
  }
  const reads: { resolve(value: unknown): void; reject(error: Error): void }[] = []
  const read = vi.fn(() => new Promise<unknown>((resolve, reject) => void reads.push({ resolve, reject })))
  return {
    listen,
    stop,
    read,
    notify: () => heard?.(''),
    isHeard: () => heard !== undefined,
    /** The next read, as soon as it is asked for. */
    async next() {
      await vi.waitFor(() => expect(reads.length).toBeGreaterThan(0))
      const [first] = reads.splice(0, 1)
      if (first === undefined) throw new Error('no read')
      return first
    },
  }
}

describe('keepFresh', () => {
  it('listens before it reads, reads again on what it hears, and says what has changed', async () => {
    const { listen, read, notify, next, isHeard, stop } = setup()
    const onChange = vi.fn()
    const starting = keepFresh({ listen }, { channel: 'x', read, onChange })
    const first = await next()
    expect(isHeard()).toBe(true)
    first.resolve({ limit: 1 })
    const fresh = await starting
    expect([fresh.value, fresh.listening]).toEqual([{ limit: 1 }, true])
    notify()
    ;(await next()).resolve({ limit: 1 })
    notify()
    ;(await next()).resolve({ limit: 2 })
    await vi.waitFor(() => expect(fresh.value).toEqual({ limit: 2 }))
    expect(onChange.mock.calls).toEqual([[{ limit: 2 }]])
    await fresh.close()
    expect(stop).toHaveBeenCalledOnce()
  })

  it('never overlaps reads: what is heard during one is read once more after it', async () => {
    const { listen, read, notify, next } = setup()
    const starting = keepFresh({ listen }, { channel: 'x', read })
    const early = await next()
    // Said while the first read was under way: that read may have missed it.
    notify()
    notify()
    early.resolve('old')
    ;(await next()).resolve('new')
    const fresh = await starting
    expect(fresh.value).toBe('new')
    expect(read).toHaveBeenCalledTimes(2)
    await fresh.close()
  })

  it('keeps the last value when a read fails, and tells of it', async () => {
    const { listen, read, notify, next } = setup()
    const onError = vi.fn()
    const starting = keepFresh({ listen }, { channel: 'x', read, onError })
    ;(await next()).resolve(1)
    const fresh = await starting
    notify()
    ;(await next()).reject(new Error('gone'))
    await vi.waitFor(() => expect(onError).toHaveBeenCalledWith(new Error('gone')))
    expect(fresh.value).toBe(1)
    const asked = fresh.refresh()
    ;(await next()).resolve(2)
    expect(await asked).toBe(2)
    await fresh.close()
  })

  it('looks by time where nothing can be heard, and listens as soon as that works', async () => {
    const { listen, isHeard } = setup()
    let broken = true
    let reads = 0
    const onError = vi.fn()
    const fresh = await keepFresh(
      { listen: (...args) => (broken ? Promise.reject(new Error('no')) : listen(...args)) },
      { channel: 'x', read: () => Promise.resolve(++reads), pollSeconds: 0.01, onError },
    )
    expect(fresh.listening).toBe(false)
    await vi.waitFor(() => expect(fresh.value).toBeGreaterThan(2))
    expect(onError).toHaveBeenCalledWith(new Error('no'))
    broken = false
    await vi.waitFor(() => expect(fresh.listening && isHeard()).toBe(true))
    await fresh.close()
  })

  it('rejects when the first read fails, and listens no more', async () => {
    const { listen, read, next, isHeard } = setup()
    const starting = keepFresh({ listen }, { channel: 'x', read })
    ;(await next()).reject(new Error('no table'))
    await expect(starting).rejects.toThrow('no table')
    expect(isHeard()).toBe(false)
  })

  it('changes nothing after it was closed', async () => {
    const { listen, read, next, notify } = setup()
    const onChange = vi.fn()
    const starting = keepFresh({ listen }, { channel: 'x', read, onChange })
    ;(await next()).resolve(1)
    const fresh = await starting
    notify()
    const late = await next()
    const closing = fresh.close()
    late.resolve(2)
    await closing
    expect([fresh.value, onChange.mock.calls]).toEqual([1, []])
  })
})
