/**
 * Measures how fast the coordinator's API answers 50 requests per second for 20 seconds, while 200 event streams are open. One
 * request in ten is a submission. Runs on PGlite and on PostgreSQL.
 */
import { printFiguresOf } from './figures-of.js';

await printFiguresOf('api/load.ts');
