import { preset } from '../jest.preset.js';

export default {
  ...preset,
  displayName: 'server',
  setupFilesAfterEnv: [...preset.setupFilesAfterEnv, '<rootDir>/test/support/ed25519.js']
};
