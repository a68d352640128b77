import eslint from '@eslint/js';
import jsdoc from 'eslint-plugin-jsdoc';
import tsdoc from 'eslint-plugin-tsdoc';
import tseslint from 'typescript-eslint';

/** Words that are rare or odd in technical English, for comments. */
const ODD_WORDS = [
  'anew',
  'beside',
  'whoever',
  'whom',
  'nobody',
  'everybody',
  'stands',
  'stood',
  'come to be',
  'comes to be',
  'came to be'
];

/** The same words in messages, labels and test titles. */
const ODD_TEXT = new RegExp(`\\b(${ODD_WORDS.join('|')})\\b`, 'i').source;

/** A docstring starts with a verb or a noun phrase, not with a clause that has no main verb. */
const OPENING = '^(?!(What|Whom|Whoever|Where|Whose)\\b)';

const odd = selector => ({
  selector: `${selector}[${selector === 'TemplateElement' ? 'value.raw' : 'value'}=/${ODD_TEXT}/i]`,
  message: 'Use standard technical English: CONTRIBUTING.md lists the words to avoid.'
});

export default tseslint.config(
  {
    ignores: [
      '**/lib/',
      '**/node_modules/',
      '**/.cache/',
      '**/.venv/',
      '**/labextension/',
      '**/command/',
      '**/test-results/'
    ]
  },
  eslint.configs.recommended,
  ...tseslint.configs.strictTypeChecked,
  {
    languageOptions: {
      parserOptions: {
        project: ['**/tsconfig.test.json', 'ui-tests/tsconfig.json'],
        tsconfigRootDir: import.meta.dirname
      }
    },
    plugins: { tsdoc, jsdoc },
    rules: {
      '@typescript-eslint/consistent-type-imports': 'error',
      '@typescript-eslint/no-unused-vars': ['error', { argsIgnorePattern: '^_' }],
      '@typescript-eslint/restrict-template-expressions': ['error', { allowNumber: true }],
      '@typescript-eslint/no-confusing-void-expression': ['error', { ignoreArrowShorthand: true }],
      // An async function without await turns a thrown error into a rejection, which callers of an interface expect.
      '@typescript-eslint/require-await': 'off',
      'no-control-regex': 'off',
      eqeqeq: 'error',
      'tsdoc/syntax': 'error',
      'jsdoc/match-description': ['error', { matchDescription: OPENING, contexts: ['any'] }],
      'no-warning-comments': ['error', { terms: [...ODD_WORDS, 'alone'], location: 'anywhere' }],
      'no-restricted-syntax': ['error', odd('Literal'), odd('TemplateElement'), odd('JSXText')]
    }
  },
  { files: ['**/*.js', '**/*.mjs', '**/*.cjs'], ...tseslint.configs.disableTypeChecked },
  {
    // Plain JavaScript has its types in JSDoc, which TSDoc does not allow.
    files: ['**/*.js', '**/*.mjs', '**/*.cjs'],
    rules: { 'tsdoc/syntax': 'off' }
  },
  { files: ['eslint.config.js'], rules: { 'no-restricted-syntax': 'off' } },
  {
    // protocol runs in the browser, on the server and in the TEE, so it must not use APIs of Node.
    files: ['packages/protocol/src/**'],
    rules: {
      'no-restricted-imports': [
        'error',
        { patterns: ['node:*', 'fs', 'path', 'crypto', 'buffer', 'stream'] }
      ],
      'no-restricted-globals': ['error', 'Buffer', 'process', 'require', '__dirname', 'globalThis']
    }
  },
  {
    // Other programs build on the protocol, so everything that it exports must be documented.
    files: ['packages/protocol/src/**'],
    rules: {
      'jsdoc/require-jsdoc': [
        'error',
        {
          publicOnly: true,
          require: { ClassDeclaration: true, FunctionDeclaration: true },
          contexts: ['ExportNamedDeclaration > VariableDeclaration', 'TSInterfaceDeclaration']
        }
      ]
    }
  },
  {
    files: ['**/test/**'],
    rules: {
      '@typescript-eslint/no-non-null-assertion': 'off',
      // Jest types its matchers, such as expect.stringContaining, as any.
      '@typescript-eslint/no-unsafe-assignment': 'off',
      '@typescript-eslint/no-unsafe-argument': 'off',
      // Test helpers name the type of a response that the test then checks.
      '@typescript-eslint/no-unnecessary-type-parameters': 'off'
    }
  },
  {
    // The scripts of the custodian's own pages: plain modules that browsers run without a build step.
    files: ['server/static/**/*.js'],
    languageOptions: {
      globals: {
        atob: 'readonly',
        btoa: 'readonly',
        document: 'readonly',
        fetch: 'readonly',
        location: 'readonly',
        navigator: 'readonly',
        window: 'readonly'
      }
    }
  },
  {
    files: ['**/*.js', '**/*.mjs', '**/*.cjs'],
    languageOptions: {
      globals: {
        process: 'readonly',
        console: 'readonly',
        fetch: 'readonly',
        performance: 'readonly',
        module: 'writable',
        require: 'readonly',
        URL: 'readonly'
      }
    }
  }
);
