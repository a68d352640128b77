import { posix } from 'node:path';
import { CleanRoomError } from '@clean-room/protocol/errors';

/** When the program's output may be redirected. */
export type LogRedirectRule = 'always' | 'never' | 'debugonly';
/** The extent of memory monitoring. */
export type Monitoring = 'none' | 'memoryonly' | 'all';

/** The settings that an image allows its operator to change. */
export interface LaunchPolicy {
  readonly envOverride: readonly string[];
  readonly cmdOverride: boolean;
  readonly logRedirect: LogRedirectRule;
  readonly hardenedMonitoring: Monitoring;
  readonly debugMonitoring: Monitoring;
  /** Normalized paths, which are not yet known to be absolute. */
  readonly mountDestinations: readonly string[];
  readonly capabilities: boolean;
  readonly cgroups: boolean;
}

const PREFIX = 'tee.launch_policy.';

/** Returns the error for a launch that the launch policy does not allow. A real launcher then shuts the machine down. */
export function launchError(reason: string): CleanRoomError {
  return new CleanRoomError('policy-refused', `The launcher refuses to start the image: ${reason}.`);
}

/**
 * Reads the labels as Confidential Space's launcher does, defaults included (go-tpm-tools, launcher/spec). Other labels
 * are ignored.
 *
 * @throws CleanRoomError `policy-refused` if the value of a label is invalid
 */
export function readLaunchPolicy(labels: Readonly<Record<string, string>>): LaunchPolicy {
  const label = (name: string) => {
    const key = PREFIX + name;
    return Object.hasOwn(labels, key) ? labels[key] : undefined;
  };
  const flag = (name: string) => {
    const value = label(name);
    return value === undefined ? false : parseFlag(value, PREFIX + name);
  };
  return {
    // Names are not trimmed: a space next to a comma is part of a name.
    envOverride: (label('allow_env_override') ?? '').split(',').filter(name => name !== ''),
    cmdOverride: flag('allow_cmd_override'),
    logRedirect: parseRule(label('log_redirect') ?? 'debugonly', 'log_redirect'),
    ...readMonitoring(label),
    mountDestinations: (label('allow_mount_destinations') ?? '')
      .split(':')
      .filter(path => path !== '')
      .map(cleanPath),
    capabilities: flag('allow_capabilities'),
    cgroups: flag('allow_cgroups')
  };
}

function readMonitoring(
  label: (name: string) => string | undefined
): Pick<LaunchPolicy, 'hardenedMonitoring' | 'debugMonitoring'> {
  const old = label('monitoring_memory_allow');
  const hardened = label('hardened_monitoring');
  const debug = label('debug_monitoring');
  if (old === undefined) {
    return {
      hardenedMonitoring: parseMonitoring(hardened ?? 'none'),
      debugMonitoring: parseMonitoring(debug ?? 'memoryonly')
    };
  }
  if (hardened !== undefined || debug !== undefined) {
    throw launchError('it has both the old and the new monitoring labels');
  }
  const rule = parseRule(old, 'monitoring_memory_allow');
  return {
    hardenedMonitoring: rule === 'always' ? 'memoryonly' : 'none',
    debugMonitoring: rule === 'never' ? 'none' : 'memoryonly'
  };
}

const TRUE = ['1', 't', 'T', 'true', 'TRUE', 'True'];
const FALSE = ['0', 'f', 'F', 'false', 'FALSE', 'False'];

/** Parses the spellings that Go's ParseBool accepts. */
function parseFlag(value: string, name: string): boolean {
  if (TRUE.includes(value)) return true;
  if (FALSE.includes(value)) return false;
  throw launchError(`its label ${name} is not a boolean`);
}

function parseRule(value: string, name: string): LogRedirectRule {
  const rule = value.toLowerCase().trim();
  if (rule === 'always' || rule === 'never' || rule === 'debugonly') return rule;
  throw launchError(`its label ${PREFIX}${name} is not always, never or debugonly`);
}

function parseMonitoring(value: string): Monitoring {
  const monitoring = value.toLowerCase();
  if (monitoring === 'none' || monitoring === 'memoryonly' || monitoring === 'all') return monitoring;
  throw launchError('its labels contain an unknown kind of monitoring');
}

/** Returns a path without `.`, `..`, and repeated or trailing slashes. */
export function cleanPath(path: string): string {
  const clean = posix.normalize(path);
  return clean.length > 1 && clean.endsWith('/') ? clean.slice(0, -1) : clean;
}
