export { usegemz } from './usegemz.ts'
