import { JobFailure, runWorker } from '@tenantry/workflow'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { outputClaims } from '../src/index.ts'
import { type Place, repostrDatabase, user } from './support/place.ts'

let place: Place
beforeAll(async () => {
  place = await repostrDatabase()
})
afterAll(() => place?.close())

test('the whole job: from an upload to texts that a worker generates, next to a user who sees none of it', async () => {
  const { repostr } = place
  expect((await repostr.migrate()).applied).toEqual([])
  await repostr.asService().templates.provide({ name: 'Recap', type: 'blog', prompt: 'Recap {topic}' })
  const ann = await user(place)
  const ben = await user(place)
  const me = ann.scope
  const projectId = ann.project.id

  await me.profiles.upsert({ name: 'Ann', toneOfVoice: 'plain', preferences: { language: 'en' } })
  const file = await me.files.register({ projectId, extension: 'mp3', mimeType: 'audio/mpeg' })
  await me.files.update(file.id, {
    sizeBytes: 10_485_760,
    publicUrl: `https://files.example.com/uploads/${file.path}`,
  })
  const [template] = await me.templates.available({ type: 'blog' })
  const asked = []
  for (const topic of ['Hiring', 'Payroll', 'Nothing to say']) {
    asked.push(
      await me.outputs.request({
        projectId,
        kind: 'blog',
        request: { topic, ...(template === undefined ? {} : { template_id: template.id }) },
      }),
    )
  }

  const stop = new AbortController()
  let open = asked.length
  await runWorker({
    claims: outputClaims,
    system: repostr,
    concurrency: 2,
    signal: stop.signal,
    async handler({ row, scope }) {
      if (row.request?.topic === 'Nothing to say')
        throw new JobFailure('there is nothing to say', { final: true })
      const { prompt } = await scope.templates.pick(row.request?.template_id ?? '')
      const body = `${prompt.replace('{topic}', row.request?.topic ?? '')}, ${row.request?.tone_of_voice}`
      return { set: { body, metadata: { word_count: body.split(' ').length } } }
    },
    onEvent: ({ type }) => {
      if (type !== 'finished' && type !== 'failed') return
      open -= 1
      if (open === 0) stop.abort()
    },
  })

  const contents = await me.projects.contents(projectId)
  expect(contents.files.map(({ id }) => id)).toEqual([file.id])
  expect(
    contents.outputs.map(({ status, body, lastError }) => [status, body, lastError]).toReversed(),
  ).toEqual([
    ['completed', 'Recap Hiring, plain', null],
    ['completed', 'Recap Payroll, plain', null],
    ['failed', null, expect.stringContaining('there is nothing to say')],
  ])
  await me.outputs.edit(asked[0]?.id ?? '', { body: 'In my own words' })
  const done = await me.outputs.list({ where: { status: 'completed', projectId } })
  expect(done.items.map(({ body }) => body).toSorted()).toEqual(['In my own words', 'Recap Payroll, plain'])

  for (const repository of ['profiles', 'files', 'outputs', 'archivedOutputs', 'templates'] as const) {
    expect(await ben.scope[repository].count()).toBe(0)
  }
  await expect(ben.scope.projects.contents(projectId)).rejects.toMatchObject({ code: 'TENANTRY_NOT_FOUND' })
  await me.projects.remove(projectId)
  for (const repository of ['files', 'outputs'] as const) expect(await me[repository].count()).toBe(0)
})
