export { infin8content } from './infin8content.ts'
