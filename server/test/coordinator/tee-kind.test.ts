import { expect, test } from '@jest/globals';
import { digestOf, utf8 } from '@clean-room/protocol/bytes';
import type { Policy } from '@clean-room/protocol/policies';
import { chooseTeeKind } from '../../src/coordinator/runs/tee-kind.js';

const IMAGE = digestOf(utf8('an image'));

const TDX = "assertion.hwmodel == 'GCP_INTEL_TDX'";
const EITHER = "assertion.hwmodel in ['GCP_INTEL_TDX', 'GCP_AMD_SEV']";
const SEV =
  "assertion.swname == 'CONFIDENTIAL_SPACE' && 'STABLE' in assertion.submods.confidential_space.support_attributes && assertion.hwmodel == 'GCP_AMD_SEV'";
const ACCOUNT = "'a@b' in assertion.google_service_accounts";

test.each([
  [[], 'TDX'],
  [[EITHER], 'TDX'],
  [[TDX, EITHER], 'TDX'],
  [[SEV], 'SEV'],
  [[SEV, EITHER], 'SEV'],
  // No kind satisfies both, or the claim is not known: the custodians will decide.
  [[SEV, TDX], 'TDX'],
  [[ACCOUNT], 'TDX']
])('chooses the preferred kind of TEE that all rules accept: %j', (rules, kind) => {
  const policies = rules.map(rule => ({ tee: { rule } }) as Policy);
  expect(chooseTeeKind(['TDX', 'SEV'], policies, IMAGE)).toBe(kind);
});
