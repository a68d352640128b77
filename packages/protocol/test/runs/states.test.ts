import {
  DECISION_TRANSITIONS,
  REVISION_TRANSITIONS,
  RUN_TRANSITIONS,
  isFinal,
  requireTransition
} from '../../src/runs/states.js';

describe.each([
  ['revision', REVISION_TRANSITIONS, ['approved', 'submitted']],
  ['decision', DECISION_TRANSITIONS, ['revoked', 'approved']],
  ['run', RUN_TRANSITIONS, ['completed', 'running']]
] as const)('the moves of a %s', (_name, moves, [from, to]) => {
  const table = moves as Record<string, readonly string[]>;

  it('lead only to states that the table knows, and every state can be reached and left or is final', () => {
    const targets = new Set(Object.values(table).flat());
    for (const target of targets) expect(table).toHaveProperty(target);
    const [start, ...rest] = Object.keys(table);
    for (const state of rest) expect(targets).toContain(state);
    expect(isFinal(table, start!)).toBe(false);
  });

  it('refuse to go back', () => {
    expect(() => requireTransition(table, from, to)).toThrow(expect.objectContaining({ code: 'conflict' }));
  });
});
