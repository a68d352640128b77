import { preset } from '../../jest.preset.js';

export default {
  ...preset,
  displayName: 'supervisor',
  globalSetup: '<rootDir>/test/support/global-setup.js'
};
