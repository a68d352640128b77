import { preset } from '../../jest.preset.js';

export default {
  ...preset,
  displayName: 'sandbox',
  globalSetup: '<rootDir>/test/support/global-setup.js'
};
