import { fileURLToPath } from 'node:url';

const limits = fileURLToPath(new URL('jest.limits.mjs', import.meta.url));

/** What every Node room shares: native ES modules, TypeScript stripped by swc (types are checked by `npm run typecheck`). */
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
