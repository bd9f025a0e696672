/** Plain output, at most 100 columns wide. */

const WIDTH = 100
const INDENT = '   '

export interface Printer {
  /** A numbered heading; what is printed until the next one belongs to it. */
  step(heading: string): void
  line(text: string): void
  /** Two columns; a long second one goes on below itself. */
  table(rows: readonly (readonly [string, string])[]): void
}

export function createPrinter(write: (line: string) => void): Printer {
  let steps = 0
  const hanging = (first: string, text: string): void =>
    wrap(text, WIDTH - first.length).forEach((line, at) =>
      write((at === 0 ? first : ' '.repeat(first.length)) + line),
    )
  return {
    step(heading) {
      steps += 1
      write('')
      hanging(`${steps}. `, heading)
    },
    line: (text) => hanging(INDENT, text),
    table(rows) {
      const width = Math.max(...rows.map(([first]) => first.length))
      for (const [first, second] of rows) hanging(`${INDENT}${first.padEnd(width)}  `, second)
    },
  }
}

/** Lines of whole words. */
function wrap(text: string, width: number): readonly string[] {
  const lines = ['']
  for (const word of text.split(' ')) {
    const line = lines.at(-1) ?? ''
    if (line === '') lines[lines.length - 1] = word
    else if (line.length + 1 + word.length <= width) lines[lines.length - 1] = `${line} ${word}`
    else lines.push(word)
  }
  return lines
}
