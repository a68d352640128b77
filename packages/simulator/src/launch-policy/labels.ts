import { posix } from 'node:path';
import { CleanRoomError } from '@clean-room/protocol/errors';

/** The destinations of the program's output: none, Cloud Logging and the serial console, or one of them. */
export type LogRedirect = 'false' | 'true' | 'cloud_logging' | 'serial';
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

/**
 * Returns the error for a launch that the launcher refuses. A real launcher then shuts the machine down.
 *
 * @param reason - the text that the launcher writes to its log
 */
export function launchError(reason: string): CleanRoomError {
  return new CleanRoomError('policy-refused', `The launcher refuses to start the image: ${reason}.`, {
    details: { launcher: reason }
  });
}

/** Returns the error for a label that the launcher cannot read. */
function labelError(reason: string): CleanRoomError {
  return launchError(`failed to parse image Launch Policy: ${reason}: contact the image author`);
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
    const parsed = value === undefined ? false : parseBoolean(value);
    if (parsed === undefined) throw labelError(`invalid image LABEL '${PREFIX}${name}' (not a boolean)`);
    return parsed;
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
      hardenedMonitoring: labelMonitoring(hardened ?? 'none', 'hardened'),
      debugMonitoring: labelMonitoring(debug ?? 'memoryonly', 'debug')
    };
  }
  if (hardened !== undefined || debug !== undefined) {
    throw labelError(
      `use either ${PREFIX}monitoring_memory_allow or ${PREFIX}hardened_monitoring/${PREFIX}debug_monitoring in image labels,- not both`
    );
  }
  const rule = parseRule(old, 'monitoring_memory_allow');
  return {
    hardenedMonitoring: rule === 'always' ? 'memoryonly' : 'none',
    debugMonitoring: rule === 'never' ? 'none' : 'memoryonly'
  };
}

const TRUE = ['1', 't', 'T', 'true', 'TRUE', 'True'];
const FALSE = ['0', 'f', 'F', 'false', 'FALSE', 'False'];

/** Parses the spellings that Go's ParseBool accepts. Returns undefined for others. */
export function parseBoolean(value: string): boolean | undefined {
  if (TRUE.includes(value)) return true;
  return FALSE.includes(value) ? false : undefined;
}

function parseRule(value: string, name: string): LogRedirectRule {
  const rule = value.toLowerCase().trim();
  if (rule === 'always' || rule === 'never' || rule === 'debugonly') return rule;
  throw labelError(`invalid image LABEL '${PREFIX}${name}'`);
}

/** Parses a kind of monitoring in any case. Returns undefined for unknown kinds. */
export function parseMonitoring(value: string): Monitoring | undefined {
  const monitoring = value.toLowerCase();
  return monitoring === 'none' || monitoring === 'memoryonly' || monitoring === 'all'
    ? monitoring
    : undefined;
}

function labelMonitoring(value: string, kind: 'hardened' | 'debug'): Monitoring {
  const monitoring = parseMonitoring(value);
  if (monitoring === undefined)
    throw labelError(`invalid monitoring type for ${kind} image: invalid monitoring type ${value}`);
  return monitoring;
}

/** Returns a path without `.`, `..`, and repeated or trailing slashes. */
export function cleanPath(path: string): string {
  const clean = posix.normalize(path);
  return clean.length > 1 && clean.endsWith('/') ? clean.slice(0, -1) : clean;
}
