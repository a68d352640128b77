/** Measures the coordinator's memory while 10,000 machines run in the fake cloud. */
import { printFiguresOf } from './figures-of.js';

await printFiguresOf('flight/memory.ts');
