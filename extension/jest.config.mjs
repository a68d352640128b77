import { createRequire } from 'node:module';
import { dirname } from 'node:path';
import { fileURLToPath } from 'node:url';
import { bundled } from './test/support/bundle.mjs';

const require = createRequire(import.meta.url);
const extensionFolder = dirname(fileURLToPath(import.meta.url));
const base = require('@jupyterlab/testing/lib/jest-config')(extensionFolder);

/** Packages that contain ES modules. swc converts them to CommonJS. */
const modules = [
  '@codemirror',
  '@jupyter/',
  '@jupyterlab/',
  '@marijn',
  '@microsoft/',
  'color',
  'exenv-es6',
  'lib0',
  'marked',
  'nanoid',
  'vscode-ws-jsonrpc',
  'y-protocols',
  'y-websocket',
  'yjs'
].join('|');

const swc = parser => ['@swc/jest', { jsc: { target: 'es2023', parser }, module: { type: 'commonjs' } }];

export default {
  rootDir: extensionFolder,
  displayName: 'extension',
  testEnvironment: '<rootDir>/test/support/environment.mjs',
  resolver: base.resolver,
  setupFiles: base.setupFiles,
  setupFilesAfterEnv: ['<rootDir>/../jest.limits.mjs'],
  moduleFileExtensions: base.moduleFileExtensions,
  globalSetup: '<rootDir>/test/support/bundle.mjs',
  moduleNameMapper: {
    ...base.moduleNameMapper,
    '^(\\.{1,2}/.*)\\.js$': '$1',
    ...bundled
  },
  testMatch: ['<rootDir>/test/**/*.test.ts', '<rootDir>/test/**/*.test.tsx'],
  modulePathIgnorePatterns: ['<rootDir>/jupyterlab_clean_room', '<rootDir>/lib'],
  transform: {
    '\\.svg$': '@jupyterlab/testing/lib/jest-raw-loader.js',
    '^.+\\.tsx?$': swc({ syntax: 'typescript', tsx: true }),
    '^.+\\.jsx?$': swc({ syntax: 'ecmascript', jsx: true })
  },
  transformIgnorePatterns: [`/node_modules/(?!${modules}).+`]
};
