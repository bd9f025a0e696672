/** A migrated database with Infin8Content on it, and organizations to try it with. */
import { createTestSystem } from '@tenantry/testing'
import { infin8content } from '../../src/index.ts'

export type Content = ReturnType<typeof infin8content>
export type Scope = ReturnType<Content['as']>

export async function contentDatabase() {
  const created = await createTestSystem(infin8content)
  return { ...created, content: created.system }
}

export type ContentDatabase = Awaited<ReturnType<typeof contentDatabase>>

export const NOBODY = '00000000-0000-4000-8000-000000000000'

let made = 0

/** A person who is in no organization yet. */
export async function person(content: Content, name = 'person') {
  made += 1
  return content
    .asService()
    .users.signUp({ email: `${name}-${process.pid}-${made}@example.com`, fullName: name })
}

/** An organization of its own for one test, with its owner. */
export async function team(content: Content) {
  const user = await person(content, 'owner')
  const { organization } = await content.asService().organizations.found({ name: 'Acme', ownerId: user.id })
  const principal = { userId: user.id, organizationId: organization.id }
  return {
    user,
    organization,
    principal,
    scope: content.as(principal),
    service: content.asService().tenant(organization.id),
    /** Another member. */
    async member(role: 'owner' | 'admin' | 'member' = 'member') {
      const other = await person(content, role)
      await content.asService().tenant(organization.id).members.add({ userId: other.id, role })
      const as = { userId: other.id, organizationId: organization.id }
      return { user: other, principal: as, scope: content.as(as) }
    },
  }
}

export type Team = Awaited<ReturnType<typeof team>>
/** A member of a team, or as much of one as is bound to another executor. */
export interface Author {
  readonly scope: Omit<Scope, 'db' | 'transaction'>
}

/** A workflow with two seeds, each with a longtail. */
export async function keywordsOf({ scope }: Author) {
  const workflow = await scope.workflows.start({ title: 'Shoes' })
  const [shoes, boots] = await scope.keywords.addSeeds({
    workflowId: workflow.id,
    keywords: [{ keyword: 'shoes' }, { keyword: 'boots' }],
  })
  if (shoes === undefined || boots === undefined) throw new Error('no seeds')
  const [running, trail] = await scope.keywords.addLongtails({
    parentId: shoes.id,
    keywords: [{ keyword: 'running shoes' }, { keyword: 'trail shoes' }],
  })
  if (running === undefined || trail === undefined) throw new Error('no longtails')
  return { workflow, shoes, boots, running, trail }
}

/** An article in a state, with two sections. */
export async function articleOf(
  { scope }: Author,
  service: { readonly sections: Scope['sections'] },
  completed = false,
) {
  const article = await scope.articles.create({ title: 'How to choose shoes' })
  await scope.articles.outline({ articleId: article.id, sections: [{ title: 'One' }, { title: 'Two' }] })
  await scope.articles.startGenerating(article.id)
  if (!completed) return scope.articles.withSections(article.id)
  const { claims } = await service.sections.claim({ limit: 2 })
  for (const claim of claims)
    await service.sections.written(claim, { content: `Text of ${claim.row.title}.` })
  await scope.articles.finishGenerating(article.id)
  return scope.articles.withSections(article.id)
}

/** What all limits take for the time, for this database: SQL, or null for the server's own clock. */
export async function setClock({ rows }: Pick<ContentDatabase, 'rows'>, time: string | null): Promise<void> {
  await rows(`create or replace function tenantry.limit_clock() returns timestamptz language sql stable parallel safe
    as $$ select ${time ?? 'pg_catalog.statement_timestamp()'} $$`)
}

/** Some drafts, ready to be generated. */
export async function draftsOf({ scope }: Author, number: number): Promise<string[]> {
  const drafts = await scope.articles.createMany(
    Array.from({ length: number }, (_, at) => ({ title: `Draft ${at + 1}` })),
  )
  return drafts.map(({ id }) => id)
}

/** Keywords that nobody had before. */
export const newKeywords = (number: number) =>
  Array.from({ length: number }, () => ({ keyword: crypto.randomUUID() }))

/** A promise that is settled by hand. */
export function deferred<T>(): { promise: Promise<T>; resolve: (value: T) => void } {
  let resolve: (value: T) => void = () => undefined
  const promise = new Promise<T>((settle) => {
    resolve = settle
  })
  return { promise, resolve }
}
