import { join } from 'node:path';
import { fileURLToPath } from 'node:url';

/** Folder of this package. */
export const PACKAGE = fileURLToPath(new URL('../../', import.meta.url));
/** Folder of the repository. */
export const PROJECT = join(PACKAGE, '../..');
/** Folder for files that later test runs reuse. */
export const CACHE = join(PROJECT, '.cache/sandbox');

/** Id of an ordinary user for the profile `nested-namespace`. It does not need an entry in /etc/passwd. */
export const ORDINARY_USER = 21001;
/** Id of the sandbox's user. The next id is that of the killer. */
export const SANDBOX_USER = 10001;
