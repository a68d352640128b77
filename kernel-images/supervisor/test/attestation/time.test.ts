import { TokenClock, gridAfter, gridBefore } from '../../src/attestation/time.js';

const IAT = 1_763_640_000;

test('the clock adds the monotonic counter to the time of the last token', () => {
  let counter = 5000;
  const clock = new TokenClock(() => counter);
  clock.observe(IAT);
  counter += 1500;
  expect(clock.now().getTime()).toBe(IAT * 1000 + 1500);
  clock.observe(IAT + 60);
  expect(clock.now().getTime()).toBe((IAT + 60) * 1000);
});

test('an older token does not set the clock back', () => {
  let counter = 0;
  const clock = new TokenClock(() => counter);
  clock.observe(IAT);
  counter = 10_000;
  clock.observe(IAT - 3600);
  expect(clock.now().getTime()).toBe(IAT * 1000 + 10_000);
});

test('the clock throws before the first token', () => {
  expect(() => new TokenClock().now()).toThrow(expect.objectContaining({ code: 'internal' }) as Error);
});

test('start times are rounded down to the grid, end times up', () => {
  const date = new Date('2026-11-20T12:04:31.250Z');
  expect([gridBefore(date, 60), gridAfter(date, 60)]).toEqual([
    '2026-11-20T12:04:00Z',
    '2026-11-20T12:05:00Z'
  ]);
  const on = new Date('2026-11-20T12:00:00Z');
  expect([gridBefore(on, 300), gridAfter(on, 300)]).toEqual(['2026-11-20T12:00:00Z', '2026-11-20T12:00:00Z']);
});
