import { posix } from 'node:path';
import type { RestartPolicy } from '../issuer/token-issuer.js';
import { decodeStringList } from '../launcher/go-json.js';
import { launchError, parseBoolean, parseMonitoring, type LogRedirect, type Monitoring } from './labels.js';

/** A tmpfs in the container. */
export interface LaunchMount {
  /** Absolute path of the mount point in the container. */
  readonly destination: string;
  readonly sizeBytes?: number;
}

/** The custom metadata of an instance, by key. Keys that the launcher does not know have no effect. */
export type InstanceMetadata = Readonly<Record<string, string>>;

/** The settings of a launch, which the operator writes to the instance's metadata. */
export interface LaunchSpec {
  readonly imageReference: string;
  readonly env: Readonly<Record<string, string>>;
  /** Replaces the image's command. Empty if the image's own is used. */
  readonly cmd: readonly string[];
  readonly restartPolicy: RestartPolicy;
  readonly logRedirect: LogRedirect;
  readonly monitoring: Monitoring;
  readonly mounts: readonly LaunchMount[];
  /** The size of /dev/shm, or 0 for the default. */
  readonly sharedMemoryKilobytes: number;
  readonly addedCapabilities: readonly string[];
  readonly cgroupNamespace: boolean;
  /** Accounts whose identity tokens are attested together with that of the instance. */
  readonly impersonatedAccounts: readonly string[];
  /** Whether tokens come from another service than Google's production service, or are signed by a key that is public. */
  readonly otherVerifier: boolean;
  /** Whether the default token is not written to a file. */
  readonly withoutTokenFile: boolean;
}

const ENV_PREFIX = 'tee-env-';
const RESTART_POLICIES: readonly RestartPolicy[] = ['Always', 'OnFailure', 'Never'];
const LOG_REDIRECTS: readonly LogRedirect[] = ['true', 'cloud_logging', 'serial', 'false'];
const SERVICES = ['prod', 'staging', 'autopush'];

/**
 * Reads the settings of a launch as Confidential Space's launcher does (go-tpm-tools, launcher/spec/launch_spec.go).
 *
 * @throws CleanRoomError `policy-refused` if the launcher refuses a value; the machine is then switched off
 */
export function readLaunchSpec(metadata: InstanceMetadata): LaunchSpec {
  const value = (key: string) => (Object.hasOwn(metadata, key) ? (metadata[key] ?? '') : '');
  const list = (key: string) => (value(key) === '' ? [] : value(key).split(','));
  const imageReference = value('tee-image-reference');
  if (imageReference === '') throw specError('tee-image-reference is not specified in the custom metadata');
  if (parseBoolean(value('tee-install-gpu-driver')) === true)
    throw specError('GPU Driver installation is not supported');
  const service = metadata['gca-service-env'];
  if (service !== undefined && !SERVICES.includes(service.toLowerCase()))
    throw specError(
      `the gca service env is not within the allowlist, want ${SERVICES.join(' ')}, got ${service}`
    );
  return {
    imageReference,
    env: readEnvironment(metadata),
    cmd: readList(value('tee-cmd')),
    restartPolicy: oneOf(
      RESTART_POLICIES,
      value('tee-restart-policy') || 'Never',
      'invalid restart policy: '
    ),
    logRedirect: oneOf(
      LOG_REDIRECTS,
      value('tee-container-log-redirect') || 'false',
      'invalid logging redirect location '
    ),
    monitoring: readMonitoring(metadata),
    mounts: value('tee-mount') === '' ? [] : value('tee-mount').split(';').map(readMount),
    sharedMemoryKilobytes: Number(readUnsigned(value('tee-dev-shm-size-kb') || '0', 'tee-dev-shm-size-kb')),
    addedCapabilities: readList(value('tee-added-capabilities')),
    cgroupNamespace:
      metadata['tee-cgroup-ns'] !== undefined && readFlag('tee-cgroup-ns', value('tee-cgroup-ns')),
    impersonatedAccounts: list('tee-impersonate-service-accounts'),
    otherVerifier:
      (service ?? 'prod').toLowerCase() !== 'prod' ||
      (value('test-fake-verifier') !== '' && readFlag('test-fake-verifier', value('test-fake-verifier'))),
    withoutTokenFile:
      value('tee-disable-gca-refresh') !== '' &&
      readFlag('tee-disable-gca-refresh', value('tee-disable-gca-refresh'))
  };
}

