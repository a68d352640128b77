import { nullTranslator } from '@jupyterlab/translation';
import type { RunFailure } from '@clean-room/protocol/runs';
import {
  elapsed,
  formatAgo,
  formatBytes,
  formatDate,
  formatDuration,
  languageTag,
  shortDigest
} from '../../src/shared/format.js';
import { entryStatus, failureText, joinNames, machineText, type Viewer } from '../../src/shared/status.js';
import { run, submission } from '../support/samples.js';

const trans = nullTranslator.load('clean_room');
const TITLES: Readonly<Record<string, string>> = { hospital: 'The Hospital', insurer: 'The Insurer' };
const viewerFrom = (party: string): Viewer => ({ party, titleOf: name => TITLES[name] ?? name });

describe('sizes and times', () => {
  it.each([
    [0, '0 B'],
    [812, '812 B'],
    [1400, '1.4 kB'],
    [1_048_576, '1 MB'],
    [2_100_000_000, '2.1 GB'],
    [999_949, '1000 kB']
  ])('formats %d bytes', (bytes, text) => expect(formatBytes(bytes)).toBe(text));

  it.each([
    [-5, '0 s'],
    [41_000, '41 s'],
    [370_000, '6 min 10 s'],
    [7_500_000, '2 h 5 min'],
    [3_600_000, '1 h']
  ])('formats %d ms', (milliseconds, text) => expect(formatDuration(milliseconds)).toBe(text));

  it('measures up to now when there is no end yet', () => {
    expect(elapsed('2026-11-20T10:00:00Z', undefined, Date.parse('2026-11-20T10:01:00Z'))).toBe(60_000);
    expect(elapsed('2026-11-20T10:00:00Z', '2026-11-20T10:00:10Z', 0)).toBe(10_000);
  });

  it('formats times and dates in the reader’s language', () => {
    const now = Date.parse('2026-11-20T12:00:00Z');
    expect(formatAgo('2026-11-19T12:00:00Z', now, 'en')).toBe('yesterday');
    expect(formatAgo('2026-11-20T11:55:00Z', now, 'de')).toBe('vor 5 Minuten');
    expect(formatDate('2026-11-20T11:55:00Z', 'en')).toBe('Nov 20, 2026');
    expect(formatDate('2026-11-20T11:55:00Z', 'de')).toBe('20.11.2026');
    expect(languageTag('de_DE')).toBe('de-DE');
  });

  it('shortens digests, and nothing else', () => {
    expect(shortDigest(`sha256:4f2a${'0'.repeat(56)}91c7`)).toBe('sha256:4f2a…91c7');
    expect(shortDigest('short')).toBe('short');
  });
});

describe('the status of a submission', () => {
  const at = (changes: Parameters<typeof submission>[0], ...runs: ReturnType<typeof run>[]) =>
    entryStatus({ submission: submission(changes), runs }, viewerFrom('university'), trans);

  it('names the parties that it waits for', () => {
    const decisions = ['hospital', 'insurer'].map(provider => ({ provider, state: 'pending' as const }));
    expect(at({ decisions })).toEqual({ tone: 'waiting', label: 'waiting for The Hospital and The Insurer' });
  });

  it('calls the reader’s own party “you”', () => {
    const decisions = ['insurer', 'hospital'].map(provider => ({ provider, state: 'pending' as const }));
    const entry = { submission: submission({ decisions }), runs: [] };
    expect(entryStatus(entry, viewerFrom('hospital'), trans).label).toBe('waiting for you and The Insurer');
  });

  it('gives the reason for a negative decision', () => {
    const decisions = [{ provider: 'hospital', state: 'changes-requested' as const }];
    const reason = { code: 'changes-requested', message: 'Please bin age' };
    expect(at({ state: 'changes-requested', decisions, reason })).toEqual({
      tone: 'bad',
      label: 'changes requested by The Hospital',
      detail: '“Please bin age”'
    });
  });

  it('is the status of the run if there is one for this revision', () => {
    expect(at({ state: 'approved' }, run({ cell: 5, cells: 9 }))).toMatchObject({
      label: 'running',
      detail: 'cell 5 of 9'
    });
    expect(at({ number: 2 }, run({ state: 'failed' })).label).toBe('waiting for The Hospital');
    expect(at({ state: 'approved' }, run({ state: 'output-review', waitingFor: ['hospital'] })).detail).toBe(
      'waiting for The Hospital'
    );
  });

  it('distinguishes a notebook that failed from a run that failed', () => {
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
    expect(at({ state: 'approved' }, run({ state: 'failed' })).detail).toBe('No output left the clean room.');
  });
});

it('joins names with commas and “and”', () => {
  expect(joinNames([], trans)).toBe('');
  expect(joinNames(['a'], trans)).toBe('a');
  expect(joinNames(['a', 'b', 'c'], trans)).toBe('a, b and c');
});

it('says in which cell a notebook failed', () => {
  expect(failureText({ class: 'memory-limit', cell: 4 }, trans)).toBe('out of memory in cell 4');
  expect(failureText({ class: 'process-crash' }, trans)).toBe('Python ended unexpectedly in the notebook');
  expect(failureText(undefined, trans)).toBeUndefined();
});

it.each([
  ['preempted', 'the machine was preempted'],
  ['lost', 'the machine disappeared'],
  ['a-newer-reason', 'The machine caught fire.']
])('says what happened to the machine of a run that starts again: %s', (code, text) => {
  expect(machineText({ code, message: 'The machine caught fire.' }, trans)).toBe(text);
});
