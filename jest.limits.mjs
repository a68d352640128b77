import { jest } from '@jest/globals';

// The tests use real programs, sandboxes and clocks on shared machines. The limit only ends tests that hang; speed is measured by
// `npm run bench`. It is set here because jest ignores the limit of a project's configuration when it runs several projects.
jest.setTimeout(300_000);

// In CI a failed test is tried once more, and its first error is printed too.
if (process.env.CI === 'true') jest.retryTimes(1, { logErrorsBeforeRetry: true });
