export { DEMO_CUSTODIANS, DEMO_DATASET, DEMO_PARTIES, foundDemo } from './found.js';
export * from './layout.js';
export * from './publish.js';
