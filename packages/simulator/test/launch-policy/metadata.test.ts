import { describe, expect, test } from '@jest/globals';
import { readLaunchSpec } from '../../src/launch-policy/metadata.js';

const IMAGE = { 'tee-image-reference': 'europe-docker.pkg.dev/p/r/i@sha256:0' };

test('all settings have defaults but the image', () => {
  expect(readLaunchSpec(IMAGE)).toEqual({
    imageReference: IMAGE['tee-image-reference'],
    env: {},
    cmd: [],
    restartPolicy: 'Never',
    logRedirect: 'false',
    monitoring: 'none',
    mounts: [],
    sharedMemoryKilobytes: 0,
    addedCapabilities: [],
    cgroupNamespace: false,
    impersonatedAccounts: [],
    otherVerifier: false,
    withoutTokenFile: false
  });
});

test('each setting is read from its key, and empty values are the defaults', () => {
  expect(
    readLaunchSpec({
      ...IMAGE,
      'tee-env-A': '1',
      'tee-env-B': '',
      'tee-cmd': '["a", "b"]',
      'tee-restart-policy': 'OnFailure',
      'tee-container-log-redirect': 'cloud_logging',
      'tee-monitoring-memory-enable': 'T',
      'tee-mount':
        'type=tmpfs,source=tmpfs,destination=/x,size=123;type=tmpfs,source=tmpfs,destination=/y,size=0',
      'tee-dev-shm-size-kb': '1024',
      'tee-added-capabilities': '["CAP_KILL"]',
      'tee-cgroup-ns': '1',
      'tee-impersonate-service-accounts': 'a@b,c@d',
      'tee-disable-gca-refresh': 'true',
      'test-fake-verifier': '1'
    })
  ).toEqual({
    imageReference: IMAGE['tee-image-reference'],
    env: { A: '1', B: '' },
    cmd: ['a', 'b'],
    restartPolicy: 'OnFailure',
    logRedirect: 'cloud_logging',
    monitoring: 'memoryonly',
    mounts: [{ destination: '/x', sizeBytes: 123 }, { destination: '/y' }],
    sharedMemoryKilobytes: 1024,
    addedCapabilities: ['CAP_KILL'],
    cgroupNamespace: true,
    impersonatedAccounts: ['a@b', 'c@d'],
    otherVerifier: true,
    withoutTokenFile: true
  });
  const empty = Object.fromEntries(
    ['tee-cmd', 'tee-restart-policy', 'tee-container-log-redirect', 'tee-mount', 'tee-dev-shm-size-kb'].map(
      key => [key, '']
    )
  );
  expect(readLaunchSpec({ ...IMAGE, ...empty })).toEqual(readLaunchSpec(IMAGE));
});

test('keys that the launcher does not know have no effect', () => {
  const others = { 'ssh-keys': 'x', 'tee-unheard-of': 'x', 'enable-oslogin': 'TRUE', 'ita-region': 'US' };
  expect(readLaunchSpec({ ...IMAGE, ...others })).toEqual(readLaunchSpec(IMAGE));
});

describe('the launcher does not start with', () => {
  const SPEC = "failed to get launchspec, make sure you're running inside a GCE VM: ";
  test.each<[string, Record<string, string>, string]>([
    [
      'no image',
      { 'tee-image-reference': '' },
      'tee-image-reference is not specified in the custom metadata'
    ],
    ['an unknown restart policy', { 'tee-restart-policy': 'never' }, 'invalid restart policy: never'],
    [
      'an unknown redirection',
      { 'tee-container-log-redirect': 'yes' },
      'invalid logging redirect location yes'
    ],
    ['an unknown monitoring', { 'tee-monitoring-enable': 'some' }, 'invalid monitoring type some'],
    [
      'both keys of monitoring',
      { 'tee-monitoring-enable': 'none', 'tee-monitoring-memory-enable': 'false' },
      'both tee-monitoring-memory-enable and tee-monitoring-enable are specified, only one is permitted'
    ],
    ['a GPU driver', { 'tee-install-gpu-driver': 'true' }, 'GPU Driver installation is not supported'],
    ['an empty cgroup setting', { 'tee-cgroup-ns': '' }, 'invalid value for tee-cgroup-ns (not a boolean)'],
    ['another service', { 'gca-service-env': 'mine' }, 'the gca service env is not within the allowlist'],
    [
      'a command that is not a list',
      { 'tee-cmd': 'x' },
      "invalid character 'x' looking for beginning of value"
    ],
    ['data after the command', { 'tee-cmd': '[] x' }, "invalid character 'x' after top-level value"],
    [
      'a command with a number',
      { 'tee-cmd': '[1]' },
      'json: cannot unmarshal number into Go value of type string'
    ],
    [
      'another type of mount',
      { 'tee-mount': 'type=bind,source=/,destination=/x' },
      'found unknown or unspecified mount type'
    ],
    [
      'a mount with another option',
      { 'tee-mount': 'type=tmpfs,mode=777' },
      'found unknown mount option: mode=777'
    ],
    [
      'a mount without a place',
      { 'tee-mount': 'type=tmpfs,source=tmpfs' },
      'mount type "tmpfs" must have destination'
    ],
    [
      'a mount with a unit',
      { 'tee-mount': 'type=tmpfs,source=tmpfs,destination=/x,size=1m' },
      'failed to convert size option'
    ],
    ['a negative size', { 'tee-dev-shm-size-kb': '-1' }, 'failed to convert tee-dev-shm-size-kb into uint64']
  ])('%s', (_, metadata, text) => {
    let thrown: unknown;
    try {
      readLaunchSpec({ ...IMAGE, ...metadata });
    } catch (error) {
      thrown = error;
    }
    expect(thrown).toMatchObject({
      code: 'policy-refused',
      details: { launcher: expect.stringContaining(SPEC + text) }
    });
  });
});
