import { CleanRoomError } from '../errors/index.js';
import type { OutputTerms, Policy, RunTerms, SandboxProfile } from './policy.js';

/** The terms of a run under several policies: the intersection of their lists and the strictest of their limits. */
export interface StrictestTerms {
  readonly run: RunTerms;
  readonly outputs: OutputTerms;
  readonly sandboxProfiles: readonly SandboxProfile[];
}

/** The terms of a run without assets. No provider's data is used, so these are the limits of the program itself. */
export const TERMS_WITHOUT_ASSETS: StrictestTerms = {
  run: { wallSeconds: 3600, memoryBytes: 8 * 1024 ** 3, timeGridSeconds: 1, runs: 1, spareStarts: 0 },
  outputs: {
    mimeTypes: [
      'text/plain',
      'text/html',
      'text/markdown',
      'text/latex',
      'application/json',
      'image/png',
      'image/jpeg'
    ],
    bytesPerOutput: 4 * 1024 ** 2,
    bytesPerRun: 64 * 1024 ** 2,
    outputsPerRun: 1000,
    review: 'none',
    valuesPerRow: 1000
  },
  sandboxProfiles: ['second-uid', 'nested-namespace']
};

function least(policies: readonly Policy[], limit: (policy: Policy) => number): number {
  return Math.min(...policies.map(limit));
}

function common<T>(lists: readonly (readonly T[])[]): T[] {
  const [first = [], ...others] = lists;
  return first.filter(item => others.every(list => list.includes(item)));
}

/**
 * Returns the terms that satisfy all policies, or {@link TERMS_WITHOUT_ASSETS} when there are none.
 *
 * @throws CleanRoomError `policy-refused` when the policies have no sandbox profile in common
 */
export function strictestTerms(policies: readonly Policy[]): StrictestTerms {
  if (policies.length === 0) return TERMS_WITHOUT_ASSETS;
  const sandboxProfiles = common(policies.map(policy => policy.tee.sandboxProfiles));
  if (sandboxProfiles.length === 0) {
    throw new CleanRoomError(
      'policy-refused',
      'The policies of the datasets have no sandbox profile in common.',
      {
        remedy: 'Ask the providers to allow the same profile, or submit one notebook for each provider.'
      }
    );
  }
  return {
    run: {
      wallSeconds: least(policies, policy => policy.run.wallSeconds),
      memoryBytes: least(policies, policy => policy.run.memoryBytes),
      timeGridSeconds: Math.max(...policies.map(policy => policy.run.timeGridSeconds)),
      runs: least(policies, policy => policy.run.runs),
      spareStarts: least(policies, policy => policy.run.spareStarts)
    },
    outputs: {
      mimeTypes: common(policies.map(policy => policy.outputs.mimeTypes)),
      bytesPerOutput: least(policies, policy => policy.outputs.bytesPerOutput),
      bytesPerRun: least(policies, policy => policy.outputs.bytesPerRun),
      outputsPerRun: least(policies, policy => policy.outputs.outputsPerRun),
      review: policies.some(policy => policy.outputs.review === 'person') ? 'person' : 'none',
      valuesPerRow: least(policies, policy => policy.outputs.valuesPerRow)
    },
    sandboxProfiles
  };
}
