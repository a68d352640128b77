#!/usr/bin/env node
// A default import, because a named import of a function that an older Node lacks would fail before the message below.
import module from 'node:module';
import { fileURLToPath } from 'node:url';

const OLDEST_NODE = 24;

if (Number.parseInt(process.versions.node, 10) < OLDEST_NODE) {
  console.error(
    `clean-room needs Node ${OLDEST_NODE} or later, but this is Node ${process.versions.node}. Use "npx clean-room", which includes a suitable Node.`
  );
  process.exit(70);
}
// The cache is in the folder of the code, so that only users who could change the code can write to it. A read-only
// folder has no cache.
module.enableCompileCache(fileURLToPath(new URL('.compiled', import.meta.url)));
await import('../lib/cli/main.js');
