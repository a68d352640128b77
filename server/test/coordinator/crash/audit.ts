import { expect } from '@jest/globals';
import { digestFromHash, fromBase64 } from '@clean-room/protocol/bytes';
import { Checkpoint, leafHash, LogEntry, treeHash } from '@clean-room/protocol/log';
import { DECISION_TRANSITIONS, REVISION_TRANSITIONS, RUN_TRANSITIONS } from '@clean-room/protocol/runs';
import type { Client } from '@clean-room/api';
import { routes, type CoordinatorEvent } from '@clean-room/api/coordinator';
import type { Crash, Entry, LoggedEntry } from './killed-coordinator.js';

/** The protocol's tables of transitions, with the creation of a run added. */
const TABLES: Readonly<Record<string, Readonly<Record<string, readonly string[]>>>> = {
  revision: REVISION_TRANSITIONS,
  decision: DECISION_TRANSITIONS,
  run: { none: ['queued'], ...RUN_TRANSITIONS }
};
/** The state of each subject before its first log entry. */
const FIRST: Readonly<Record<string, string>> = { revision: 'draft', decision: 'pending', run: 'none' };

const nameOf = ({ subject, id }: Entry): string => `${subject} ${id}`;

/** Returns all transitions that the coordinator makes, as `subject from → to`. */
export function allTransitions(): string[] {
  const transitions = Object.entries(TABLES).flatMap(([subject, table]) =>
    Object.entries(table).flatMap(([from, states]) => states.map(to => `${subject} ${from} → ${to}`))
  );
  // Drafts exist only on the researcher's machine, so the coordinator never withdraws one.
  return transitions.filter(transition => transition !== 'revision draft → withdrawn').sort();
}

/**
 * Returns the transition of each log entry.
 *
 * @throws Error for a transition that the tables do not allow
 */
function transitionsOf(entries: readonly Entry[], before: ReadonlyMap<string, string>): string[] {
  const states = new Map(before);
  return entries.map(entry => {
    const { subject, state } = entry;
    const from = states.get(nameOf(entry)) ?? FIRST[subject] ?? '';
    if (TABLES[subject]?.[from]?.includes(state) !== true)
      throw new Error(`${nameOf(entry)} went from ${from} to ${state}`);
    states.set(nameOf(entry), state);
    return `${subject} ${from} → ${state}`;
  });
}

/** Returns the state of each subject before the log entry at `index`. */
function statesBefore(log: readonly Entry[], index: number): Map<string, string> {
  return new Map(log.slice(0, index).map(entry => [nameOf(entry), entry.state]));
}

/** Reads all log entries, and checks that they hash to the signed tree head. */
async function readLog(client: Client): Promise<LoggedEntry[]> {
  const bytes: Uint8Array[] = [];
  for (;;) {
    const page = await client.call(routes.listLogEntries, { query: { from: bytes.length, limit: 1000 } });
    bytes.push(...page.entries.map(fromBase64));
    if (bytes.length >= page.size) break;
  }
  const { checkpoint } = await client.call(routes.getCheckpoint, {});
  const { head } = Checkpoint.peek(checkpoint).value;
  expect(head).toEqual({ size: bytes.length, root: digestFromHash(treeHash(bytes.map(leafHash))) });
  return bytes
    .map((entry, index) => ({ ...LogEntry.read(entry).value, index }))
    .filter(({ subject }) => subject in TABLES);
}

/** Reads the events of all transitions, in their order. */
async function readTransitionEvents(client: Client, count: number): Promise<Entry[]> {
  const events: Entry[] = [];
  const end = new AbortController();
  for await (const { data } of client.events(routes.streamEvents, { signal: end.signal, lastEventId: '0' })) {
    const event = JSON.parse(data) as CoordinatorEvent;
    if (event.topic === 'run') events.push({ subject: 'run', id: event.run, state: event.state });
    if (event.topic === 'submission') {
      const { submission, revision, state, decision } = event;
      const id = `${submission}/${revision}`;
      if (decision === undefined) events.push({ subject: 'revision', id, state });
      else events.push({ subject: 'decision', id: `${id}/${decision.provider}`, state: decision.state });
    }
    if (events.length >= count) break;
  }
  end.abort();
  return events;
}

/** Checks that log, events and rows are consistent: nothing is lost, duplicated or incomplete. Returns the log. */
export async function auditState(client: Client): Promise<LoggedEntry[]> {
  const log = await readLog(client);
  transitionsOf(log, new Map());
  const plain = log.map(({ subject, id, state }) => ({ subject, id, state }));
  expect(await readTransitionEvents(client, plain.length)).toEqual(plain);
  const last = statesBefore(log, log.length);
  const rows = new Map<string, string>();
  const submissions = new Set(
    log.filter(entry => entry.subject === 'revision').map(({ id }) => id.slice(0, id.indexOf('/')))
  );
  for (const id of submissions) {
    const { revisions, runs } = await client.call(routes.getSubmission, { params: { id } });
    for (const { number, state, decisions } of revisions) {
      rows.set(`revision ${id}/${number}`, state);
      for (const decision of decisions)
        if (decision.state !== 'pending')
          rows.set(`decision ${id}/${number}/${decision.provider}`, decision.state);
    }
    for (const { id: run, state } of runs) {
      rows.set(`run ${run}`, state);
      const { history } = await client.call(routes.getRun, { params: { id: run } });
      const entered = log.filter(entry => entry.subject === 'run' && entry.id === run);
      expect(history.map(entry => entry.state)).toEqual(entered.map(entry => entry.state));
    }
  }
  expect(rows).toEqual(last);
  return log;
}

/**
 * Returns the transitions during which the coordinator was killed. If it was killed after the commit, the log must contain them.
 * If it was killed before, they were made later, or never if their request was not repeated.
 */
export function killedTransitions(
  log: readonly LoggedEntry[],
  crashes: readonly Crash[],
  point: Crash['point']
): string[] {
  const killed = crashes
    .filter(crash => crash.point === point)
    .flatMap(({ entries }) => {
      const [first] = entries;
      if (first === undefined) return [];
      const at = log.findIndex(
        entry => nameOf(entry) === nameOf(first) && entry.state === first.state && entry.index >= first.index
      );
      if (at < 0 && point === 'after-commit') throw new Error(`${nameOf(first)} was lost`);
      return transitionsOf(entries, at < 0 ? new Map() : statesBefore(log, at));
    });
  return [...new Set(killed)].sort();
}
