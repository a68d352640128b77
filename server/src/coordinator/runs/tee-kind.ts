import type { Digest } from '@clean-room/protocol/bytes';
import { satisfiesTeeRule, type Policy } from '@clean-room/protocol/policies';
import type { TeeKind } from '../backends/backend.js';

const HARDWARE_MODELS: Readonly<Record<TeeKind, string>> = {
  SEV: 'GCP_AMD_SEV',
  TDX: 'GCP_INTEL_TDX',
  SIMULATED: 'SIMULATED'
};

/** Returns claims as the token of a TEE of this kind has them. Only their shape and the kind matter here. */
function exampleClaims(kind: TeeKind, image: Digest) {
  return {
    iss: 'https://confidentialcomputing.googleapis.com',
    swname: 'CONFIDENTIAL_SPACE',
    hwmodel: HARDWARE_MODELS[kind],
    dbgstat: 'disabled-since-boot',
    secboot: true,
    oemid: 11129,
    ...(kind === 'TDX' ? { attester_tcb: ['INTEL'] } : {}),
    submods: {
      confidential_space: {
        support_attributes: ['LATEST', 'STABLE', 'USABLE'],
        monitoring_enabled: { memory: false }
      },
      container: { image_digest: image, restart_policy: 'Never' }
    }
  };
}

/**
 * Returns the first kind of TEE that the rules of all policies seem to accept, or the backend's preferred kind when the rules
 * ask for facts that are known only from a token. The custodians decide about the real token.
 *
 * @param kinds - the backend's kinds, the preferred one first
 */
export function chooseTeeKind(
  kinds: readonly TeeKind[],
  policies: readonly Policy[],
  image: Digest
): TeeKind | undefined {
  const accepted = kinds.find(kind =>
    policies.every(({ tee }) => satisfiesTeeRule(tee.rule, exampleClaims(kind, image)))
  );
  return accepted ?? kinds[0];
}
