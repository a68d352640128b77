import { newsBetween } from '../../src/notifications/news.js';
import type { Entry } from '../../src/shared/status.js';
import { run, submission } from '../support/samples.js';

const entry = (changes: Parameters<typeof submission>[0], ...runs: ReturnType<typeof run>[]): Entry => ({
  submission: submission(changes),
  runs
});

const kinds = (
  before: readonly Entry[],
  after: readonly Entry[],
  party: string,
  reviewer = false
): string[] => newsBetween(before, after, party, reviewer).map(({ kind }) => kind);

describe('newsBetween', () => {
  const running = entry({ state: 'approved' }, run());
  const ended = entry({ state: 'approved' }, run({ state: 'completed' }));

  it('tells researchers that their run has ended, once', () => {
    expect(kinds([running], [ended], 'university')).toEqual(['run-ended']);
    expect(kinds([ended], [ended], 'university')).toEqual([]);
  });

  it('tells them as well of a run that began and ended between two looks', () => {
    expect(kinds([entry({})], [ended], 'university')).toEqual(['run-ended']);
    expect(kinds([], [ended], 'university')).toEqual([]);
  });

  it('tells nobody else of it', () => {
    expect(kinds([running], [ended], 'hospital', true)).toEqual([]);
  });

  it('tells researchers of a no, and not of their own withdrawal', () => {
    expect(kinds([entry({})], [entry({ state: 'changes-requested' })], 'university')).toEqual(['decided']);
    expect(kinds([entry({})], [entry({ state: 'withdrawn' })], 'university')).toEqual([]);
  });

  it('tells reviewers of what has come in for them', () => {
    expect(kinds([], [entry({})], 'hospital', true)).toEqual(['review-wanted']);
    expect(kinds([], [entry({})], 'hospital', false)).toEqual([]);
    expect(kinds([], [entry({})], 'insurer', true)).toEqual([]);
    expect(kinds([entry({})], [entry({ number: 2 })], 'hospital', true)).toEqual(['review-wanted']);
  });

  it('tells reviewers of outputs that wait for them', () => {
    const waiting = entry({ state: 'approved' }, run({ state: 'output-review', waitingFor: ['hospital'] }));
    expect(kinds([running], [waiting], 'hospital', true)).toEqual(['outputs-wanted']);
    expect(kinds([running], [waiting], 'university')).toEqual([]);
  });
});
