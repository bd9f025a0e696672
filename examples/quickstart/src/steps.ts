/** One function a step of the story: what it does with ContentPilot, and what it prints of it. */
import type { contentpilot, DashboardStats } from '@tenantry/contentpilot'
import { connect, type Database, PlanLimitError } from '@tenantry/core'
import { classify } from './classify.ts'
import { type Passage, passagesOf, readSpeeches, type Speech } from './corpus.ts'
import type { Customer } from './customers.ts'
import { discover } from './discover.ts'
import { type Embedder, learnEmbedder, similarity } from './embedder.ts'
import { plural, type Printer } from './print.ts'
import { writeDrafts } from './write-drafts.ts'

type Pilot = ReturnType<typeof contentpilot>

/** What one customer sees of ContentPilot. */
export type CustomerScope = ReturnType<Pilot['as']>

/** A customer who has signed up. */
export interface Tenant {
  readonly customer: Customer
  readonly scope: CustomerScope
}

/** The texts, and what has been learnt from them. */
export interface Library {
  readonly speeches: readonly Speech[]
  readonly passages: readonly Passage[]
  readonly embedder: Embedder
}

const TOPICS_DISCOVERED = 40
const TOPICS_SHOWN = 6
const TOPICS_DRAFTED = 4
const POSTS_SCHEDULED = 2
/** For each pillar. The starter plan has ten, and two pillars. */
const VOICE_EXAMPLES = 4

/** `memory://` is the embedded database; a `postgres://` URL names a server. */
export async function start(url: string, print: Printer): Promise<Database> {
  const database = await connect(url)
  const { serverVersion, latencyMs } = await database.health()
  const where =
    database.driver.kind === 'pglite' ? 'embedded in this process (PGlite)' : 'on the server of the URL'
  print.say(`PostgreSQL ${serverVersion}, ${where}, answers in ${latencyMs.toFixed(1)} ms`)
  return database
}

export async function migrate(pilot: Pilot, print: Printer): Promise<void> {
  const { applied } = await pilot.migrate()
  print.say(applied.length === 0 ? 'Nothing to do: it was migrated before.' : `Applied ${applied.join(', ')}`)
  const findings = await pilot.verify()
  const tables = plural(pilot.definition.tenancy.tables.length, 'table')
  print.say(
    `verify() compared the live catalog of ${tables} with their declarations: ${plural(findings.length, 'hole')}`,
  )
  for (const { message } of findings) print.say(`- ${message}`)
}

export async function read(print: Printer): Promise<Library> {
  const speeches = await readSpeeches()
  const passages = speeches.flatMap(passagesOf)
  const embedder = learnEmbedder(passages.map(({ text }) => text))
  const characters = speeches.reduce((sum, { text }) => sum + text.length, 0)
  print.say(
    `${plural(speeches.length, 'address', 'addresses')}, ${speeches[0]?.year} to ${speeches.at(-1)?.year}, ` +
      `${(characters / 1e6).toFixed(1)} million characters, cut into ${plural(passages.length, 'passage')}`,
  )
  return { speeches, passages, embedder }
}

/** As a host's webhook does when the login service reports a new user. */
export async function signUp(pilot: Pilot, customer: Customer, print: Printer): Promise<Tenant> {
  const { clerkId, email, fullName, planType, targetAudience } = customer
  const { user, subscription } = await pilot.system(async (scope) => {
    const earlier = await scope.users.findByClerkId(clerkId)
    if (earlier !== null) {
      await scope.tenant(earlier.id).users.remove(earlier.id)
      print.say(`${fullName} of an earlier run is erased, with all that hung on it`)
    }
    return scope.users.signUp({ clerkId, email, fullName, planType, profile: { targetAudience } })
  })
  const trialEnd = subscription.trialEnd?.toISOString().slice(0, 10)
  print.table([
    [
      fullName.padEnd(13),
      `${subscription.planType}, ${subscription.status} until ${trialEnd}`,
      `user ${user.id}`,
    ],
  ])
  return { customer, scope: pilot.as({ userId: user.id }) }
}

