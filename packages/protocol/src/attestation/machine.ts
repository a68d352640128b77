import type { AppraisalSubject } from './request.js';
import { fail, NOT_IN_PROFILE, notAsked, pass, quote, type StepOutcome } from './steps.js';
import { SIMULATED_HARDWARE, SIMULATOR_ISSUER } from './trust.js';

/** The TEEs of Confidential Space. A Shielded VM (`GCP_SHIELDED_VM`) does not encrypt its memory, so it is never accepted. */
const TEE_HARDWARE = ['GCP_AMD_SEV', 'GCP_AMD_SEV_ES', 'GCP_INTEL_TDX'];

/**
 * Checks that a token is either simulated in every respect (issuer, hardware and root) or in none, and that a simulated token is
 * accepted. A token that is only partly simulated is an attempt to pass off one kind as the other.
 */
export function checkSimulator({ claims, request, root }: AppraisalSubject): StepOutcome {
  const signs = [claims.iss === SIMULATOR_ISSUER, claims.hwmodel === SIMULATED_HARDWARE];
  if (root !== undefined) signs.push(root.kind === 'simulated');
  if (!signs.some(Boolean)) return pass('The token is not simulated.');
  if (!signs.every(Boolean)) {
    return fail(
      'simulator-inconsistent',
      'Issuer, hardware and root disagree on whether the token is simulated.'
    );
  }
  return request.acceptSimulator === true
    ? pass('SIMULATED: the token is not from a TEE. The policy accepts the simulator.')
    : fail(
        'simulator-refused',
        'SIMULATED: the token is not from a TEE, and the policy does not accept the simulator.'
      );
}

/** Checks that the machine is a known TEE, and one of the expected ones. */
export function checkHardware({
  claims: { hwmodel },
  request,
  expect,
  production
}: AppraisalSubject): StepOutcome {
  if (!production && expect.hwmodels === undefined) return NOT_IN_PROFILE;
  const tees = request.acceptSimulator === true ? [...TEE_HARDWARE, SIMULATED_HARDWARE] : TEE_HARDWARE;
  const accepted = tees.includes(hwmodel) && (expect.hwmodels ?? tees).includes(hwmodel);
  return accepted ? pass(`Found ${quote(hwmodel)}.`) : fail('hardware-refused', `Found ${quote(hwmodel)}.`);
}

/** Checks that the GPUs are in confidential mode. The claim `cc_mode` is the mode of all GPUs of the machine. */
export function checkGpuMode({ claims, expect, production }: AppraisalSubject): StepOutcome {
  const gpu = claims.submods.nvidia_gpu;
  if (gpu === undefined) {
    return expect.gpu === undefined
      ? notAsked('The machine has no GPU, and none was expected.')
      : fail('gpu-missing', 'A GPU was expected, but the token names none.');
  }
  if (!production && expect.gpu === undefined) return NOT_IN_PROFILE;
  const detail = `Found the mode ${quote(gpu.cc_mode)}.`;
  return gpu.cc_mode === 'ON' ? pass(detail) : fail('gpu-not-confidential', detail);
}

/** Checks that every GPU has an expected model, driver and firmware. */
export function checkGpuModels({ claims, expect: { gpu: expected } }: AppraisalSubject): StepOutcome {
  if (expected === undefined) return notAsked();
  const gpus = claims.submods.nvidia_gpu?.gpus ?? [];
  if (gpus.length === 0) return fail('gpu-refused', 'The token does not describe a GPU.');
  const allows = (list: readonly string[] | undefined, value: string | undefined) =>
    list === undefined || (value !== undefined && list.includes(value));
  const refused = gpus.filter(
    ({ hwmodel, driver_version: driver, vbios_version: vbios }) =>
      !allows(expected.hwmodels, hwmodel) ||
      !allows(expected.driverVersions, driver) ||
      !allows(expected.vbiosVersions, vbios)
  );
  return refused.length === 0
    ? pass(`GPUs checked: ${gpus.length}.`)
    : fail('gpu-refused', `Not expected: ${quote(refused)}.`);
}
