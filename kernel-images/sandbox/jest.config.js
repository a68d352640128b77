import { preset } from '../../jest.preset.js';

export default {
  ...preset,
  displayName: 'sandbox',
  setupFilesAfterEnv: ['<rootDir>/test/support/patience.ts'],
  globalSetup: '<rootDir>/test/support/global-setup.js'
};
