import { type Executor, NotFoundError, StaleTransitionError } from '@tenantry/core'
import { defineRepository, parseInput, type Row } from '@tenantry/repository'
import { assign, changeState } from '@tenantry/workflow'
import { getTableName, sql, type SQL } from 'drizzle-orm'
import type { PgTable } from 'drizzle-orm/pg-core'
import type { z } from 'zod'
import { draftMachine } from '../database/drafts.ts'
import { classifiedTopics, generatedDrafts as table } from '../schema/index.ts'
import type { DraftStatus } from '../types/enums.ts'
import {
  draftChanges,
  draftInput,
  type EditDraftInput,
  editDraftInput,
  type GenerateVariantsInput,
  generateVariantsInput,
  type GenerateWithInput,
  generateWithInput,
  type MeteredCallInput,
  type RegenerateVariantInput,
  regenerateVariantInput,
  type RegenerateWithInput,
  regenerateWithInput,
  type ScheduleDraftInput,
  scheduleDraftInput,
  type VariantInput,
} from '../types/inputs.ts'
import {
  commitHold,
  countGeneration,
  holdingGeneration,
  holdingRegeneration,
  regenerateUnder,
} from './held.ts'
import { meter } from './meter.ts'
import { newestFirst } from './order.ts'
import { topics } from './topics.ts'

type Draft = Row<typeof table>

/** What a generator wrote from a topic, and what the call cost. */
export interface WrittenVariants {
  readonly variants: readonly VariantInput[]
  readonly call?: MeteredCallInput
}

/** What a generator wrote anew for a variant, and what the call cost. */
export type WrittenText = Omit<VariantInput, 'variantLetter'> & { readonly call?: MeteredCallInput }

/** Draft states in which the text may still be edited. */
const EDITABLE = ['draft', 'approved', 'scheduled'] as const

/**
 * Posts generated from topics. Verbs that move a draft throw StaleTransitionError when its state doesn't lead
 * there or another caller was faster, and NotFoundError when the user has no such draft.
 */
export const drafts = defineRepository(table, {
  tenant: 'userId',
  // Follow from the verbs; the stamps from the database's clock.
  readOnly: ['status', 'approvedAt', 'postedAt', 'scheduledFor'],
  schema: { create: draftInput, update: draftChanges },
  defaultSort: newestFirst,
  verbs: (repository, executor) => ({
    /**
     * Keeps the variants that were generated from a topic, in the order given, moves the topic to `drafted`,
     * counts a generation, and meters the call as `generation` of the topic, in one transaction. The whole text of a variant is
     * hook, body, cta and hashtags unless it is given.
     *
     * Throws UniqueViolationError when a letter exists (`regenerate` replaces it), StaleTransitionError when
     * the topic is archived, NotFoundError when the user has no such topic, PlanLimitError when the subscription
     * is paused or over.
     */
    async generate(input: GenerateVariantsInput, call: MeteredCallInput = {}): Promise<Draft[]> {
      const generated = parseInput(table, generateVariantsInput, input)
      return executor.transaction(async (within) => {
        const made = await keepVariants(within, generated, call)
        await countGeneration(within)
        return made
      })
    },

    /**
     * The same for a generator that is still to be called: a generation of the plan is held while `write` runs, with
     * nothing open in the database, and is used when its variants are kept. If `write` throws, nothing was used.
     *
     * Throws what `generate` throws, before the call where that can be known; IdempotencyError for a key whose work
     * was finished before; ConfigurationError inside a transaction.
     */
    async generateWith(
      input: GenerateWithInput,
      write: (topic: Row<typeof classifiedTopics>) => Promise<WrittenVariants>,
    ): Promise<Draft[]> {
      const { topicId, ...held } = parseInput(table, generateWithInput, input)
      const topic = await topics.bind(executor).get(topicId)
      if (topic.status === 'archived') throw notNow(classifiedTopics, 'generate', 'classified or drafted')
      return holdingGeneration(executor, held, async (hold) => {
        const { variants, call = {} } = await write(topic)
        const generated = parseInput(table, generateVariantsInput, { topicId, variants: [...variants] })
        return executor.transaction(async (within) => {
          const made = await keepVariants(within, generated, call)
          await commitHold(within, hold)
          return made
        })
      })
    },

    /**
     * Replaces the text of one variant that is still a draft, drops what was edited on it, and meters the call
     * as `regeneration` of the topic, in one transaction. The database counts a regeneration of the topic, whoever
     * changes the text of a draft. Throws PlanLimitError where the plan has no more of them this month.
     */
    async regenerate(input: RegenerateVariantInput, call: MeteredCallInput = {}): Promise<Draft> {
      const text = parseInput(table, regenerateVariantInput, input)
      return executor.transaction((within) => replaceText(within, text, call))
    },

    /**
     * The same for a generator that is still to be called: a regeneration of the topic is held while `write` runs,
     * and is used when its text is kept, even where the hold has run out meanwhile. Throws as `generateWith` does.
     */
    async regenerateWith(
      input: RegenerateWithInput,
      write: (draft: Draft) => Promise<WrittenText>,
    ): Promise<Draft> {
      const { topicId, variantLetter, ...held } = parseInput(table, regenerateWithInput, input)
      const draft = await repository.find({ where: { topicId, variantLetter } })
      if (draft === null) throw new NotFoundError('There is no such draft', { table: getTableName(table) })
      if (draft.status !== 'draft') throw notNow(table, 'regenerate', 'draft')
      return holdingRegeneration(executor, topicId, held, async (hold) => {
        const { call = {}, ...written } = await write(draft)
        const text = parseInput(table, regenerateVariantInput, { ...written, topicId, variantLetter })
        return executor.transaction(async (within) => {
          await regenerateUnder(within, hold)
          const replaced = await replaceText(within, text, call)
          // A text that came out the same changed nothing, and was a regeneration nevertheless.
          await commitHold(within, hold)
          return replaced
        })
      })
    },

    /**
     * Keeps a customer's own version beside the generated text (null goes back to that one), and their notes.
     * Throws StaleTransitionError when the draft is posted or rejected; `update` changes its notes even then.
     */
    async edit(id: string, input: EditDraftInput): Promise<Draft> {
      const changes = parseInput(table, editDraftInput, input)
      const fields = (['editedText', 'userNotes'] as const).filter((field) => changes[field] !== undefined)
      return changeState(table, repository, {
        verb: `edit ${fields.join(', ')}`,
        tenant: table.userId,
        row: { id },
        column: table.status,
        from: EDITABLE,
        set: (value) => fields.map((field) => assign(table[field], value(field, table[field]))),
        values: changes,
      })
    },

    /**
     * draft → approved; stamps `approvedAt`. A post of the plan is used when a draft first becomes approved, scheduled
     * or posted, by whatever way, and not given back: PlanLimitError where there is none left in this month.
     */
    async approve(id: string): Promise<Draft> {
      return move(repository, id, { verb: 'approve', from: ['draft'], to: 'approved' })
    },

    /** draft | approved → rejected, for good. */
    async reject(id: string): Promise<Draft> {
      return move(repository, id, { verb: 'reject', from: draftMachine.from('rejected'), to: 'rejected' })
    },

    /** approved → scheduled. Throws CheckViolationError for a moment that has passed by the database's clock. */
    async schedule(id: string, input: ScheduleDraftInput): Promise<Draft> {
      return moveToTime(repository, id, input, { verb: 'schedule', from: draftMachine.from('scheduled') })
    },

    /** Another time for a draft that is scheduled. Throws CheckViolationError for a moment that has passed. */
    async reschedule(id: string, input: ScheduleDraftInput): Promise<Draft> {
      return moveToTime(repository, id, input, { verb: 'reschedule', from: ['scheduled'] })
    },

    /** scheduled → approved, with no time any more. */
    async unschedule(id: string): Promise<Draft> {
      const also = [assign(table.scheduledFor, sql`null`)]
      return move(repository, id, { verb: 'unschedule', from: ['scheduled'], to: 'approved', also })
    },

    /** approved | scheduled → posted: the post is out; stamps `postedAt`. */
    async publish(id: string): Promise<Draft> {
      return move(repository, id, { verb: 'publish', from: draftMachine.from('posted'), to: 'posted' })
    },
  }),
})

