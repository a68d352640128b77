import { CleanRoomError } from '@clean-room/protocol/errors';
import type { LockedPackage } from '../definition/lock.js';
import { downloadInput } from '../inputs/download.js';
import type { InputCache } from '../inputs/input-cache.js';
import { runProgram } from '../programs/run.js';

const DEFAULT_MIRROR = 'http://deb.debian.org/debian/';

/**
 * Parses the address of a mirror.
 *
 * @param source - the origin of the address, for messages
 */
function parseMirror(address: string, source: string): URL {
  const root = URL.parse(address.endsWith('/') ? address : `${address}/`);
  if (root === null || !/^https?:$/.test(root.protocol)) {
    throw new CleanRoomError(
      'malformed',
      `${source} contains "${address}", which is not an http or https address.`
    );
  }
  return root;
}

/** Returns the mirror that apt would use for the release's main component, if this machine has apt. */
async function mirrorOfApt(release: string): Promise<URL | undefined> {
  const format = '$(REPO_URI)|$(RELEASE)|$(COMPONENT)|$(CREATED_BY)';
  const targets = await runProgram('apt-get', ['indextargets', '--format', format]).then(
    text => text.split('\n').map(line => line.split('|')),
    () => []
  );
  const target = targets.find(
    ([address = '', suite, component, kind]) =>
      /^https?:/.test(address) && suite === release && component === 'main' && kind === 'Packages'
  );
  return target?.[0] === undefined ? undefined : parseMirror(target[0], 'The configuration of apt');
}

/**
 * Returns the mirror to use: CLEAN_ROOM_DEBIAN_MIRROR, or the one that apt is configured for, or Debian's own. The mirror is not
 * trusted, because everything from it is verified.
 *
 * @throws CleanRoomError `malformed` if CLEAN_ROOM_DEBIAN_MIRROR is not an http or https address
 */
export async function findMirror(
  release: string,
  environment: NodeJS.ProcessEnv = process.env
): Promise<URL> {
  const configured = environment['CLEAN_ROOM_DEBIAN_MIRROR'];
  if (configured !== undefined && configured !== '')
    return parseMirror(configured, 'CLEAN_ROOM_DEBIAN_MIRROR');
  return (await mirrorOfApt(release)) ?? parseMirror(DEFAULT_MIRROR, 'The default configuration');
}

/**
 * Downloads the packages that are not in the cache, four at a time.
 *
 * @param onFetched - called after each download with the package's name and version
 * @throws CleanRoomError `not-found`, `digest-mismatch`, `unavailable`
 */
export async function fetchPackages(
  packages: readonly LockedPackage[],
  mirror: URL,
  cache: InputCache,
  onFetched: (title: string) => void = () => undefined
): Promise<void> {
  const missing: LockedPackage[] = [];
  for (const candidate of packages) if (!(await cache.has(candidate.digest))) missing.push(candidate);
  const worker = async (): Promise<void> => {
    for (let next = missing.shift(); next !== undefined; next = missing.shift()) {
      const title = `${next.name} ${next.version}`;
      const path = await cache.temporaryPath();
      await downloadInput(new URL(next.path.replaceAll('+', '%2b'), mirror), path, title);
      await cache.add(path, { title, digest: next.digest, size: next.size });
      onFetched(title);
    }
  };
  const stopAll = (error: unknown): never => {
    missing.length = 0;
    throw error;
  };
  const ended = await Promise.allSettled(Array.from({ length: 4 }, () => worker().catch(stopAll)));
  for (const end of ended) if (end.status === 'rejected') throw end.reason;
}
