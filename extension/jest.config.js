const base = require('@jupyterlab/testing/lib/jest-config')(__dirname);

/** Packages that ship ES modules only; swc turns them into what jest 29 loads. */
const esModules = [
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

const swc = syntax => [
  '@swc/jest',
  { jsc: { target: 'es2023', parser: syntax }, module: { type: 'commonjs' } }
];

module.exports = {
  rootDir: __dirname,
  displayName: 'extension',
  testEnvironment: base.testEnvironment,
  resolver: base.resolver,
  setupFiles: base.setupFiles,
  moduleFileExtensions: base.moduleFileExtensions,
  moduleNameMapper: { ...base.moduleNameMapper, '^(\\.{1,2}/.*)\\.js$': '$1' },
  testMatch: ['<rootDir>/test/**/*.test.ts', '<rootDir>/test/**/*.test.tsx'],
  modulePathIgnorePatterns: ['<rootDir>/jupyterlab_clean_room', '<rootDir>/lib'],
  transform: {
    '\\.svg$': '@jupyterlab/testing/lib/jest-raw-loader.js',
    '^.+\\.tsx?$': swc({ syntax: 'typescript', tsx: true }),
    '^.+\\.m?jsx?$': swc({ syntax: 'ecmascript', jsx: true })
  },
  transformIgnorePatterns: [`/node_modules/(?!${esModules}).+`]
};
