import { expect, test } from 'vitest'
import { passagesOf, readSpeeches, sentencesOf } from '../src/corpus.ts'

test('a full stop ends a sentence, except after a title, an initial or within a number', () => {
  expect(
    sentencesOf(
      'Mr. Speaker, I thank the U.S. Senate. It cost $2.50! "Why?" he asked. John F. Kennedy agreed. (Applause.) So be it.',
    ),
  ).toEqual([
    'Mr. Speaker, I thank the U.S. Senate.',
    'It cost $2.50!',
    '"Why?" he asked.',
    'John F. Kennedy agreed.',
    'So be it.',
  ])
})

test('passages hold the words of their speech, in order', async () => {
  const speeches = await readSpeeches()
  expect(speeches).toHaveLength(233)
  expect(speeches[0]).toMatchObject({ year: 1790, president: 'George Washington' })
  for (const speech of speeches.filter((_, at) => at % 20 === 0)) {
    const passages = passagesOf(speech)
    const words = passages.map(({ text }) => text).join(' ')
    const whole = sentencesOf(speech.text).join(' ')
    // A last passage that says too little is left out.
    expect(whole.startsWith(words)).toBe(true)
    expect(words.length).toBeGreaterThan(whole.length - 250)
  }
})
