#!/usr/bin/env node
import { enableCompileCache } from 'node:module';
import { fileURLToPath } from 'node:url';

// Each run waits for this program to start. The compile cache is in the folder of the code itself, so an attacker who can
// write to the cache could change the code anyway.
enableCompileCache(fileURLToPath(new URL('../lib/.compiled', import.meta.url)));
const { runSimulatedAttempt } = await import('../lib/bundle/runner.js');

const [, , folder = ''] = process.argv;
await runSimulatedAttempt(folder);
process.exit(0);
