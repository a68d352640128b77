import { CleanRoomError } from '@clean-room/protocol/errors';
import type { ImageConfig } from '@clean-room/protocol/packaging';
import { cleanPath, launchRefused, readLaunchPolicy, type LaunchPolicy, type Monitoring } from './labels.js';

export interface LaunchMount {
  /** Absolute path of a tmpfs in the container. */
  readonly destination: string;
  readonly sizeBytes?: number;
}

/** What the operator writes into the machine's metadata (`tee-…`). Everything but the image has a default. */
export interface LaunchMetadata {
  readonly imageReference: string;
  readonly env?: Readonly<Record<string, string>>;
  readonly cmd?: readonly string[];
  /** `tee-container-log-redirect`: to hand the program's output to the operator. */
  readonly logRedirect?: boolean;
  readonly monitoring?: Monitoring;
  readonly mounts?: readonly LaunchMount[];
  readonly addedCapabilities?: readonly string[];
  readonly cgroupNamespace?: boolean;
}

/** How the container is started, and what its token says about it. */
export interface LaunchPlan {
  readonly args: readonly string[];
  readonly env: Readonly<Record<string, string>>;
  readonly envOverride: Readonly<Record<string, string>>;
  readonly cmdOverride: readonly string[];
  readonly workingDirectory: string;
  readonly logRedirect: boolean;
  readonly mounts: readonly LaunchMount[];
}

const DEFAULT_PATH = '/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin';

/**
 * Holds the operator's wishes against the image's labels, and plans the start: arguments are entrypoint and command,
 * the environment is the image's, then the operator's, then HOSTNAME.
 * @param hardened whether the machine is a production one
 * @throws CleanRoomError `policy-refused`: the launch fails, nothing is started; `backend-unavailable` for what the
 *   labels allow and the simulator does not have
 */
export function planLaunch(
  image: ImageConfig['config'],
  metadata: LaunchMetadata,
  hostname: string,
  hardened = true
): LaunchPlan {
  checkLaunch(readLaunchPolicy(image.Labels ?? {}), metadata, hardened);
  if ((metadata.addedCapabilities ?? []).length > 0 || metadata.cgroupNamespace === true) {
    throw new CleanRoomError('backend-unavailable', 'The simulator adds no capabilities and no cgroups.', {
      remedy: 'Leave them out of the launch.'
    });
  }
  const cmdOverride = metadata.cmd ?? [];
  if (image.Entrypoint.length === 0) throw launchRefused('the image has no entrypoint');
  const declared = Object.fromEntries((image.Env ?? [`PATH=${DEFAULT_PATH}`]).map(splitVariable));
  return {
    args: [...image.Entrypoint, ...cmdOverride],
    env: { ...declared, ...metadata.env, HOSTNAME: hostname },
    envOverride: { ...metadata.env },
    cmdOverride,
    workingDirectory: image.WorkingDir || '/',
    logRedirect: metadata.logRedirect ?? false,
    mounts: metadata.mounts ?? []
  };
}

/** @throws CleanRoomError `policy-refused` with the first violation */
export function checkLaunch(policy: LaunchPolicy, metadata: LaunchMetadata, hardened: boolean): void {
  const surprising = Object.keys(metadata.env ?? {}).find(name => !policy.envOverride.includes(name));
  if (surprising !== undefined) throw launchRefused(`the variable ${surprising} may not be set`);
  if (!policy.cmdOverride && (metadata.cmd ?? []).length > 0)
    throw launchRefused('the command may not be replaced');
  checkLogRedirect(policy, metadata, hardened);
  checkMonitoring(
    hardened ? policy.hardenedMonitoring : policy.debugMonitoring,
    metadata.monitoring ?? 'none'
  );
  for (const { destination } of metadata.mounts ?? []) checkMount(policy.mountDestinations, destination);
  if ((metadata.addedCapabilities ?? []).length > 0 && !policy.capabilities) {
    throw launchRefused('capabilities may not be added');
  }
  if (metadata.cgroupNamespace === true && !policy.cgroups) throw launchRefused('cgroups may not be used');
}

function checkLogRedirect({ logRedirect }: LaunchPolicy, metadata: LaunchMetadata, hardened: boolean): void {
  if (metadata.logRedirect !== true || logRedirect === 'always') return;
  if (logRedirect === 'never') throw launchRefused('its output may not be redirected');
  if (hardened) throw launchRefused('its output may only be redirected on a debug machine');
}

function checkMonitoring(allowed: Monitoring, wanted: Monitoring): void {
  const order: readonly Monitoring[] = ['none', 'memoryonly', 'all'];
  if (order.indexOf(wanted) > order.indexOf(allowed)) {
    throw launchRefused(`monitoring “${wanted}” was asked for, “${allowed}” is allowed`);
  }
}

/** A mount must be one of the allowed folders or lie below one. */
function checkMount(allowed: readonly string[], destination: string): void {
  const path = cleanPath(destination);
  const relative = [path, ...allowed].find(name => !name.startsWith('/'));
  if (relative !== undefined) throw launchRefused(`the mount point ${relative} is not absolute`);
  const within = allowed.some(folder => path === folder || folder === '/' || path.startsWith(`${folder}/`));
  if (!within) throw launchRefused(`nothing may be mounted at ${path}`);
}

function splitVariable(variable: string): [string, string] {
  const at = variable.indexOf('=');
  return at === -1 ? [variable, ''] : [variable.slice(0, at), variable.slice(at + 1)];
}
