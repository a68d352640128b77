export { type Grant, requireGrant, startsOf } from './grant.js';
export { OutputTerms, Policy, PrivacyTerms, RunTerms, SandboxProfile } from './policy.js';
export { type StrictestTerms, TERMS_WITHOUT_ASSETS, strictestTerms } from './strictest.js';
export { allAcceptSimulator, attestationTrust } from './tee-roots.js';
export { satisfiesTeeRule } from './tee-rule.js';
export { requireTerms } from './terms.js';
