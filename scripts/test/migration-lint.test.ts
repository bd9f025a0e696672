import { expect, it } from 'vitest'
import { parameterLines } from '../migration-lint.ts'

it('finds a bound parameter by its line', () => {
  expect(parameterLines('create table t (a int,\n  check (a > $1));\nselect $22')).toEqual([2, 3])
})

it('leaves alone what a body, a string, a name or a comment holds', () => {
  const sql = [
    'create function f(int) returns int language sql as $$ select $1 $$;',
    'create function g(int) returns int language sql as $body$ select $1 || $$x$$ $body$;',
    `select 'costs $1', 'it''s $2', "a $3"; -- $4`,
    '/* $5',
    ' $6 */',
  ].join('\n')
  expect(parameterLines(sql)).toEqual([])
})

it('finds a parameter after a body has ended', () => {
  expect(parameterLines('do $$ begin end $$;\nselect $1')).toEqual([2])
})
