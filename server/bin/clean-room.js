#!/usr/bin/env node
import { enableCompileCache } from 'node:module';
import { fileURLToPath } from 'node:url';

// Beside the code itself: whoever could write there could as well change the code. Where nobody can, there is no cache.
enableCompileCache(fileURLToPath(new URL('.compiled', import.meta.url)));
await import('../lib/cli/main.js');
