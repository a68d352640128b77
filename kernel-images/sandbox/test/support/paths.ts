import { join } from 'node:path';
import { fileURLToPath } from 'node:url';

export const ROOM = fileURLToPath(new URL('../../', import.meta.url));
export const PROJECT = join(ROOM, '../..');
export const CACHE = join(PROJECT, '.cache/sandbox');

/** An ordinary user for the profile `nested-namespace`; needs no entry in any file. */
export const ORDINARY_USER = 21001;
export const SANDBOX_USER = 10001;
