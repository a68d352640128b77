/**
 * How fast the coordinator's API answers: 50 requests a second for 20 seconds, one in ten a submission, while 200 streams
 * of events are open; on PGlite and on PostgreSQL.
 */
import { printFiguresOf } from './figures-of.js';

await printFiguresOf('api/load.ts');
