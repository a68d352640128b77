#!/usr/bin/env node
import { enableCompileCache } from 'node:module';
import { fileURLToPath } from 'node:url';

// A run waits for its runner. The cache is beside the code itself: whoever could write there could as well change the code.
enableCompileCache(fileURLToPath(new URL('../lib/.compiled', import.meta.url)));
const { runSimulatedAttempt } = await import('../lib/bundle/runner.js');

const [, , folder = ''] = process.argv;
await runSimulatedAttempt(folder);
process.exit(0);
