import { jest } from '@jest/globals';

// each run of a notebook starts a container, a supervisor and an interpreter, and runs of one profile wait for each other
jest.setTimeout(120_000);
