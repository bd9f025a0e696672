/** Objects made and dropped one by one, without migrations. */
import type { DdlObject } from '@tenantry/core'
import type { TestPlace } from './support.ts'

export const PILLARS = `create table public.pillars (
  id uuid primary key default gen_random_uuid(), user_id uuid not null, name text not null,
  updated_at timestamptz not null default now()
)`
/** It, as the builders take it. */
export const table = { name: 'pillars' }

export async function make(place: TestPlace, ...objects: readonly DdlObject[]): Promise<void> {
  for (const object of objects) for (const text of object.create) await place.script(text)
}

export async function drop(place: TestPlace, object: DdlObject): Promise<void> {
  for (const text of object.drop) await place.script(text)
}
