/**
 * The entry point of provisioning for the command line: reading a provider's tables on the provider's own machine, and
 * writing them and their stand-ins. Files are parsed only in a jailed process.
 */
export { conformCsv, conformTable } from './conform.js';
export { inspectTable, type Answers, type Inspection, type Overrides } from './inspect.js';
export { describePolicy, readPolicySource } from './policies/policy-source.js';
export { STAND_IN_DELTA } from './policies/presets.js';
export { schemaChanges } from './schema-changes.js';
export { withSchema } from './schema/declared.js';
export { describeReader, type Question } from './schema/questions.js';
export { readSchemaFile, type SchemaDecisions } from './schema/schema-file.js';
export { randomStandIn, STAND_IN_ROWS } from './stand-in/random-table.js';
export { findPython, rhoOf } from './synthesis/python.js';
export { synthesize, type SynthesisRequest } from './synthesis/synthesize.js';
