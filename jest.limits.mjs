import { jest } from '@jest/globals';

// These tests drive real programs, sandboxes and clocks on shared machines. The limit ends a test that hangs; it judges
// no speed (`npm run bench` does). It stands here and not in the configurations because jest ignores a project's own limit
// when it runs several projects.
jest.setTimeout(300_000);

// One that fails in CI is tried once more, and what it failed with is printed all the same.
if (process.env.CI === 'true') jest.retryTimes(1, { logErrorsBeforeRetry: true });
