import { DECISION_MOVES, REVISION_MOVES, RUN_MOVES, isFinal, requireMove } from '../../src/runs/index.js';

describe.each([
  ['revision', REVISION_MOVES, ['approved', 'submitted']],
  ['decision', DECISION_MOVES, ['revoked', 'approved']],
  ['run', RUN_MOVES, ['released', 'running']]
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
    expect(() => requireMove(table, from, to)).toThrow(expect.objectContaining({ code: 'conflict' }));
  });
});
