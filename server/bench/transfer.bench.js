/** How much memory the coordinator takes while large objects come and go, against small ones: what streams is not held. */
import { printFiguresOf } from './figures-of.js';

await printFiguresOf('transfer/memory.ts');
