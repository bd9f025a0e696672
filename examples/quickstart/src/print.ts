/** Output for a terminal, at most 100 columns wide; plain text where it isn't one. */

const WIDTH = 100
const INDENT = '   '

export interface Printer {
  /** A numbered heading, what the step prints, and how long it took. */
  step<T>(heading: string, run: () => Promise<T>): Promise<T>
  /** A heading without a number. */
  section(heading: string): void
  /** A paragraph, wrapped. */
  say(text: string): void
  /** A paragraph for the eye to skip, such as a longer quotation. */
  quote(text: string): void
  /** Rows of columns that line up; the last one is cut where the line ends. */
  table(rows: readonly (readonly (string | number)[])[]): void
  title(text: string): void
}

export function createPrinter(write: (line: string) => void, { color = false } = {}): Printer {
  const styled = (code: number, text: string): string => (color ? `\u001B[${code}m${text}\u001B[0m` : text)
  const bold = (text: string): string => styled(1, text)
  const dim = (text: string): string => styled(2, text)
  let steps = 0
  return {
    title: (text) => write(bold(text)),
    async step(heading, run) {
      steps += 1
      write('')
      write(bold(`${steps}. ${heading}`))
      const started = performance.now()
      const result = await run()
      write(dim(`${INDENT}(${((performance.now() - started) / 1000).toFixed(2)} s)`))
      return result
    },
    section(heading) {
      write('')
      write(bold(heading))
    },
    say: (text) => wrap(text, WIDTH - INDENT.length).forEach((line) => write(INDENT + line)),
    quote: (text) =>
      wrap(text, WIDTH - INDENT.length - 2).forEach((line) => write(dim(`${INDENT}| ${line}`.trimEnd()))),
    table(rows) {
      const cells = rows.map((row) => row.map(String))
      const widths = (cells[0] ?? []).map((_, at) => Math.max(...cells.map((row) => (row[at] ?? '').length)))
      for (const row of cells) {
        const aligned = row.map((cell, at) => {
          const width = widths[at] ?? 0
          if (typeof rows.at(-1)?.[at] === 'number') return cell.padStart(width)
          return at === row.length - 1 ? cell : cell.padEnd(width)
        })
        write(INDENT + clip(aligned.join('  ').trimEnd(), WIDTH - INDENT.length))
      }
    },
  }
}

/** At most `width` characters, with an ellipsis where something was cut. */
function clip(text: string, width: number): string {
  return text.length <= width ? text : `${text.slice(0, width - 3).trimEnd()}...`
}

/** `3 topics`, `1 topic`. */
export function plural(count: number, one: string, many = `${one}s`): string {
  return `${count.toLocaleString('en')} ${count === 1 ? one : many}`
}

/** Lines of whole words; a word that is too long for a line is cut. */
function wrap(text: string, width: number): string[] {
  const lines: string[] = []
  for (const paragraph of text.split('\n')) {
    let line = ''
    for (const word of paragraph.split(' ').map((whole) => clip(whole, width))) {
      if (line !== '' && line.length + 1 + word.length > width) {
        lines.push(line)
        line = word
      } else line = line === '' ? word : `${line} ${word}`
    }
    lines.push(line)
  }
  return lines
}
