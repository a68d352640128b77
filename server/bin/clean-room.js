#!/usr/bin/env node
// A default import, as an older Node that lacks the function is still to be told so in words.
import module from 'node:module';
import { fileURLToPath } from 'node:url';

const OLDEST_NODE = 24;

if (Number.parseInt(process.versions.node, 10) < OLDEST_NODE) {
  console.error(
    `clean-room needs Node ${OLDEST_NODE} or later; this is ${process.versions.node}. Use "npx clean-room", which brings its own.`
  );
  process.exit(70);
}
// Beside the code itself: whoever could write there could as well change the code. Where nobody can, there is no cache.
module.enableCompileCache(fileURLToPath(new URL('.compiled', import.meta.url)));
await import('../lib/cli/main.js');
