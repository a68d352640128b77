import { fileURLToPath } from 'node:url';

const patience = fileURLToPath(new URL('jest.patience.mjs', import.meta.url));

/** What every Node room shares: native ES modules, TypeScript stripped by swc (types are checked by `npm run typecheck`). */
export const preset = {
  setupFilesAfterEnv: [patience],
  testEnvironment: 'node',
  testMatch: ['<rootDir>/test/**/*.test.ts'],
  extensionsToTreatAsEsm: ['.ts'],
  moduleNameMapper: { '^(\\.{1,2}/.*)\\.js$': '$1' },
  transform: {
    '^.+\\.ts$': [
      '@swc/jest',
      { jsc: { target: 'es2023', parser: { syntax: 'typescript' } }, module: { type: 'es6' } }
    ]
  },
  transformIgnorePatterns: ['/node_modules/']
};
