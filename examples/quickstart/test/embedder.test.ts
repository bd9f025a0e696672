import { expect, test } from 'vitest'
import { learnEmbedder, similarity, wordsOf } from '../src/embedder.ts'

const texts = [
  'The income tax was reduced, and the revenue of the Treasury rose.',
  'Taxpayers gain when income taxes are reduced and revenues suffice.',
  'Forests hold the rivers back, and rivers without forests flood the farms.',
  'Conservation of forests and rivers is a duty to those who come after us.',
  'The Navy sailed around the world and came home.',
]
// Each text often enough that its words count as known.
const corpus = (): string[] => Array.from({ length: 10 }, () => texts).flat()
const filler = Array.from({ length: 50 }, (_, at) => `unrelated filler number ${'abcdefghij'[at % 10]}`)
const setup = () => learnEmbedder([...corpus(), ...filler])

test('the same text gives the same 1,536 numbers, from an embedder learnt anew', () => {
  const [text] = texts
  const embedding = setup().embed(text ?? '')
  expect(embedding).toHaveLength(1536)
  expect(setup().embed(text ?? '')).toEqual(embedding)
})

test('an embedding has length 1', () => {
  const { embed } = setup()
  for (const text of texts) {
    const embedding = embed(text)
    expect(similarity(embedding, embedding)).toBeCloseTo(1, 10)
  }
})

test('a text without a known word is all zeros, not NaN', () => {
  const { embed } = setup()
  for (const text of ['', 'of the and', 'zyzzyva quux']) {
    expect(embed(text).every((value) => value === 0)).toBe(true)
  }
})

test('texts about one subject are nearer to each other than to any other', () => {
  const [tax, alsoTax, forest, alsoForest, navy] = texts.map((text) => setup().embed(text))
  if (!tax || !alsoTax || !forest || !alsoForest || !navy) throw new Error('five texts')
  for (const [one, other] of [
    [tax, alsoTax],
    [forest, alsoForest],
  ] as const) {
    const strangers = [tax, alsoTax, forest, alsoForest, navy].filter(
      (text) => text !== one && text !== other,
    )
    for (const stranger of strangers) {
      expect(similarity(one, other)).toBeGreaterThan(similarity(one, stranger) + 0.1)
    }
  }
})

test('a word that every second text uses weighs less than one that few use', () => {
  const { embed } = learnEmbedder([
    ...Array.from({ length: 50 }, () => 'government tariff'),
    ...Array.from({ length: 10 }, () => 'government forest'),
    ...Array.from({ length: 60 }, () => 'something else'),
  ])
  const text = embed('government forest')
  expect(similarity(text, embed('forest'))).toBeGreaterThan(similarity(text, embed('government')))
})

test('singular and plural are one word, stop words none', () => {
  expect(wordsOf('The taxes, the tax; duties and a duty. Glasses of the census!')).toEqual([
    'tax',
    'tax',
    'duty',
    'duty',
    'glass',
    'census',
  ])
})

test('shared words come rarest first', () => {
  const { sharedWords } = learnEmbedder([
    ...Array.from({ length: 50 }, () => 'tax'),
    ...Array.from({ length: 10 }, () => 'tariff'),
  ])
  expect(sharedWords('Taxes and a tariff', 'tariff tax debt')).toEqual(['tariff', 'tax'])
})
