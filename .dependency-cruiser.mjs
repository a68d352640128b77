/** The architecture as rules: no import cycles, and dependencies that point one way. */
const code = '(src|test|bench)/';

/** Forbids imports from one package's code into others. */
const mayNotImport = (name, from, to, comment) => ({
  name,
  comment,
  severity: 'error',
  from: { path: from },
  to: { path: to }
});

export default {
  forbidden: [
    {
      name: 'no-cycles',
      comment: 'Files that import each other, even only for types, cannot be understood one at a time.',
      severity: 'error',
      from: {},
      to: { circular: true }
    },
    {
      name: 'protocol-is-pure',
      comment: 'The protocol runs in the browser, on the server and in the TEE.',
      severity: 'error',
      from: { path: '^packages/protocol/src/' },
      to: { path: '^(?!packages/protocol/)', pathNot: 'node_modules', dependencyTypesNot: ['npm'] }
    },
    mayNotImport(
      'api-imports-only-protocol',
      '^packages/api/src/',
      '^(packages/(?!api/|protocol/)|server/|extension/|kernel-images/)',
      'The API describes what travels between programs; it cannot depend on one of them.'
    ),
    mayNotImport(
      'libraries-import-no-programs',
      '^packages/(oci|node-support)/src/',
      '^(packages/(api|simulator)/|server/|extension/|kernel-images/)',
      'Shared libraries do not know the programs that use them.'
    ),
    mayNotImport(
      'nothing-imports-the-extension',
      `^(?!extension/).*${code}`,
      '^extension/',
      'The extension is the outermost program.'
    ),
    {
      name: 'the-simulator-is-optional',
      comment: 'A production installation has no simulator: only the local backend loads it, lazily.',
      severity: 'error',
      from: { path: '^(server|extension|kernel-images/[^/]+|packages/(?!simulator/)[^/]+)/src/' },
      to: { path: '^packages/simulator/', dynamic: false, dependencyTypesNot: ['type-only'] }
    },
    mayNotImport(
      'server-does-not-import-the-kernel-image',
      '^server/src/',
      '^kernel-images/',
      'What runs inside the TEE and what runs outside share only the libraries in packages/.'
    ),
    mayNotImport(
      'the-kernel-image-does-not-import-the-server',
      '^kernel-images/[^/]+/src/',
      '^(server|extension|packages/(api|simulator))/',
      'What runs inside the TEE and what runs outside share only the libraries in packages/.'
    ),
    mayNotImport(
      'the-extension-talks-to-the-server-by-http',
      '^extension/src/',
      '^(server|kernel-images|packages/(oci|node-support|simulator))/',
      'The extension runs in a browser and knows the server only by its API.'
    ),
    mayNotImport(
      'coordinator-does-not-import-custodian',
      '^server/src/coordinator/',
      '^server/src/(custodian|cli)/',
      'The roles talk through their HTTP interfaces, so that they can run on different machines.'
    ),
    mayNotImport(
      'custodian-does-not-import-coordinator',
      '^server/src/custodian/',
      '^server/src/(coordinator|cli)/',
      'The roles talk through their HTTP interfaces, so that they can run on different machines.'
    ),
    mayNotImport(
      'platform-does-not-import-roles',
      '^server/src/platform/',
      '^server/src/(coordinator|custodian|cli)/',
      'The platform is used by both roles.'
    ),
    mayNotImport(
      'roles-do-not-parse-tables',
      '^server/src/(coordinator|custodian|platform)/',
      '^server/src/provisioning/',
      'Tables are read on the machine of the provider, by the command, and never in a process that holds keys.'
    ),
    mayNotImport(
      'provisioning-does-not-import-roles',
      '^server/src/provisioning/',
      '^server/src/(coordinator|custodian|cli|platform)/',
      'Provisioning runs without a server.'
    ),
    {
      name: 'only-the-jailed-program-loads-the-database',
      comment: 'DuckDB parses files of other people, so it runs only in the jail.',
      severity: 'error',
      from: { path: '^server/src/', pathNot: '^server/src/provisioning/engine/child/' },
      to: { path: '@duckdb' }
    },
    {
      name: 'the-jailed-program-has-no-other-packages',
      comment: 'The jail shows only the folder of provisioning and DuckDB.',
      severity: 'error',
      from: { path: '^server/src/provisioning/engine/child/' },
      to: {
        path: '^(packages|node_modules|server/src)/',
        pathNot: '^(server/src/provisioning/|node_modules/@duckdb/)',
        dependencyTypesNot: ['type-only', 'core']
      }
    },
    {
      name: 'one-entry-point-of-the-custodian',
      comment: 'The command line uses a custodian through server/src/custodian/index.ts.',
      severity: 'error',
      from: { path: '^server/src/cli/' },
      to: { path: '^server/src/custodian/', pathNot: '^server/src/custodian/index\\.ts$' }
    }
  ],
  options: {
    tsPreCompilationDeps: true,
    combinedDependencies: true,
    doNotFollow: { path: ['node_modules', '/lib/'] },
    exclude: { path: ['/labextension/', '/command/'] },
    enhancedResolveOptions: {
      exportsFields: ['exports'],
      conditionNames: ['types', 'import', 'default']
    }
  }
};
