/** Measures the coordinator's memory while large objects are uploaded and downloaded. It must not grow with their size. */
import { printFiguresOf } from './figures-of.js';

await printFiguresOf('transfer/memory.ts');
