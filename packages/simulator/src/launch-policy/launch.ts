import { CleanRoomError } from '@clean-room/protocol/errors';
import type { ImageConfig } from '@clean-room/protocol/packaging';
import { cleanPath, launchError, readLaunchPolicy, type LaunchPolicy, type Monitoring } from './labels.js';

/** A tmpfs in the container. */
export interface LaunchMount {
  /** Absolute path of the mount point in the container. */
  readonly destination: string;
  readonly sizeBytes?: number;
}

/** The settings that the operator writes to the machine's metadata (`tee-…`). All except the image have defaults. */
export interface LaunchMetadata {
  readonly imageReference: string;
  readonly env?: Readonly<Record<string, string>>;
  readonly cmd?: readonly string[];
  /** `tee-container-log-redirect`: whether the operator gets the program's output. */
  readonly logRedirect?: boolean;
  readonly monitoring?: Monitoring;
  readonly mounts?: readonly LaunchMount[];
  readonly addedCapabilities?: readonly string[];
  readonly cgroupNamespace?: boolean;
}

/** How the container is started, and what its token reports about that. */
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
 * Checks the operator's settings against the image's labels and returns how to start the container. The arguments are the
 * entrypoint and the command. The environment is that of the image, overridden by the operator's and by HOSTNAME.
 *
 * @param hardened - whether the machine is a production machine, not a debug machine
 * @throws CleanRoomError `policy-refused` if the labels do not allow the settings, `backend-unavailable` if they do but the
 * simulator does not support them; nothing is started
 */
export function planLaunch(
  image: ImageConfig['config'],
  metadata: LaunchMetadata,
  hostname: string,
  hardened = true
): LaunchPlan {
  checkLaunch(readLaunchPolicy(image.Labels ?? {}), metadata, hardened);
  if ((metadata.addedCapabilities ?? []).length > 0 || metadata.cgroupNamespace === true) {
    throw new CleanRoomError(
      'backend-unavailable',
      'The simulator does not support added capabilities and cgroups.',
      {
        remedy: 'Remove these settings.'
      }
    );
  }
  const cmdOverride = metadata.cmd ?? [];
  if (image.Entrypoint.length === 0) throw launchError('the image has no entrypoint');
  const imageEnv = Object.fromEntries((image.Env ?? [`PATH=${DEFAULT_PATH}`]).map(splitVariable));
  return {
    args: [...image.Entrypoint, ...cmdOverride],
    env: { ...imageEnv, ...metadata.env, HOSTNAME: hostname },
    envOverride: { ...metadata.env },
    cmdOverride,
    workingDirectory: image.WorkingDir || '/',
    logRedirect: metadata.logRedirect ?? false,
    mounts: metadata.mounts ?? []
  };
}

/** @throws CleanRoomError `policy-refused` for the first violation of the policy */
function checkLaunch(policy: LaunchPolicy, metadata: LaunchMetadata, hardened: boolean): void {
  const notAllowed = Object.keys(metadata.env ?? {}).find(name => !policy.envOverride.includes(name));
  if (notAllowed !== undefined) throw launchError(`the variable ${notAllowed} must not be set`);
  if (!policy.cmdOverride && (metadata.cmd ?? []).length > 0)
    throw launchError('the command must not be replaced');
  checkLogRedirect(policy, metadata, hardened);
  checkMonitoring(
    hardened ? policy.hardenedMonitoring : policy.debugMonitoring,
    metadata.monitoring ?? 'none'
  );
  for (const { destination } of metadata.mounts ?? []) checkMount(policy.mountDestinations, destination);
  if ((metadata.addedCapabilities ?? []).length > 0 && !policy.capabilities) {
    throw launchError('capabilities must not be added');
  }
  if (metadata.cgroupNamespace === true && !policy.cgroups) throw launchError('cgroups must not be used');
}

function checkLogRedirect({ logRedirect }: LaunchPolicy, metadata: LaunchMetadata, hardened: boolean): void {
  if (metadata.logRedirect !== true || logRedirect === 'always') return;
  if (logRedirect === 'never') throw launchError('its output must not be redirected');
  if (hardened) throw launchError('its output must not be redirected except on a debug machine');
}

function checkMonitoring(allowed: Monitoring, requested: Monitoring): void {
  const levels: readonly Monitoring[] = ['none', 'memoryonly', 'all'];
  if (levels.indexOf(requested) > levels.indexOf(allowed)) {
    throw launchError(`the monitoring level “${requested}” was requested, but only “${allowed}” is allowed`);
  }
}

/** Checks that a mount point is one of the allowed folders or below one of them. */
function checkMount(allowed: readonly string[], destination: string): void {
  const path = cleanPath(destination);
  const relative = [path, ...allowed].find(name => !name.startsWith('/'));
  if (relative !== undefined) throw launchError(`the mount point ${relative} is not absolute`);
  const within = allowed.some(folder => path === folder || folder === '/' || path.startsWith(`${folder}/`));
  if (!within) throw launchError(`mounting at ${path} is not allowed`);
}

function splitVariable(variable: string): [string, string] {
  const at = variable.indexOf('=');
  return at === -1 ? [variable, ''] : [variable.slice(0, at), variable.slice(at + 1)];
}
