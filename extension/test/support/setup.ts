import { jest } from '@jest/globals';

// The first test of a file waits for the transformation of JupyterLab's packages.
jest.setTimeout(30_000);
