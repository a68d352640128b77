import { expect } from '@jest/globals';
import { digestFromHash, fromBase64 } from '@clean-room/protocol/bytes';
import { Checkpoint, leafHash, LogEntry, treeHash } from '@clean-room/protocol/log';
import { DECISION_TRANSITIONS, REVISION_TRANSITIONS, RUN_TRANSITIONS } from '@clean-room/protocol/runs';
import type { Client } from '@clean-room/api';
import { routes, type CoordinatorEvent } from '@clean-room/api/coordinator';
import type { Crash, Entry } from './killed-coordinator.js';

/** The protocol's tables, with the making of a run as its first transition. */
const TABLES: Readonly<Record<string, Readonly<Record<string, readonly string[]>>>> = {
  revision: REVISION_TRANSITIONS,
  decision: DECISION_TRANSITIONS,
  run: { none: ['queued'], ...RUN_TRANSITIONS }
};
const FIRST: Readonly<Record<string, string>> = { revision: 'draft', decision: 'pending', run: 'none' };

const named = ({ subject, id }: Entry): string => `${subject} ${id}`;

/** Every transition of the tables that the coordinator makes, as `subject from → to`. */
export function allTransitions(): string[] {
  const transitions = Object.entries(TABLES).flatMap(([subject, table]) =>
    Object.entries(table).flatMap(([from, states]) => states.map(to => `${subject} ${from} → ${to}`))
  );
  // A draft is on its researcher's machine; the coordinator has none that it could withdraw.
  return transitions.filter(transition => transition !== 'revision draft → withdrawn').sort();
}

/** Names each entry's transition. @throws Error for one that the tables do not have */
function transitionsOf(entries: readonly Entry[], before: ReadonlyMap<string, string>): string[] {
  const states = new Map(before);
  return entries.map(entry => {
    const { subject, state } = entry;
    const from = states.get(named(entry)) ?? FIRST[subject] ?? '';
    if (TABLES[subject]?.[from]?.includes(state) !== true)
      throw new Error(`${named(entry)} went from ${from} to ${state}`);
    states.set(named(entry), state);
    return `${subject} ${from} → ${state}`;
  });
}

/** States of everything before the entry at `index`. */
function statesBefore(log: readonly Entry[], index: number): Map<string, string> {
  return new Map(log.slice(0, index).map(entry => [named(entry), entry.state]));
}

/** The whole log; it hashes to its own signed head. */
export async function readLog(client: Client): Promise<Entry[]> {
  const bytes: Uint8Array[] = [];
  for (;;) {
    const page = await client.call(routes.listLogEntries, { query: { from: bytes.length, limit: 1000 } });
    bytes.push(...page.entries.map(fromBase64));
    if (bytes.length >= page.size) break;
  }
  const { checkpoint } = await client.call(routes.getCheckpoint, {});
  const { head } = Checkpoint.peek(checkpoint).value;
  expect(head).toEqual({ size: bytes.length, root: digestFromHash(treeHash(bytes.map(leafHash))) });
  return bytes.map(entry => LogEntry.read(entry).value).filter(({ subject }) => subject in TABLES);
}

/** The events of everything that ever moved, in their order. */
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

/** Log, events and rows say the same: nothing is lost, doubled or half done. */
export async function auditState(client: Client): Promise<Entry[]> {
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
      expect(history.map(moment => moment.state)).toEqual(entered.map(entry => entry.state));
    }
  }
  expect(rows).toEqual(last);
  return log;
}

/**
 * Moves that the coordinator was killed at. What it died behind is in the log; what it died before came to be later, or,
 * where its making was undone, never was.
 */
export function killedTransitions(
  log: readonly Entry[],
  crashes: readonly Crash[],
  moment: Crash['moment']
): string[] {
  const killed = crashes
    .filter(death => death.moment === moment)
    .flatMap(({ entries }) => {
      const [first] = entries;
      if (first === undefined) return [];
      const at = log.findIndex(entry => named(entry) === named(first) && entry.state === first.state);
      if (at < 0 && moment === 'after-commit') throw new Error(`${named(first)} was lost`);
      return transitionsOf(entries, at < 0 ? new Map() : statesBefore(log, at));
    });
  return [...new Set(killed)].sort();
}
