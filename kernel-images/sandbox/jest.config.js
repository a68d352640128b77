import { preset } from '../../jest.preset.js';

export default {
  ...preset,
  displayName: 'sandbox',
  setupFilesAfterEnv: [...preset.setupFilesAfterEnv, '<rootDir>/test/support/patience.ts'],
  globalSetup: '<rootDir>/test/support/global-setup.js'
};