export async function prepare({ customer, scope }: Tenant, library: Library, print: Printer): Promise<void> {
  const { embedder, passages } = library
  const past = passages
    .filter(({ president }) => president === customer.voice)
    .map(({ text }) => ({ text, embedding: embedder.embed(text) }))
  for (const { name, about } of customer.pillars) {
    const pillar = await scope.pillars.define({ name, classificationPrompt: about })
    const subject = embedder.embed(about)
    const near = ({ embedding }: (typeof past)[number]): number => similarity(subject, embedding)
    const examples = past.sort((a, b) => near(b) - near(a)).slice(0, VOICE_EXAMPLES)
    await scope.voiceExamples.createMany(
      examples.map(({ text, embedding }) => ({
        postText: text,
        pillarId: pillar.id,
        vectorEmbedding: embedding,
      })),
    )
    print.table([[name.padEnd(18), about]])
  }
  const { voiceConfidenceScore } = await scope.profiles.trainVoice()
  const examples = await scope.voiceExamples.count()
  print.say(
    `Voice: ${plural(examples, 'example')} by ${customer.voice}; confidence ${voiceConfidenceScore} of 100`,
  )
}

export async function findTopics(
  { customer, scope }: Tenant,
  library: Library,
  print: Printer,
): Promise<void> {
  const found = discover(library.passages, customer.pillars, TOPICS_DISCOVERED)
  const raw = await scope.rawTopics.discoverMany(
    found.map(({ text, year, president }) => ({
      source: 'manual',
      content: text,
      metadata: { year, president },
    })),
    { metadata: { model: 'words of the pillars' } },
  )
  const pillars = (await scope.pillars.list()).items.map(({ id, name, classificationPrompt }) => ({
    id,
    name,
    about: classificationPrompt ?? name,
  }))
  for (const { id, content } of raw) {
    const { pillar, score, hookAngle, sharedWords } = classify(content, pillars, library.embedder)
    await scope.topics.classify({
      rawTopicId: id,
      pillarId: pillar.id,
      aiScore: score,
      hookAngle,
      reasoning: `Shares ${sharedWords.join(', ')}`,
    })
  }
  const archived = await scope.topics.count({ where: { status: 'archived' } })
  const best = await scope.topics.listByScore({ limit: TOPICS_SHOWN })
  const kept = await scope.topics.count({ where: { status: 'classified' } })
  print.say(
    `${plural(raw.length, 'passage')} found by words of the pillars. ${archived} score below 70 and are archived; ${kept} stay, led by`,
  )
  print.table(
    best.items.map(({ aiScore, pillarId, content }) => [
      aiScore,
      pillars.find(({ id }) => id === pillarId)?.name ?? '',
      origin(content, library),
      content,
    ]),
  )
}

export async function draft({ scope }: Tenant, library: Library, print: Printer): Promise<void> {
  const topics = await scope.topics.listByScore({ limit: TOPICS_DRAFTED })
  const chosen: { id: string; fullText: string; distance: number }[] = []
  let written = 0
  for (const { id, content, pillarId } of topics.items) {
    const passage = library.passages.find(({ text }) => text === content)
    const speech = library.speeches.find(
      ({ year, president }) => year === passage?.year && president === passage.president,
    )
    if (passage === undefined || speech === undefined) throw new Error('A topic that is none of the passages')
    const pillar = await scope.pillars.get(pillarId)
    const variants = await scope.drafts.generate({
      topicId: id,
      variants: writeDrafts(passage, speech, pillar.name, library.embedder),
    })
    written += variants.length
    // The best of A, B and C is the one that sounds most like the customer.
    const heard = await Promise.all(
      variants.map(async ({ id, fullText, variantLetter }) => {
        const [nearest] = await scope.voiceExamples.findSimilar(library.embedder.embed(fullText), {
          limit: 1,
        })
        return { id, fullText, variantLetter, distance: nearest?.distance ?? 2 }
      }),
    )
    const [best] = heard.sort((a, b) => a.distance - b.distance)
    if (best === undefined) continue
    await scope.drafts.approve(best.id)
    chosen.push(best)
    print.table([
      [
        `${passage.president} ${passage.year}`.padEnd(26),
        heard.map(({ variantLetter, distance }) => `${variantLetter} ${distance.toFixed(3)}`).join('  '),
        `approved: ${best.variantLetter}`,
      ],
    ])
  }
  print.say(`${plural(written, 'draft')} written; numbers are distances to the nearest voice example`)

  const best = chosen.sort((a, b) => a.distance - b.distance).slice(0, POSTS_SCHEDULED)
  for (const [days, { id }] of best.entries()) {
    const { scheduledFor, characterCount } = await scope.drafts.schedule(id, {
      scheduledFor: morning(days + 1),
    })
    print.say(
      `Scheduled for ${scheduledFor?.toISOString().slice(0, 16).replace('T', ' ')} UTC, ${characterCount} characters`,
    )
  }
  if (best[0] !== undefined) print.quote(best[0].fullText)
}

