export { readSpec, sortedByName } from './check.js';
export { SubmissionRequest, openSubmissionRequest } from './request.js';
export { Compute, SPEC_PATH, Spec, SpecAsset, WORKSPACE_PATH } from './spec.js';
