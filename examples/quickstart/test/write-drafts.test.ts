import { expect, test } from 'vitest'
import { classify } from '../src/classify.ts'
import { passagesOf, sentencesOf } from '../src/corpus.ts'
import { learnEmbedder } from '../src/embedder.ts'
import { writeDrafts } from '../src/write-drafts.ts'

const speech = {
  year: 1900,
  president: 'Example President',
  text: [
    'The national debt fell by 12 percent because revenue was 40 million dollars above the estimate.',
    'Debt is a burden that families fear, and hope returns to every home when it is lifted.',
    'Our children will build a greater future on a debt that is paid.',
    'We must pay the debt while times are good.',
    'Forests and rivers were surveyed, and many forests were found in want of care by the officers who looked.',
    'It is well with the treasury, whose debt is known to all and whose books lie open to whoever asks for them.',
  ].join(' '),
}

function setup() {
  const embedder = learnEmbedder(
    Array.from({ length: 20 }, () => [...sentencesOf(speech.text), 'other things']).flat(),
  )
  const [passage] = passagesOf(speech)
  if (passage === undefined) throw new Error('no passage')
  return { embedder, passage }
}

test('three variants, each from another angle, of nothing but sentences of the speech', () => {
  const { embedder, passage } = setup()
  const variants = writeDrafts(passage, speech, 'Public Debt', embedder)
  expect(variants.map(({ variantLetter }) => variantLetter)).toEqual(['A', 'B', 'C'])
  expect(variants.map(({ hook }) => hook)).toEqual(sentencesOf(speech.text).slice(0, 3))
  const said = new Set(sentencesOf(speech.text))
  for (const { hook, body, cta, hashtags } of variants) {
    expect([hook, ...sentencesOf(body), cta ?? hook].filter((sentence) => !said.has(sentence))).toEqual([])
    expect(sentencesOf(body)).not.toContain(hook)
    expect(hashtags).toBe('#PublicDebt #ExamplePresident #SOTU1900')
  }
  expect(variants[0]?.cta).toBe('We must pay the debt while times are good.')
  expect(writeDrafts(passage, speech, 'Public Debt', embedder)).toEqual(variants)
})

test('a text goes to the nearest pillar, and says by which words', () => {
  const { embedder } = setup()
  const debt = { about: 'national debt treasury revenue' }
  const forests = { about: 'forests rivers' }
  const verdict = classify('The treasury paid its national debt.', [forests, debt], embedder)
  expect(verdict.pillar).toBe(debt)
  expect([...verdict.sharedWords].sort()).toEqual(['debt', 'national', 'treasury'])
  expect(classify('Rivers rise in forests.', [forests, debt], embedder).pillar).toBe(forests)
  expect(classify('Nothing of the kind.', [forests, debt], embedder).score).toBe(0)
})
