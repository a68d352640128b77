/** Compares what a real machine shows with what the clean room expects. */
import { Buffer } from 'node:buffer';
import { JOB_VARIABLE, ATTEMPT_AUDIENCE, registrationNonce } from '@clean-room/protocol/jobs';
import { verifyToken } from '@clean-room/protocol/attestation';

const MODELS = { TDX: 'GCP_INTEL_TDX', SEV: 'GCP_AMD_SEV' };

/** Returns the claims of a token without verifying it. */
export function claimsOf(token) {
  return JSON.parse(Buffer.from(token.split('.')[1] ?? '', 'base64url').toString());
}

/**
 * Returns each expectation about the claims of a machine's token, with what was found.
 *
 * @param {object} claims - the claims
 * @param {object} machine - what was started: `tee`, `image`, `job`, `project`, `zone`, `name`
 */
export function claimExpectations(claims, machine) {
  const { submods = {} } = claims;
  const { container = {}, gce = {}, confidential_space: space = {} } = submods;
  const check = (claim, expected, found) => ({
    claim,
    expected,
    found: found ?? null,
    holds: JSON.stringify(expected) === JSON.stringify(found ?? null)
  });
  return [
    check('swname', 'CONFIDENTIAL_SPACE', claims.swname),
    check('dbgstat', 'disabled-since-boot', claims.dbgstat),
    check('secboot', true, claims.secboot),
    check('hwmodel', MODELS[machine.tee], claims.hwmodel),
    check('support_attributes has STABLE', true, space.support_attributes?.includes('STABLE') ?? false),
    check('monitoring_enabled.memory', false, space.monitoring_enabled?.memory),
    check('image_digest', machine.image, container.image_digest),
    check('restart_policy', 'Never', container.restart_policy),
    check('env_override', { [JOB_VARIABLE]: machine.job }, container.env_override),
    check('cmd_override', null, container.cmd_override),
    check('gce.project_id', machine.project, gce.project_id),
    check('gce.zone', machine.zone, gce.zone),
    check('gce.instance_name', machine.name, gce.instance_name)
  ];
}

/** Returns the failed steps of the clean room's own verification of a registration token, none if it is accepted. */
export async function failedSteps({ token, attemptKey }, { image, job }, roots) {
  const { steps } = await verifyToken(token, {
    profile: 'production',
    at: new Date(),
    trust: { pkiRoots: roots },
    acceptSimulator: false,
    expect: {
      audience: ATTEMPT_AUDIENCE,
      nonces: [registrationNonce(attemptKey, job)],
      imageDigest: image,
      maxAgeSeconds: 3600
    }
  });
  return steps.filter(({ status }) => status === 'fail').map(({ title, detail }) => `${title}: ${detail}`);
}

/** Lines of a Linux kernel's start that say what the sandbox and the memory encryption rest on. */
const KERNEL_LINES = {
  version: /Linux version [^\r\n]{1,300}/,
  commandLine: /Command line: [^\r\n]{1,1000}/,
  securityModules: /LSM: initializing [^\r\n]{1,300}/,
  memoryEncryption: /Memory Encryption Features active: [^\r\n]{1,200}/,
  hypervisor: /Hypervisor detected: [^\r\n]{1,100}/
};

/** Returns the facts about the kernel of Container-Optimized OS that a serial console shows. */
export function kernelFacts(serial) {
  return Object.fromEntries(
    Object.entries(KERNEL_LINES).map(([name, pattern]) => [name, pattern.exec(serial)?.[0] ?? null])
  );
}
