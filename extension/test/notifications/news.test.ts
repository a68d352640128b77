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

  it('reports to researchers once that their run has ended', () => {
    expect(kinds([running], [ended], 'university')).toEqual(['run-ended']);
    expect(kinds([ended], [ended], 'university')).toEqual([]);
  });

  it('reports a run that started and ended between two versions of the list', () => {
    expect(kinds([entry({})], [ended], 'university')).toEqual(['run-ended']);
    expect(kinds([], [ended], 'university')).toEqual([]);
  });

  it('does not report it to other parties', () => {
    expect(kinds([running], [ended], 'hospital', true)).toEqual([]);
  });

  it('reports negative decisions to researchers, but not their own withdrawal', () => {
    expect(kinds([entry({})], [entry({ state: 'changes-requested' })], 'university')).toEqual(['decided']);
    expect(kinds([entry({})], [entry({ state: 'withdrawn' })], 'university')).toEqual([]);
  });

  it('reports new submissions to reviewers', () => {
    expect(kinds([], [entry({})], 'hospital', true)).toEqual(['review-requested']);
    expect(kinds([], [entry({})], 'hospital', false)).toEqual([]);
    expect(kinds([], [entry({})], 'insurer', true)).toEqual([]);
    expect(kinds([entry({})], [entry({ number: 2 })], 'hospital', true)).toEqual(['review-requested']);
  });

  it('reports outputs that wait for a review', () => {
    const waiting = entry({ state: 'approved' }, run({ state: 'output-review', waitingFor: ['hospital'] }));
    expect(kinds([running], [waiting], 'hospital', true)).toEqual(['output-review-requested']);
    expect(kinds([running], [waiting], 'university')).toEqual([]);
  });
});