/** The starter plan has two pillars. The database says no, whoever asks. */
export async function reachLimit({ scope }: Tenant, print: Printer): Promise<void> {
  const refused = await scope.pillars.define({ name: 'One too many' }).catch((error: unknown) => error)
  if (!(refused instanceof PlanLimitError)) throw new Error('The plan let one pillar too many pass')
  print.quote(`${refused.name}: ${refused.message}`)
  const usage = await scope.limits.usage()
  print.table([
    ['', 'used', 'of', 'starts anew'],
    ...usage.map(({ feature, used, limit, resetsAt }) => [
      feature,
      used,
      limit ?? 'unlimited',
      resetsAt?.toISOString().slice(0, 10) ?? 'never',
    ]),
  ])
}

export async function search(tenants: readonly Tenant[], library: Library, print: Printer): Promise<void> {
  for (const { customer, scope } of tenants) {
    const found = await scope.topics.search(customer.search, { limit: 3 })
    print.say(`${customer.fullName} searches its topics: ${customer.search}`)
    print.table(found.map(({ rank, content }) => [rank.toFixed(3), origin(content, library), content]))
    const { question } = customer
    const similar = await scope.voiceExamples.findSimilar(library.embedder.embed(question), { limit: 3 })
    print.say(`${customer.fullName} asks its past posts: ${question}`)
    print.table(
      similar.map(({ distance, postText }) => [distance.toFixed(3), origin(postText, library), postText]),
    )
  }
}

export async function dashboards(tenants: readonly Tenant[], print: Printer): Promise<DashboardStats[]> {
  const stats = await Promise.all(tenants.map(({ scope }) => scope.dashboard.live()))
  const scheduled = await Promise.all(
    tenants.map(({ scope }) => scope.drafts.count({ where: { status: 'scheduled' } })),
  )
  print.table([
    ['', 'topics waiting', 'drafts waiting', 'approved', 'scheduled', 'published'],
    ...stats.map(({ pendingTopics, draftsPending, draftsApproved, postsPublished }, at) => [
      tenants[at]?.customer.fullName ?? '',
      pendingTopics,
      draftsPending,
      draftsApproved,
      scheduled[at] ?? 0,
      postsPublished,
    ]),
  ])
  for (const { customer, scope } of tenants) {
    const totals = await scope.usage.totals()
    const calls = totals.map(({ resourceType, count }) => `${count} ${resourceType}`)
    print.say(`Metered for ${customer.fullName}: ${calls.join(', ')}`)
  }
  return stats
}

export function whatNext({ driver }: Database, print: Printer): void {
  print.section('What to try next')
  print.table([
    ['npm test', 'runs every test of the repository'],
    driver.kind === 'pglite'
      ? ['DATABASE_URL=postgres://... npm run quickstart', 'does the same on a server, where the rows stay']
      : ['select * from generated_drafts', 'in psql, as a superuser: the rows are still there'],
    ['examples/quickstart/src/customers.ts', 'its pillars, voices and searches: change some'],
    ['examples/quickstart/src/steps.ts', 'what an application calls, step by step'],
    ['README.md', 'the first twenty lines of your own'],
  ])
}

/** Who said it when. */
function origin(content: string, { passages }: Library): string {
  const passage = passages.find(({ text }) => text === content)
  return passage === undefined ? '' : `${passage.president} ${passage.year}`
}

/** Nine o'clock UTC, so many days from now. */
function morning(days: number): Date {
  const date = new Date()
  date.setUTCDate(date.getUTCDate() + days)
  date.setUTCHours(9, 0, 0, 0)
  return date
}
