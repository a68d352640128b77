export * from './policy/index.js';
export * from './provision.js';
export * from './publish.js';
export * from './registry/index.js';
export { decimalText, inferSchema, readSchemaFile, SchemaFile, type SchemaProposal } from './schema/index.js';
export * from './stand-in/index.js';
export { openTable, type Table } from './table/index.js';
