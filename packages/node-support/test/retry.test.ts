import { describe, expect, test } from '@jest/globals';
import { retry, retryDelayMs } from '../src/retry.js';

const policy = { firstDelayMs: 1, longestDelayMs: 4 };
const always = { isTransient: () => true };

/** An operation that fails `failures` times and then returns the number of its calls. */
function failing(failures: number) {
  const operation = { calls: 0, run: async () => Promise.resolve(0) };
  operation.run = async () => {
    operation.calls += 1;
    if (operation.calls <= failures) throw new Error(`failure ${operation.calls}`);
    return Promise.resolve(operation.calls);
  };
  return operation;
}

describe('retry', () => {
  test('returns the result of the first successful attempt', async () => {
    const operation = failing(2);
    await expect(retry(policy, operation.run, always)).resolves.toBe(3);
  });

  test('throws the last error when the attempts are used up', async () => {
    const operation = failing(9);
    await expect(retry({ ...policy, attempts: 3 }, operation.run, always)).rejects.toThrow('failure 3');
    expect(operation.calls).toBe(3);
  });

  test('throws an error that is not transient at once', async () => {
    const operation = failing(9);
    await expect(retry(policy, operation.run, { isTransient: () => false })).rejects.toThrow('failure 1');
  });

  test('does not start an attempt after the total time', async () => {
    const operation = failing(9);
    const none = { firstDelayMs: 50, longestDelayMs: 50, totalMs: 10 };
    await expect(retry(none, operation.run, always)).rejects.toThrow('failure 1');
  });

  test('waits as long as the server asked for', async () => {
    const operation = failing(1);
    const options = { ...always, requestedDelayMs: () => 1 };
    const slow = { firstDelayMs: 3_600_000, longestDelayMs: 3_600_000 };
    await expect(retry(slow, operation.run, options)).resolves.toBe(2);
  });

  test('stops waiting when the signal is aborted', async () => {
    const abort = new AbortController();
    const slow = { firstDelayMs: 3_600_000, longestDelayMs: 3_600_000 };
    const waiting = retry(slow, failing(9).run, { ...always, signal: abort.signal });
    abort.abort();
    await expect(waiting).rejects.toThrow(expect.objectContaining({ name: 'AbortError' }));
  });
});

test.each([
  [1, 1],
  [2, 2],
  [3, 4],
  [9, 4]
])('the delay after attempt %d is at most %d ms and at least half of it', (attempt, longest) => {
  const delay = retryDelayMs(policy, attempt);
  expect(delay).toBeGreaterThanOrEqual(longest / 2);
  expect(delay).toBeLessThanOrEqual(longest);
});
