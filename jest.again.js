import { jest } from '@jest/globals';

// These tests drive real programs, sandboxes and clocks on shared machines: one that fails is tried once more, and what it
// failed with is printed all the same.
jest.retryTimes(1, { logErrorsBeforeRetry: true });