async function keepVariants(
  within: Executor,
  { topicId, variants }: z.output<typeof generateVariantsInput>,
  call: MeteredCallInput,
): Promise<Draft[]> {
  const { pillarId } = await changeState(classifiedTopics, topics.bind(within), {
    verb: 'draft',
    tenant: classifiedTopics.userId,
    row: { id: topicId },
    column: classifiedTopics.status,
    from: ['classified', 'drafted'],
    to: 'drafted',
  })
  const made = await drafts
    .bind(within)
    .createMany(
      variants.map((variant) => ({ ...variant, fullText: variant.fullText ?? '', topicId, pillarId })),
    )
  await meter(within, 'generation', topicId, call)
  return made
}

async function replaceText(
  within: Executor,
  { topicId, variantLetter, ...text }: z.output<typeof regenerateVariantInput>,
  call: MeteredCallInput,
): Promise<Draft> {
  const draft = await changeState(table, drafts.bind(within), {
    verb: 'regenerate',
    tenant: table.userId,
    row: { topicId, variantLetter },
    column: table.status,
    from: ['draft'],
    set: (value) => [
      assign(table.hook, value('hook', table.hook)),
      assign(table.body, value('body', table.body)),
      assign(table.cta, value('cta', table.cta)),
      assign(table.hashtags, value('hashtags', table.hashtags)),
      assign(table.fullText, value('fullText', table.fullText)),
      assign(table.editedText, sql`null`),
    ],
    values: {
      ...text,
      cta: text.cta ?? null,
      hashtags: text.hashtags ?? null,
      fullText: text.fullText ?? '',
    },
  })
  await meter(within, 'regeneration', topicId, call)
  return draft
}

/** Said before a call that would be for nothing. */
function notNow(of: PgTable, verb: string, needs: string): StaleTransitionError {
  const label = getTableName(of)
  return new StaleTransitionError(`The row of ${label} isn't in a state to ${verb}`, {
    table: label,
    hint: `That needs it to be ${needs}`,
  })
}

type Drafts = Parameters<typeof changeState<typeof table>>[1]

interface Move {
  readonly verb: string
  readonly from: readonly DraftStatus[]
  readonly to: DraftStatus
  /** Assignments besides the status. */
  readonly also?: readonly SQL[]
}

function move(repository: Drafts, id: string, { also = [], ...step }: Move): Promise<Draft> {
  return changeState(table, repository, {
    ...step,
    tenant: table.userId,
    row: { id },
    column: table.status,
    set: () => also,
  })
}

function moveToTime(
  repository: Drafts,
  id: string,
  input: ScheduleDraftInput,
  step: Pick<Move, 'verb' | 'from'>,
): Promise<Draft> {
  return changeState(table, repository, {
    ...step,
    tenant: table.userId,
    row: { id },
    column: table.status,
    to: 'scheduled',
    set: (value) => [assign(table.scheduledFor, value('scheduledFor', table.scheduledFor))],
    values: parseInput(table, scheduleDraftInput, input),
  })
}
