/** What a reader is told of a generated migration, taken from the comments that the generator put there. */

export interface MigrationSummary {
  /** One line for each object or statement about a table. */
  readonly changes: readonly string[]
  /** Statements that a reviewer must look at twice. */
  readonly review: readonly ReviewNote[]
}

export interface ReviewNote {
  /** Of the statement in the file, counted from 1. */
  readonly line: number
  readonly note: string
  readonly statement: string
}

const REVIEW = '-- REVIEW: '
const CHANGE_CHARACTERS_MAX = 100

export function summarizeMigration(text: string): MigrationSummary {
  const changes: string[] = []
  const review: ReviewNote[] = []
  // Its head is a part of its own, set off by an empty line.
  const head = text.indexOf('\n\n')
  let line = text.slice(0, head + 2).split('\n').length
  for (const part of text.slice(head + 2).split('--> statement-breakpoint')) {
    const lines = part.split('\n')
    const comments = lines.filter((candidate) => candidate.startsWith('-- '))
    const at = lines.findIndex((candidate) => candidate.trim() !== '' && !candidate.startsWith('--'))
    if (at === -1) continue
    const statement = shorten(lines[at] ?? '')
    const note = comments.find((comment) => comment.startsWith(REVIEW))
    if (note !== undefined) review.push({ line: line + at, note: note.slice(REVIEW.length), statement })
    const subject = comments.find((comment) => !comment.startsWith(REVIEW))
    // Only the first statement of an object is commented; those after it belong to the same change.
    if (subject !== undefined) changes.push(subject.slice('-- '.length))
    else if (isTableStatement(statement)) changes.push(statement)
    line += lines.length - 1
  }
  return { changes, review }
}

/** drizzle-kit's statements carry no comment of their own and begin with capitals. */
function isTableStatement(statement: string): boolean {
  return /^(?:CREATE|ALTER|DROP) /.test(statement)
}

function shorten(statement: string): string {
  const text = statement.trim().replace(/[;(\s]+$/, '')
  return text.length > CHANGE_CHARACTERS_MAX ? `${text.slice(0, CHANGE_CHARACTERS_MAX)}…` : text
}
