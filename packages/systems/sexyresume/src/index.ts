/** SexyResume: resumes written, enhanced and matched to roles, one customer apart from the other. */
export { sexyresume } from './sexyresume.ts'
