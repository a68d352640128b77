import { createRequire } from 'node:module';
import { dirname } from 'node:path';
import { fileURLToPath } from 'node:url';

const require = createRequire(import.meta.url);
const room = dirname(fileURLToPath(import.meta.url));
const base = require('@jupyterlab/testing/lib/jest-config')(room);

/** Packages that ship ES modules; swc turns them into what jest 29 loads. */
const modules = [
  '@bufbuild',
  '@clean-room',
  '@codemirror',
  '@hpke',
  '@jupyter/',
  '@jupyterlab/',
  '@marijn',
  '@microsoft/',
  '@noble',
  '@peculiar',
  '@scure',
  'age-encryption',
  'canonicalize',
  'color',
  'exenv-es6',
  'jose',
  'lib0',
  'marked',
  'nanoid',
  'typebox',
  'vscode-ws-jsonrpc',
  'y-protocols',
  'y-websocket',
  'yjs'
].join('|');

const swc = parser => ['@swc/jest', { jsc: { target: 'es2023', parser }, module: { type: 'commonjs' } }];

export default {
  rootDir: room,
  displayName: 'extension',
  testEnvironment: '<rootDir>/test/support/environment.mjs',
  resolver: '<rootDir>/test/support/resolver.mjs',
  setupFiles: base.setupFiles,
  setupFilesAfterEnv: ['<rootDir>/test/support/setup.ts'],
  moduleFileExtensions: base.moduleFileExtensions,
  moduleNameMapper: { ...base.moduleNameMapper, '^(\\.{1,2}/.*)\\.js$': '$1' },
  testMatch: ['<rootDir>/test/**/*.test.ts', '<rootDir>/test/**/*.test.tsx'],
  modulePathIgnorePatterns: ['<rootDir>/jupyterlab_clean_room', '<rootDir>/lib'],
  transform: {
    '\\.svg$': '@jupyterlab/testing/lib/jest-raw-loader.js',
    '^.+\\.tsx?$': swc({ syntax: 'typescript', tsx: true }),
    '^.+\\.m?jsx?$': swc({ syntax: 'ecmascript', jsx: true })
  },
  transformIgnorePatterns: [`/node_modules/(?!${modules}).+`]
};
