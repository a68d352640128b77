import { preset } from '../../jest.preset.js';

export default {
  ...preset,
  displayName: 'sandbox',
  // each run of a notebook starts a container, a supervisor and an interpreter
  testTimeout: 60_000,
  globalSetup: '<rootDir>/test/support/global-setup.js'
};
