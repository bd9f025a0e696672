/** Something to wait at: rung from anywhere, or by time. A ring while nobody waits is kept for the next. */
export interface Bell {
  ring(): void
  /** Resolves with true when it was rung, false when the time was up. Without a time: only when it is rung. */
  wait(milliseconds?: number): Promise<boolean>
  /** Forgets a ring that nobody waited for. */
  mute(): void
}

export function createBell(): Bell {
  let rung = false
  let waiting: ((rung: boolean) => void) | undefined
  return {
    ring() {
      if (waiting === undefined) rung = true
      else waiting(true)
    },
    mute() {
      rung = false
    },
    wait(milliseconds) {
      if (rung) {
        rung = false
        return Promise.resolve(true)
      }
      return new Promise((resolve) => {
        const timer =
          milliseconds === undefined ? undefined : setTimeout(() => waiting?.(false), milliseconds)
        waiting = (value) => {
          clearTimeout(timer)
          waiting = undefined
          resolve(value)
        }
      })
    },
  }
}
