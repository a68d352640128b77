import type { LaunchSpec } from '../launch-policy/metadata.js';
import type { Machine } from '../issuer/token-issuer.js';
import { regionOf } from './service.js';

/** Returns the settings of a launch in the form in which the launcher logs them: with redacted values of variables. */
export function describeSpec(spec: LaunchSpec, machine: Machine, hardened: boolean): string {
  const environment = Object.entries(spec.env).map(
    ([name, value]) => `{Name:${name} Value:${value === '' ? '' : '[REDACTED]'}}`
  );
  const mounts = spec.mounts.map(
    ({ destination, sizeBytes = 0 }) => `{Destination:${destination} Size:${sizeBytes}}`
  );
  const fields: readonly (readonly [name: string, value: string | number | boolean])[] = [
    ['AddedCapabilities', list(spec.addedCapabilities)],
    ['CgroupNamespace', spec.cgroupNamespace],
    ['Cmd', list(spec.cmd)],
    ['DevShmSize', spec.sharedMemoryKilobytes],
    ['DisableGcaRefresh', spec.withoutTokenFile],
    ['Envs', list(environment)],
    ['Hardened', hardened],
    ['ImageRef', spec.imageReference],
    ['ImpersonateServiceAccounts', list(spec.impersonatedAccounts)],
    ['LogRedirect', spec.logRedirect],
    ['MonitoringEnabled', spec.monitoring === 'memoryonly' ? 'memoryOnly' : spec.monitoring],
    ['Mounts', list(mounts)],
    ['ProjectID', machine.projectId],
    ['Region', regionOf(machine.zone)],
    ['RestartPolicy', spec.restartPolicy]
  ];
  return `{${fields.map(([name, value]) => `${name}:${String(value)}`).join(' ')}}`;
}

function list(items: readonly string[]): string {
  return `[${items.join(' ')}]`;
}
