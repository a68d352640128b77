import { enableCompileCache } from 'node:module';
import { dirname } from 'node:path';
import { fileURLToPath } from 'node:url';

/** Packages once and ends, as a command does: what was compiled at an earlier start is not compiled again. */
enableCompileCache(dirname(fileURLToPath(import.meta.url)));
const { packageInto } = await import('./package-into.ts');
await packageInto(process.argv.slice(2));
