import type { AppraisalSubject } from './appraisal.js';
import { fail, notAsked, pass, quote, type StepOutcome } from './steps.js';

/** `cc_mode` attests the driver's mode for all GPUs of the machine. */
export function checkMode({ claims, expect, production }: AppraisalSubject): StepOutcome {
  const gpu = claims.submods.nvidia_gpu;
  if (gpu === undefined) {
    return expect.gpu === undefined
      ? notAsked('The machine has no GPU and none was expected.')
      : fail('gpu-missing', 'A GPU was expected; the token names none.');
  }
  if (!production && expect.gpu === undefined)
    return notAsked('The profile “signature” does not ask for it.');
  const detail = `Found the mode ${quote(gpu.cc_mode)}.`;
  return gpu.cc_mode === 'ON' ? pass(detail) : fail('gpu-not-confidential', detail);
}

export function checkModels({ claims, expect: { gpu: wanted } }: AppraisalSubject): StepOutcome {
  if (wanted === undefined) return notAsked();
  const gpus = claims.submods.nvidia_gpu?.gpus ?? [];
  if (gpus.length === 0) return fail('gpu-refused', 'The token describes no GPU.');
  const allows = (list: readonly string[] | undefined, value: string | undefined) =>
    list === undefined || (value !== undefined && list.includes(value));
  const refused = gpus.filter(
    ({ hwmodel, driver_version: driver, vbios_version: vbios }) =>
      !allows(wanted.hwmodels, hwmodel) ||
      !allows(wanted.driverVersions, driver) ||
      !allows(wanted.vbiosVersions, vbios)
  );
  return refused.length === 0
    ? pass(`All ${gpus.length} GPUs are expected ones.`)
    : fail('gpu-refused', `Not expected: ${quote(refused)}.`);
}
