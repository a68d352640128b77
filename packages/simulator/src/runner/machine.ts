import { createHash } from 'node:crypto';
import type { Machine } from '../issuer/token-issuer.js';

/** Returns the simulated machine of an attempt. As in Confidential Space, each attempt has its own. */
export function machineOf(attemptId: string): Machine {
  const hash = createHash('sha256').update(attemptId).digest();
  return {
    projectId: 'simulator',
    projectNumber: '0',
    zone: 'this-machine',
    instanceName: `simulated-${hash.toString('hex', 0, 6)}`,
    instanceId: hash.readBigUInt64BE(8).toString(),
    serviceAccounts: ['workload@simulator.invalid']
  };
}
