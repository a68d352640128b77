import { enableCompileCache } from 'node:module';
import { dirname } from 'node:path';
import { fileURLToPath } from 'node:url';

/** Packages one image and exits, as a command does. Code compiled by an earlier start is taken from the compile cache. */
enableCompileCache(dirname(fileURLToPath(import.meta.url)));
const { packageFolder } = await import('./package-once.ts');
await packageFolder(process.argv.slice(2));
