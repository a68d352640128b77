import { CleanRoomError } from '@clean-room/protocol/errors';
import type { LockedPackage } from '../definition/lock.js';
import { downloadInput } from '../inputs/download.js';
import type { InputCache } from '../inputs/input-cache.js';
import { runProgram } from '../programs/run.js';

const DEFAULT_MIRROR = 'http://deb.debian.org/debian/';

function asRoot(address: string, from: string): URL {
  const root = URL.parse(address.endsWith('/') ? address : `${address}/`);
  if (root === null || !/^https?:$/.test(root.protocol)) {
    throw new CleanRoomError('malformed', `${from} names "${address}", which is no http or https address.`);
  }
  return root;
}

/** The mirror that apt itself would take the release's main component from, if this machine has apt. */
async function mirrorOfApt(release: string): Promise<URL | undefined> {
  const format = '$(REPO_URI)|$(RELEASE)|$(COMPONENT)|$(CREATED_BY)';
  const targets = await runProgram('apt-get', ['indextargets', '--format', format]).then(
    text => text.split('\n').map(line => line.split('|')),
    () => []
  );
  const own = targets.find(
    ([address = '', suite, component, kind]) =>
      /^https?:/.test(address) && suite === release && component === 'main' && kind === 'Packages'
  );
  return own?.[0] === undefined ? undefined : asRoot(own[0], 'The configuration of apt');
}

/** CLEAN_ROOM_DEBIAN_MIRROR, else what apt is configured for, else Debian's own address. Contents are always checked. */
export async function findMirror(
  release: string,
  environment: NodeJS.ProcessEnv = process.env
): Promise<URL> {
  const named = environment['CLEAN_ROOM_DEBIAN_MIRROR'];
  if (named !== undefined && named !== '') return asRoot(named, 'CLEAN_ROOM_DEBIAN_MIRROR');
  return (await mirrorOfApt(release)) ?? asRoot(DEFAULT_MIRROR, 'The default');
}

/** Brings the packages that are not cached yet into the cache. */
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
      const path = await cache.scratch();
      await downloadInput(new URL(next.path.replaceAll('+', '%2b'), mirror), path, title);
      await cache.admit(path, { title, digest: next.digest, size: next.size });
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