function specError(reason: string) {
  return launchError(`failed to get launchspec, make sure you're running inside a GCE VM: ${reason}`);
}

function oneOf<T extends string>(allowed: readonly T[], value: string, problem: string): T {
  const found = allowed.find(other => other === value);
  if (found === undefined) throw specError(`${problem}${value}`);
  return found;
}

function readFlag(key: string, value: string): boolean {
  const flag = parseBoolean(value);
  if (flag === undefined) throw specError(`invalid value for ${key} (not a boolean)`);
  return flag;
}

function readUnsigned(value: string, key: string): bigint {
  if (!/^\d{1,20}$/.test(value) || BigInt(value) >= 2n ** 64n)
    throw specError(`failed to convert ${key} into uint64, got: ${value}`);
  return BigInt(value);
}

function readEnvironment(metadata: InstanceMetadata): Record<string, string> {
  const variables = Object.entries(metadata)
    .filter(([key]) => key.startsWith(ENV_PREFIX))
    .map(([key, value]) => [key.slice(ENV_PREFIX.length), value] as const);
  for (const [name] of variables) {
    if (!/^[a-zA-Z_][a-zA-Z0-9_]*$/.test(name)) {
      throw launchError(
        `failed to format env var: malformed env name [${name}], env name must start with an alpha character or '_', followed by a string of alphanumeric characters or '_' (^[a-zA-Z_][a-zA-Z0-9_]*$)`
      );
    }
  }
  return Object.fromEntries(variables);
}

function readList(text: string): string[] {
  if (text === '') return [];
  try {
    return decodeStringList(text);
  } catch (cause) {
    throw specError(cause instanceof Error ? cause.message : 'invalid JSON');
  }
}

function readMonitoring(metadata: InstanceMetadata): Monitoring {
  const memory = metadata['tee-monitoring-memory-enable'];
  const kind = metadata['tee-monitoring-enable'];
  if (memory !== undefined && kind !== undefined)
    throw specError(
      'both tee-monitoring-memory-enable and tee-monitoring-enable are specified, only one is permitted'
    );
  if (memory !== undefined)
    return memory !== '' && readFlag('tee-monitoring-memory-enable', memory) ? 'memoryonly' : 'none';
  const monitoring = parseMonitoring(kind || 'none');
  if (monitoring === undefined) throw specError(`invalid monitoring type ${kind ?? ''}`);
  return monitoring;
}

const MOUNT_KEYS = ['type', 'source', 'destination', 'size'];

/** Reads one mount: `type=tmpfs,source=tmpfs,destination=/path[,size=bytes]`. */
function readMount(text: string): LaunchMount {
  const options = new Map<string, string>();
  for (const option of text.split(',')) {
    const at = option.indexOf('=');
    if (at === -1)
      throw specError(`failed to parse mount option: malformed env var, doesn't contain '=': [${option}]`);
    const name = option.slice(0, at);
    if (!MOUNT_KEYS.includes(name))
      throw specError(`found unknown mount option: ${option}, expect keys of [${MOUNT_KEYS.join(' ')}]`);
    options.set(name, option.slice(at + 1));
  }
  if (options.get('type') !== 'tmpfs')
    throw specError(`found unknown or unspecified mount type: [${text}], expect one of types [tmpfs]`);
  const source = options.get('source') ?? '';
  if (source !== 'tmpfs') throw specError(`received wrong mount source ${source}, expected tmpfs`);
  const destination = options.get('destination') ?? '';
  if (destination === '') throw specError('mount type "tmpfs" must have destination specified');
  const size = options.get('size');
  const sizeBytes = size === undefined ? 0n : readUnsigned(size, 'size option');
  return {
    destination: posix.isAbsolute(destination) ? destination : posix.join('/', destination),
    // A size of zero is the kernel's default.
    ...(sizeBytes === 0n ? {} : { sizeBytes: Number(sizeBytes) })
  };
}
