import { preset } from '../../jest.preset.js';

export default {
  ...preset,
  displayName: 'supervisor',
  // A whole run starts a container, a probe, an interpreter and a decoder.
  testTimeout: 120_000,
  globalSetup: '<rootDir>/test/support/global-setup.js'
};
