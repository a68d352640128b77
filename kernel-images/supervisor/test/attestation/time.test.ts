import { TokenClock } from '../../src/time/clock.js';
import { gridAfter, gridBefore } from '../../src/time/grid.js';

const IAT = 1_763_640_000;

test('time goes on from the last token by a counter that nobody can set', () => {
  let counted = 5000;
  const clock = new TokenClock(() => counted);
  clock.observe(IAT);
  counted += 1500;
  expect(clock.now().getTime()).toBe(IAT * 1000 + 1500);
  clock.observe(IAT + 60);
  expect(clock.now().getTime()).toBe((IAT + 60) * 1000);
});

test('a token from before does not set it back', () => {
  let counted = 0;
  const clock = new TokenClock(() => counted);
  clock.observe(IAT);
  counted = 10_000;
  clock.observe(IAT - 3600);
  expect(clock.now().getTime()).toBe(IAT * 1000 + 10_000);
});

test('without a token there is no time', () => {
  expect(() => new TokenClock().now()).toThrow(expect.objectContaining({ code: 'internal' }));
});

test('the grid takes beginnings back and ends on', () => {
  const date = new Date('2026-11-20T12:04:31.250Z');
  expect([gridBefore(date, 60), gridAfter(date, 60)]).toEqual([
    '2026-11-20T12:04:00Z',
    '2026-11-20T12:05:00Z'
  ]);
  const on = new Date('2026-11-20T12:00:00Z');
  expect([gridBefore(on, 300), gridAfter(on, 300)]).toEqual(['2026-11-20T12:00:00Z', '2026-11-20T12:00:00Z']);
});
