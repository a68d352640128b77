import { nullTranslator } from '@jupyterlab/translation';
import type { RunFailure } from '@clean-room/protocol/runs';
import { failureSentence } from '../../src/shared/failure.js';
import { formatBytes, shortDigest } from '../../src/shared/size.js';
import { entryStatus, names } from '../../src/shared/status.js';
import { elapsed, formatAgo, formatDuration, languageTag } from '../../src/shared/time.js';
import { run, submission } from '../support/samples.js';

const trans = nullTranslator.load('clean_room');
const titleOf = (party: string): string =>
  ({ hospital: 'The Hospital', insurer: 'The Insurer' })[party] ?? party;

describe('sizes and times', () => {
  it.each([
    [0, '0 B'],
    [812, '812 B'],
    [1400, '1.4 kB'],
    [2_100_000_000, '2.1 GB'],
    [999_949, '1000 kB']
  ])('%d bytes', (bytes, text) => expect(formatBytes(bytes)).toBe(text));

  it.each([
    [-5, '0 s'],
    [41_000, '41 s'],
    [370_000, '6 min 10 s'],
    [7_500_000, '2 h 5 min'],
    [3_600_000, '1 h']
  ])('%d ms', (milliseconds, text) => expect(formatDuration(milliseconds)).toBe(text));

  it('counts up to now while something goes on', () => {
    expect(elapsed('2026-11-20T10:00:00Z', undefined, Date.parse('2026-11-20T10:01:00Z'))).toBe(60_000);
    expect(elapsed('2026-11-20T10:00:00Z', '2026-11-20T10:00:10Z', 0)).toBe(10_000);
  });

  it('says how long ago in the reader’s language', () => {
    const now = Date.parse('2026-11-20T12:00:00Z');
    expect(formatAgo('2026-11-19T12:00:00Z', now, 'en')).toBe('yesterday');
    expect(formatAgo('2026-11-20T11:55:00Z', now, 'de')).toBe('vor 5 Minuten');
    expect(languageTag('de_DE')).toBe('de-DE');
  });

  it('shortens digests, and leaves alone what is none', () => {
    expect(shortDigest(`sha256:4f2a${'0'.repeat(56)}91c7`)).toBe('sha256:4f2a…91c7');
    expect(shortDigest('short')).toBe('short');
  });
});

describe('where a submission stands', () => {
  const at = (changes: Parameters<typeof submission>[0], ...runs: ReturnType<typeof run>[]) =>
    entryStatus({ submission: submission(changes), runs }, titleOf, trans);

  it('names whom it waits for', () => {
    const decisions = ['hospital', 'insurer'].map(provider => ({ provider, state: 'pending' as const }));
    expect(at({ decisions })).toEqual({ tone: 'waiting', label: 'waiting for The Hospital and The Insurer' });
  });

  it('gives the reason of a no', () => {
    const decisions = [{ provider: 'hospital', state: 'changes-requested' as const }];
    const reason = { code: 'changes-requested', message: 'Please bin age' };
    expect(at({ state: 'changes-requested', decisions, reason })).toEqual({
      tone: 'bad',
      label: 'The Hospital asks for changes',
      detail: '“Please bin age”'
    });
  });

  it('shows the run once there is one for this revision', () => {
    expect(at({ state: 'approved' }, run({ cell: 5, cells: 9 }))).toMatchObject({
      label: 'running',
      detail: 'cell 5 of 9'
    });
    expect(at({ number: 2 }, run({ state: 'failed' })).label).toBe('waiting for The Hospital');
    expect(at({ state: 'approved' }, run({ state: 'output-review', waitingFor: ['hospital'] })).detail).toBe(
      'waiting for The Hospital'
    );
  });

  it('tells a failed notebook from a run that failed', () => {
    const failure = {
      class: 'notebook-error',
      cell: 3,
      line: 2,
      exception: 'KeyError'
    } as unknown as RunFailure;
    expect(at({ state: 'approved' }, run({ state: 'completed', failure }))).toEqual({
      tone: 'bad',
      label: 'result ready',
      detail: 'KeyError in cell 3, line 2'
    });
    expect(at({ state: 'approved' }, run({ state: 'failed' })).detail).toBe('Nothing left the clean room.');
  });
});

it('joins names as people do', () => {
  expect(names([], trans)).toBe('');
  expect(names(['a'], trans)).toBe('a');
  expect(names(['a', 'b', 'c'], trans)).toBe('a, b and c');
});

it('says where a notebook failed', () => {
  expect(failureSentence({ class: 'memory-limit', cell: 4 }, trans)).toBe('out of memory in cell 4');
  expect(failureSentence({ class: 'process-crash' }, trans)).toBe(
    'Python ended unexpectedly in the notebook'
  );
  expect(failureSentence(undefined, trans)).toBeUndefined();
});
