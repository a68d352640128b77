import { fileURLToPath } from 'node:url';

const limits = fileURLToPath(new URL('jest.limits.mjs', import.meta.url));

/** The configuration of all Node packages: native ES modules; swc strips types, which `npm run typecheck` checks. */
export const preset = {
  setupFilesAfterEnv: [limits],
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
