import { describe, expect, it } from '@jest/globals';
import {
  DECISION_TRANSITIONS,
  REVISION_TRANSITIONS,
  RUN_TRANSITIONS,
  isFinal,
  requireTransition,
  type Transitions
} from '../../src/runs/states.js';

describe.each<[string, Transitions<string>, [from: string, to: string]]>([
  ['revision', REVISION_TRANSITIONS, ['approved', 'submitted']],
  ['decision', DECISION_TRANSITIONS, ['revoked', 'approved']],
  ['run', RUN_TRANSITIONS, ['completed', 'running']]
])('the transitions of a %s', (_name, transitions, [from, to]) => {
  it('lead only to states of the table, and reach every state except the first', () => {
    const targets = new Set(Object.values(transitions).flat());
    for (const target of targets) expect(transitions).toHaveProperty(target);
    const [start, ...rest] = Object.keys(transitions);
    for (const state of rest) expect(targets).toContain(state);
    expect(isFinal(transitions, start!)).toBe(false);
  });

  it('do not lead back to an earlier state', () => {
    expect(() => requireTransition(transitions, from, to)).toThrow(
      expect.objectContaining({ code: 'conflict' })
    );
  });
});
