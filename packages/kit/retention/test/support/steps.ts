/** Where a worker can die, and the how manieth time that it comes there. */
export const STEPS = [
  ['export', 1],
  ['export', 3],
  ['upload', 2],
  ['uploaded', 1],
  ['uploaded', 2],
  ['read-back', 2],
  ['manifest', 1],
  ['manifest-uncommitted', 2],
  ['manifest-committed', 2],
  ['delete-uncommitted', 1],
  ['delete-uncommitted', 5],
  ['delete-committed', 1],
  ['delete-committed', 9],
  ['clean-up', 1],
  ['end', 1],
] as const

export type Step = (typeof STEPS)[number][0]
