import type { TokenSubject } from '../../src/issuer/token-issuer.js';

/** The machine and container of test tokens. */
export const SUBJECT: TokenSubject = {
  machine: {
    projectId: 'simulator',
    projectNumber: '1',
    zone: 'local',
    instanceName: 'run-1',
    instanceId: '7',
    serviceAccounts: ['simulator@simulator.invalid']
  },
  container: {
    imageReference: `simulator/runs@sha256:${'1'.repeat(64)}`,
    imageDigest: `sha256:${'1'.repeat(64)}`,
    imageId: `sha256:${'2'.repeat(64)}`,
    args: ['/usr/lib/clean-room/node', '/usr/lib/clean-room/supervisor.js'],
    env: { PATH: '/usr/bin', HOSTNAME: 'run-1' },
    envOverride: {},
    cmdOverride: []
  }
};
