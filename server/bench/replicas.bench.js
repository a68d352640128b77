/**
 * Measures how many state transitions per second two replicas of the coordinator make together on one PostgreSQL, and how fast
 * their API answers meanwhile.
 */
import { printFiguresOf } from './figures-of.js';

await printFiguresOf('replicas/transitions.ts');
