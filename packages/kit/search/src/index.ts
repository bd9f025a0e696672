export type { SearchTarget } from './search-function.ts'
export { defineTextSearch, type TextSearchOptions } from './text-search.ts'
export {
  defineVectorSearch,
  type Distance,
  DISTANCE_OPERATORS,
  type VectorSearchOptions,
} from './vector-search.ts'
