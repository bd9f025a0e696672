/** Reads PostgreSQL's text format of arrays (documented under "Array Input and Output Syntax"). */

export type ArrayText = (string | null | ArrayText)[]

/**
 * The elements of an array's text: `{a,"b c",NULL,{d}}`. Elements stay text, null stands for NULL.
 * Throws SyntaxError on any other text. Bounds other than the default (`[2:3]={…}`) are dropped.
 */
export function parseArray(text: string): ArrayText {
  const start = text.startsWith('[') ? text.indexOf('=') + 1 : 0
  const reader = new Reader(text, start)
  const elements = reader.array()
  if (!reader.finished) throw new SyntaxError('text after the end of an array')
  return elements
}

class Reader {
  readonly #text: string
  #position: number

  constructor(text: string, start: number) {
    this.#text = text
    this.#position = start
  }

  get finished(): boolean {
    return this.#position === this.#text.length
  }

  array(): ArrayText {
    this.#expect('{')
    const elements: ArrayText = []
    if (this.#accept('}')) return elements
    do elements.push(this.#element())
    while (this.#accept(','))
    this.#expect('}')
    return elements
  }

  #element(): string | null | ArrayText {
    const next = this.#text[this.#position]
    if (next === '{') return this.array()
    if (next === '"') return this.#quoted()
    const start = this.#position
    while (!this.finished && !',}'.includes(this.#text.charAt(this.#position))) this.#position++
    const bare = this.#text.slice(start, this.#position)
    if (bare === '') throw new SyntaxError('an element is missing in an array')
    return bare === 'NULL' ? null : bare
  }

  #quoted(): string {
    this.#expect('"')
    let value = ''
    while (!this.#accept('"')) {
      if (this.#text[this.#position] === '\\') this.#position++
      if (this.finished) throw new SyntaxError('an array ends inside an element')
      value += this.#text.charAt(this.#position++)
    }
    return value
  }

  #accept(character: string): boolean {
    if (this.#text[this.#position] !== character) return false
    this.#position++
    return true
  }

  #expect(character: string): void {
    if (!this.#accept(character)) throw new SyntaxError(`expected ${character} in an array`)
  }
}
