export { decode as decodeColumn, decoderOf as columnDecoder, encode as encodeColumn } from './column-codec.ts'
export { valueSchema } from './column-schema.ts'
export { castType } from './column-type.ts'
export {
  defineRepository,
  type RepositoryDefinition,
  type RepositoryOf,
  type RepositoryOptions,
} from './define.ts'
export { refusedByZod } from './invalid.ts'
export { nestedRows } from './nested-rows.ts'
export { DECLARED_ONCE, parseInput } from './parse-input.ts'
export type { Repository } from './repository.ts'
export type {
  Comparison,
  CreateInput,
  Direction,
  FieldFilter,
  FindOptions,
  Id,
  ListOptions,
  NullTest,
  Page,
  Property,
  Row,
  Sort,
  StreamOptions,
  TextMatch,
  UpdateInput,
  UpdateOptions,
  Visibility,
  Where,
} from './row-types.ts'
export { serviceOnly } from './service-only.ts'
export type { Returned, Returns, StatementParts, VerbStatement } from './verb-statement.ts'
