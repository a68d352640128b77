import { CleanRoomError } from '@clean-room/protocol/errors';
import type { RunConfig } from '../container/image.js';
import type { RestartPolicy } from '../issuer/token-issuer.js';
import {
  cleanPath,
  launchError,
  readLaunchPolicy,
  type LaunchPolicy,
  type LogRedirect,
  type Monitoring
} from './labels.js';
import type { LaunchMount, LaunchSpec } from './metadata.js';

/** How the container is started, and what its token reports about that. */
export interface LaunchPlan {
  readonly args: readonly string[];
  readonly env: Readonly<Record<string, string>>;
  readonly envOverride: Readonly<Record<string, string>>;
  readonly cmdOverride: readonly string[];
  readonly workingDirectory: string;
  readonly restartPolicy: RestartPolicy;
  readonly memoryMonitoring: boolean;
  readonly logRedirect: LogRedirect;
  readonly mounts: readonly LaunchMount[];
  /** The size of /dev/shm, or 0 for the default. */
  readonly sharedMemoryKilobytes: number;
}

const DEFAULT_PATH = '/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin';

/**
 * Checks the operator's settings against the image's labels and returns how to start the container. The arguments are the
 * entrypoint and the command: the operator's, or else the image's. The environment is that of the image, overridden by the
 * operator's and by HOSTNAME.
 *
 * @param hardened - whether the machine is a production machine, not a debug machine
 * @throws CleanRoomError `policy-refused` if the labels do not allow the settings, `backend-unavailable` if they do but the
 * simulator does not support them; nothing is started
 */
export function planLaunch(
  image: RunConfig,
  spec: LaunchSpec,
  hostname: string,
  hardened = true
): LaunchPlan {
  checkLaunch(readLaunchPolicy(image.Labels ?? {}), spec, hardened);
  if (spec.addedCapabilities.length > 0 || spec.cgroupNamespace || spec.otherVerifier) {
    throw new CleanRoomError(
      'backend-unavailable',
      'The simulator does not support added capabilities, cgroups and other attestation services.',
      {
        remedy: 'Remove these settings.'
      }
    );
  }
  const args = [...(image.Entrypoint ?? []), ...(spec.cmd.length > 0 ? spec.cmd : (image.Cmd ?? []))];
  if (args.length <= spec.cmd.length) {
    throw launchError(
      `length of Args [${args.length}] is shorter or equal to the length of the given Cmd [${spec.cmd.length}], maybe the Entrypoint is set to empty in the image?`
    );
  }
  if (args[0]?.startsWith('/') !== true) {
    throw new CleanRoomError('backend-unavailable', 'The simulator cannot search a program in PATH.', {
      remedy: 'Start the image’s program by its absolute path.'
    });
  }
  const imageEnv = image.Env && image.Env.length > 0 ? image.Env : [`PATH=${DEFAULT_PATH}`];
  return {
    args,
    env: { ...Object.fromEntries(imageEnv.map(splitVariable)), ...spec.env, HOSTNAME: hostname },
    envOverride: { ...spec.env },
    cmdOverride: spec.cmd,
    workingDirectory: image.WorkingDir || '/',
    restartPolicy: spec.restartPolicy,
    memoryMonitoring: spec.monitoring === 'memoryonly',
    logRedirect: spec.logRedirect,
    mounts: spec.mounts,
    sharedMemoryKilobytes: spec.sharedMemoryKilobytes
  };
}

/** @throws CleanRoomError `policy-refused` for the first violation of the policy */
function checkLaunch(policy: LaunchPolicy, spec: LaunchSpec, hardened: boolean): void {
  const notAllowed = Object.entries(spec.env).find(([name]) => !policy.envOverride.includes(name));
  if (notAllowed !== undefined) {
    throw launchError(
      `env var {${notAllowed.join(' ')}} is not allowed to be overridden on this image; allowed envs to be overridden: [${policy.envOverride.join(' ')}]`
    );
  }
  if (!policy.cmdOverride && spec.cmd.length > 0)
    throw launchError('CMD is not allowed to be overridden on this image');
  checkLogRedirect(policy, spec, hardened);
  checkMonitoring(hardened ? policy.hardenedMonitoring : policy.debugMonitoring, spec.monitoring);
  for (const { destination } of spec.mounts) checkMount(policy.mountDestinations, destination);
  if (spec.addedCapabilities.length > 0 && !policy.capabilities)
    throw launchError('additional capabilities are not allowed');
  if (spec.cgroupNamespace && !policy.cgroups) throw launchError('cgroups usage is not allowed');
}

function checkLogRedirect({ logRedirect }: LaunchPolicy, spec: LaunchSpec, hardened: boolean): void {
  if (spec.logRedirect === 'false' || logRedirect === 'always') return;
  if (logRedirect === 'never') throw launchError('logging redirection not allowed by image');
  if (hardened) throw launchError('logging redirection only allowed on debug environment by image');
}

function checkMonitoring(allowed: Monitoring, requested: Monitoring): void {
  if (allowed === 'all' || requested === 'none' || allowed === requested) return;
  const problem =
    allowed === 'none'
      ? `spec configured for ${requested === 'all' ? 'all' : 'memoryOnly'} but policy is none`
      : 'spec configured for all monitoring, policy only allows memory';
  throw launchError(`error verifying monitoring config: ${problem}`);
}

/** Checks that a mount point is one of the allowed folders or below one of them. */
function checkMount(allowed: readonly string[], destination: string): void {
  const refuse = (reason: string) => launchError(`destination mount points are not allowed: ${reason}`);
  const path = cleanPath(destination);
  const relative = allowed.find(name => !name.startsWith('/'));
  if (relative !== undefined) throw refuse(`received a non-absolute allowed destination path: ${relative}`);
  const within = allowed.some(folder => path === folder || folder === '/' || path.startsWith(`${folder}/`));
  if (!within) {
    throw refuse(
      `destination mount point "${path}" is invalid: policy only allows mounts in the following paths: [${allowed.join(' ')}]`
    );
  }
}

function splitVariable(variable: string): [string, string] {
  const at = variable.indexOf('=');
  return at === -1 ? [variable, ''] : [variable.slice(0, at), variable.slice(at + 1)];
}
