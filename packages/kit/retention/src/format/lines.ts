/** Content of segments as lines. JSON holds no raw newline, so a newline always ends a row. */

const NEWLINE = 0x0a

/** Where each line ends in the content, its newline included. */
export function lineEnds(content: Uint8Array): Uint32Array {
  const ends: number[] = []
  for (let at = content.indexOf(NEWLINE); at >= 0; at = content.indexOf(NEWLINE, at + 1)) ends.push(at + 1)
  return Uint32Array.from(ends)
}

export function splitLines(content: Uint8Array): readonly string[] {
  return textOf(content).split('\n').slice(0, -1)
}

export function textOf(content: Uint8Array, start = 0, end = content.byteLength): string {
  return Buffer.from(content.buffer, content.byteOffset + start, end - start).toString('utf8')
}
