/** Bounds that no usage is beyond, so that one statement serves every range. */
const FIRST_MONTH = '0001-01'
const LAST_MONTH = '9999-12'

/** The first days of the first and the last month of a range, both included. */
export const monthBounds = ({
  from = FIRST_MONTH,
  to = LAST_MONTH,
}: {
  readonly from?: string | undefined
  readonly to?: string | undefined
}): { readonly from: string; readonly to: string } => ({ from: `${from}-01`, to: `${to}-01` })
